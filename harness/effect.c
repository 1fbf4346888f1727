// SPDX-License-Identifier: MIT
/* One place for signs and scales, so that what is judged and what is drawn are the same figures. */
#include "harness/effect.h"

#include <math.h>

double effect_of(const struct effect *e, double base, double head)
{
	double sign = e->better == BETTER_HIGHER ? -1 : 1;

	if (!isfinite(base) || !isfinite(head))
		return NAN;
	if (e->count)
		return sign * (head - base) / fmax(fmin(base, head), e->floor);
	if (base <= 0 || head <= 0)
		return NAN;
	return sign * log(head / base);
}

double effect_of_runs(const struct effect *e, const double value[2], const double operations[2])
{
	double whole[2] = {value[0], value[1]};

	for (int i = 0; i < 2; i++)
		if (e->better == BETTER_HIGHER && !e->count && value[i] == 0 && value[!i] > 0)
			whole[i] = value[!i] / fmax(1, operations[!i]) / 2;
	return effect_of(e, whole[0], whole[1]);
}

double effect_fraction(const struct effect *e, double d)
{
	if (!e->count)
		return expm1(d);
	return d < 0 ? d / (1 - d) : d;
}

double effect_from_fraction(const struct effect *e, double fraction)
{
	if (!e->count)
		return log1p(fraction);
	return fraction < 0 ? fraction / (1 + fraction) : fraction;
}

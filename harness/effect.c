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
		return sign * (head - base) / fmax(base, e->floor);
	if (base <= 0 || head <= 0)
		return NAN;
	return sign * log(head / base);
}

double effect_fraction(const struct effect *e, double d)
{
	return e->count ? d : expm1(d);
}

double effect_from_fraction(const struct effect *e, double fraction)
{
	return e->count ? fraction : log1p(fraction);
}

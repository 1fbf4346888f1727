// SPDX-License-Identifier: MIT
/*
 * One place for signs, scales and limits, so that what is judged and what is drawn are the same
 * figures, whichever gate judges. A tail is judged only where a hundred operations lie beyond it.
 */
#include "harness/effect.h"

#include <math.h>
#include <string.h>

#define TAIL_TARGET 0.15
#define COUNT_FLOOR 0.01 /* an event for a hundred operations */
#define BYTES_FLOOR 16

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

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), tail = strlen(end);

	return len > tail && !strcmp(text + len - tail, end);
}

static double operations_least(const char *name)
{
	return ends_with(name, "_p999") ? 1e5 : ends_with(name, "_p99") ? 1e4 : 0;
}

struct effect_limits effect_limits(const struct metric *m, bool count, double target,
				   double matters)
{
	struct effect_limits l = {.target = target, .matters = matters};

	if (count) {
		l.floor = strcmp(m->unit, "bytes") ? COUNT_FLOOR : BYTES_FLOOR;
		return l;
	}
	l.operations = operations_least(m->name);
	if (l.operations > 0) {
		l.target = fmax(TAIL_TARGET, target);
		l.matters = fmax(l.target / 2, matters);
	}
	return l;
}

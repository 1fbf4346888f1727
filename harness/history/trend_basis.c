// SPDX-License-Identifier: MIT
/*
 * A yardstick may take the machine's speed of the day out of a value, and adds its own noise. So it
 * is used only where all sessions have it, in one version, and the logarithms of the ratios deviate
 * less from each other than those of the values: steps of the program are in both alike.
 */
#include "harness/history/trend_basis.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/registry.h"
#include "harness/stats/spread.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"
#include "harness/workload.h"

#define YARDSTICK_DEFAULT "spin"
#define FEWEST		  3 /* sessions whose spread says something */

const char *trend_yardstick(const struct registry *reg, const char *workload)
{
	const struct workload_ops *w = reg ? registry_workload(reg, workload) : NULL;

	return w && w->yardstick ? w->yardstick : YARDSTICK_DEFAULT;
}

/* What a machine that is slower by a factor does to a value: multiplies it, divides it, nothing. */
static int direction(const char *unit)
{
	if (!strcmp(unit, "ns"))
		return 1;
	return strcmp(unit, "1/s") ? 0 : -1;
}

/* Why the values are taken as they were measured, or NULL: a yardstick may be used. */
static const char *no_yardstick(const struct trend *t)
{
	if (*t->reference)
		return "relative to the base, measured in the same pairs";
	if (!direction(t->unit))
		return "as measured: no figure of the machine's speed";
	for (size_t i = 0; i < t->n; i++) {
		if (isnan(t->points[i].yardstick_ns))
			return "as measured: not every session has the yardstick";
		if (t->points[i].yardstick_version != t->points[0].yardstick_version)
			return "as measured: the yardstick's version changed";
		if (!(t->points[i].measured > 0 && t->points[i].yardstick_ns > 0))
			return "as measured: some value is 0";
	}
	return t->n < FEWEST ? "as measured: too few sessions to judge the yardstick" : NULL;
}

static double deviation_of_logs(const double *v, double *room, size_t n)
{
	for (size_t i = 0; i < n; i++)
		room[i] = log(v[i]);
	return spread_deviation(room, n);
}

/* ratio[i]: the value with the yardstick at its median. */
static void divide(const struct trend *t, double *ratio, double *room)
{
	double median;

	for (size_t i = 0; i < t->n; i++)
		room[i] = t->points[i].yardstick_ns;
	order_sort(room, t->n);
	median = order_median(room, t->n);
	for (size_t i = 0; i < t->n; i++) {
		const struct trend_point *p = &t->points[i];
		double speed = median / p->yardstick_ns;

		ratio[i] = direction(t->unit) > 0 ? p->measured * speed : p->measured / speed;
	}
}

/* Fills `values`; `ratio` and `room` have as much room. */
static void choose_basis(struct trend *t, double *values, double *ratio, double *room,
			 const char *yardstick)
{
	const char *why = no_yardstick(t);
	double raw, relative;

	for (size_t i = 0; i < t->n; i++)
		values[i] = t->points[i].measured;
	if (why) {
		snprintf(t->basis, sizeof(t->basis), "%s", why);
		return;
	}
	divide(t, ratio, room);
	raw = deviation_of_logs(values, room, t->n);
	relative = deviation_of_logs(ratio, room, t->n);
	if (!(relative < raw)) {
		snprintf(t->basis, sizeof(t->basis),
			 "as measured: relative to %s they would differ by %.1f %%, not %.1f %%",
			 yardstick, 100 * relative, 100 * raw);
		return;
	}
	memcpy(values, ratio, t->n * sizeof(*values));
	t->yardstick = yardstick;
	snprintf(t->basis, sizeof(t->basis), "relative to %s: they differ by %.1f %%, not %.1f %%",
		 yardstick, 100 * relative, 100 * raw);
}

int trend_analyse(struct trend *t, const struct registry *reg)
{
	_cleanup_free_ double *room = calloc(3 * t->n, sizeof(*room));
	int r;

	if (!room)
		return -ENOMEM;
	choose_basis(t, room, room + t->n, room + 2 * t->n, trend_yardstick(reg, t->workload));
	for (size_t i = 0; i < t->n; i++)
		t->points[i].value = room[i];
	r = rankscan(room, t->n, RANKSCAN_LEAST, &t->scan);
	if (!r && t->scan.level != 0)
		t->change = (room[t->n - 1] - t->scan.level) / fabs(t->scan.level);
	return r;
}

int trend_step_is(const struct trend *t, const struct rankscan_step *step)
{
	if (!strcmp(t->better, "none") || step->step == 0)
		return 0;
	return (step->step > 0) == !strcmp(t->better, "higher") ? -1 : 1;
}

// SPDX-License-Identifier: MIT
/*
 * A yardstick may take the machine's speed of the day out of a value, and adds its own noise. So it
 * is used only where the logarithms of the ratios deviate clearly less from each other than those
 * of the values: steps of the program are in both alike. Sessions without it are left out then, if
 * they are few: one that could not measure it shall not change what all others say. But where the
 * newest have none, leaving them out would hide what people look for.
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
#define FEWEST		  3    /* sessions whose spread says something */
#define BARE_MAX	  0.25 /* of the sessions may be without the yardstick */
#define BARE_LAST	  3    /* the last sessions: one of them at least has it */
#define CLEARLY		  0.9  /* of the deviation without it: less is no accident of one session */

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

static bool has_yardstick(const struct trend_point *p)
{
	return !isnan(p->yardstick_ns);
}

static bool last_are_bare(const struct trend *t)
{
	for (size_t i = 0; i < BARE_LAST && i < t->n; i++)
		if (has_yardstick(&t->points[t->n - 1 - i]))
			return false;
	return true;
}

/* Why the values are taken as they were measured, or NULL: a yardstick may be used. */
static const char *no_yardstick(const struct trend *t)
{
	const struct trend_point *first = NULL;
	size_t with = 0;

	if (*t->reference)
		return "relative to the base, measured in the same pairs";
	if (!direction(t->unit))
		return "as measured: no figure of the machine's speed";
	for (size_t i = 0; i < t->n; i++) {
		const struct trend_point *p = &t->points[i];

		if (!has_yardstick(p))
			continue;
		first = with++ ? first : p;
		if (p->yardstick_version != first->yardstick_version)
			return "as measured: the yardstick's version changed";
		if (!(p->measured > 0 && p->yardstick_ns > 0))
			return "as measured: some value is 0";
	}
	if ((double)(t->n - with) > BARE_MAX * (double)t->n)
		return "as measured: too many sessions have no yardstick";
	if (last_are_bare(t))
		return "as measured: the last sessions have no yardstick";
	return with < FEWEST ? "as measured: too few sessions to judge the yardstick" : NULL;
}

static double deviation_of_logs(const double *v, double *room, size_t n)
{
	for (size_t i = 0; i < n; i++)
		room[i] = log(v[i]);
	return spread_deviation(room, n);
}

/* The value of each session that has the yardstick, as it would be with that at its median. */
static void divide(const struct trend *t, double *ratio, double *room)
{
	double median;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (has_yardstick(&t->points[i]))
			room[n++] = t->points[i].yardstick_ns;
	order_sort(room, n);
	median = order_median(room, n);
	n = 0;
	for (size_t i = 0; i < t->n; i++) {
		const struct trend_point *p = &t->points[i];
		double speed = median / p->yardstick_ns;

		if (has_yardstick(p))
			ratio[n++] =
				direction(t->unit) > 0 ? p->measured * speed : p->measured / speed;
	}
}

static void say_basis(struct trend *t, const char *yardstick, double raw, double relative)
{
	char less[80] = "";

	if (t->n_bare)
		snprintf(less, sizeof(less), "; %zu without it %s left out", t->n_bare,
			 t->n_bare == 1 ? "is" : "are");
	if (t->yardstick)
		snprintf(t->basis, sizeof(t->basis),
			 "relative to %s: they differ by %.1f %%, not %.1f %%%s", yardstick,
			 100 * relative, 100 * raw, less);
	else
		snprintf(t->basis, sizeof(t->basis),
			 "as measured: they differ by %.1f %%, and relative to %s by %.1f %%, "
			 "not clearly less",
			 100 * raw, yardstick, 100 * relative);
}

static void take_ratios(struct trend *t, const double *ratio)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		t->points[i].value = has_yardstick(&t->points[i]) ? ratio[n++] : NAN;
	t->n_bare = t->n - n;
}

/* Gives each point its value; `ratio`, `measured` and `room` have room for as many. */
static void choose_basis(struct trend *t, double *ratio, double *measured, double *room,
			 const char *yardstick)
{
	const char *why = no_yardstick(t);
	double raw, relative;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		t->points[i].value = t->points[i].measured;
		if (has_yardstick(&t->points[i]))
			measured[n++] = t->points[i].measured;
	}
	if (why) {
		snprintf(t->basis, sizeof(t->basis), "%s", why);
		return;
	}
	divide(t, ratio, room);
	raw = deviation_of_logs(measured, room, n);
	relative = deviation_of_logs(ratio, room, n);
	if (relative < CLEARLY * raw) {
		take_ratios(t, ratio);
		t->yardstick = yardstick;
	}
	say_basis(t, yardstick, raw, relative);
}

/* The values that there are, without gaps. */
static size_t gather_values(struct trend *t, double *v)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (isnan(t->points[i].value))
			continue;
		v[n++] = t->points[i].value;
		t->last = i;
	}
	return n;
}

/* From places among the values to places among the points. */
static void place_steps(struct trend *t)
{
	size_t value = 0, step = 0;

	for (size_t i = 0; i < t->n && step < t->scan.n_steps; i++) {
		if (isnan(t->points[i].value))
			continue;
		if (t->scan.steps[step].at == value++)
			t->scan.steps[step++].at = i;
	}
}

int trend_analyse(struct trend *t, const struct registry *reg)
{
	_cleanup_free_ double *room = calloc(3 * t->n, sizeof(*room));
	int r;

	if (!room)
		return -ENOMEM;
	choose_basis(t, room, room + t->n, room + 2 * t->n, trend_yardstick(reg, t->workload));
	r = rankscan(room, gather_values(t, room), RANKSCAN_LEAST, &t->scan);
	if (r)
		return r;
	place_steps(t);
	if (t->scan.level != 0)
		t->change = (t->points[t->last].value - t->scan.level) / fabs(t->scan.level);
	return 0;
}

const struct trend_point *trend_before(const struct trend *t, const struct rankscan_step *step)
{
	const struct trend_point *p = &t->points[step->at] - 1;

	while (isnan(p->value))
		p--;
	return p;
}

int trend_step_is(const struct trend *t, const struct rankscan_step *step)
{
	if (!strcmp(t->better, "none") || step->step == 0)
		return 0;
	return (step->step > 0) == !strcmp(t->better, "higher") ? -1 : 1;
}

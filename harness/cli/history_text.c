// SPDX-License-Identifier: MIT
/*
 * The history for people: what each series is at now, against its level, and each step with the
 * session that was the first on the new level and the one before it: the change came between the
 * two.
 */
#include <math.h>
#include <string.h>

#include "harness/cli/history_write.h"
#include "reports/fmt.h"

#define DAY	 10 /* characters of an ISO 8601 time that are its day */
#define MINUTE	 16
#define REVISION 12 /* characters of a revision that name it */

static const char *percent(char buf[FMT_MAX], double fraction)
{
	if (!isfinite(fraction))
		snprintf(buf, FMT_MAX, "from 0");
	else
		snprintf(buf, FMT_MAX, "%+.1f %%", 100 * fraction);
	return buf;
}

static void write_step(const struct trend *t, const struct rankscan_step *step, FILE *out)
{
	static const char *const words[] = {"better", "other", "worse"};
	const struct trend_point *first = &t->points[step->at], *last = first - 1;
	char before[FMT_MAX], after[FMT_MAX], by[FMT_MAX];

	fprintf(out, "    %-6s %s, %s to %s, since %.*s (%s, revision %.*s; before: %s, %.*s)\n",
		words[trend_step_is(t, step) + 1], percent(by, step->step),
		fmt_value(before, step->before, t->unit, true),
		fmt_value(after, step->after, t->unit, true), MINUTE, first->started, first->folder,
		REVISION, first->revision, last->folder, REVISION, last->revision);
}

static void write_remarks(const struct trend *t, FILE *out)
{
	if (t->n < RANKSCAN_MIN)
		fprintf(out, "    steps can be told from %d sessions on\n", RANKSCAN_MIN);
	if (t->scan.unreliable)
		fprintf(out,
			"    not reliable: neighbouring sessions are alike (autocorrelation %.2f), "
			"a drift looks like steps\n",
			t->scan.autocorrelation);
	if (t->n_older)
		fprintf(out, "    %zu older sessions are left out\n", t->n_older);
	fprintf(out, "    %s\n", t->basis);
}

static void write_series(const struct trend *t, FILE *out)
{
	const struct trend_point *last = &t->points[t->n - 1];
	char now[FMT_MAX], level[FMT_MAX], by[FMT_MAX] = "unknown";

	fprintf(out, "  %s", t->label);
	if (*t->reference)
		fprintf(out, " against base %s", t->reference);
	if (!isnan(t->change))
		percent(by, t->change);
	fprintf(out, ": %s %s, %s against its level of %s (%zu session%s, %.*s to %.*s)\n",
		t->metric, fmt_value(now, last->value, t->unit, true), by,
		fmt_value(level, t->scan.level, t->unit, true), t->n, t->n == 1 ? "" : "s", DAY,
		t->points[0].started, DAY, last->started);
	for (size_t i = 0; i < t->scan.n_steps; i++)
		write_step(t, &t->scan.steps[i], out);
	write_remarks(t, out);
}

/* Is it the first series of its machine? Series of one machine need not stand together. */
static bool machine_is_new(const struct trends *t, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(t->items[k].machine, t->items[i].machine))
			return false;
	return true;
}

void history_text(const struct trends *t, FILE *out)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!machine_is_new(t, i))
			continue;
		fprintf(out, "%s%s (machine %s)\n", i ? "\n" : "", t->items[i].machine_says,
			t->items[i].machine);
		for (size_t k = i; k < t->n; k++)
			if (!strcmp(t->items[k].machine, t->items[i].machine))
				write_series(&t->items[k], out);
	}
}

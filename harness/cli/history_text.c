// SPDX-License-Identifier: MIT
/*
 * The history for people: what each series is at now, against its level, and each step with the
 * session that was the first on the new level and the one before it: the change came between the
 * two. Names and revisions are others' text: none of their control characters get to a terminal.
 */
#include <math.h>
#include <string.h>

#include "harness/cli/history_write.h"
#include "reports/fmt.h"

#define DAY	 10 /* characters of an ISO 8601 time that are its day */
#define MINUTE	 16
#define SAFE_MAX 1024
#define REVISION 12 /* characters of a revision that name it */

static const char *percent(char buf[FMT_MAX], double fraction)
{
	if (!isfinite(fraction))
		snprintf(buf, FMT_MAX, "from 0");
	else
		snprintf(buf, FMT_MAX, "%+.1f %%", 100 * fraction);
	return buf;
}

/* At most `most` bytes of it. */
static void put_safe(FILE *out, const char *text, int most)
{
	char safe[SAFE_MAX];

	fprintf(out, "%.*s", most, fmt_safe(safe, sizeof(safe), text));
}

static void put_figure(FILE *out, double value, const char *unit)
{
	char figure[FMT_MAX];

	put_safe(out, fmt_value(figure, value, unit, true), FMT_MAX);
}

static void put_point(FILE *out, const char *folder, const char *before, const char *revision)
{
	put_safe(out, folder, SAFE_MAX);
	fputs(before, out);
	put_safe(out, revision, REVISION);
}

static void write_step(const struct trend *t, const struct rankscan_step *step, FILE *out)
{
	static const char *const words[] = {"better", "other", "worse"};
	const struct trend_point *first = &t->points[step->at], *last = trend_before(t, step);
	char by[FMT_MAX];

	fprintf(out, "    %-6s %s, ", words[trend_step_is(t, step) + 1], percent(by, step->step));
	put_figure(out, step->before, t->unit);
	fputs(" to ", out);
	put_figure(out, step->after, t->unit);
	fputs(", since ", out);
	put_safe(out, first->started, MINUTE);
	fputs(" (", out);
	put_point(out, first->folder, ", revision ", first->revision);
	fputs("; before: ", out);
	put_point(out, last->folder, ", ", last->revision);
	fputs(")\n", out);
}

static void write_windows(const struct trend *t, FILE *out)
{
	char window[FMT_MAX], warmup[FMT_MAX];

	if (t->duration_ns > 0)
		fprintf(out, " of %s after %s",
			fmt_trim((char *)fmt_value(window, t->duration_ns, "ns", true)),
			fmt_trim((char *)fmt_value(warmup, t->warmup_ns, "ns", true)));
}

/* Sessions that were not as they should be, of a kind: "3 were unfinished, the last is s12" */
static void write_remarked(const struct trend *t, const char *remark, const char *says, FILE *out)
{
	const struct trend_point *last = NULL;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (!strstr(t->points[i].remark, remark))
			continue;
		last = &t->points[i];
		n++;
	}
	if (!n)
		return;
	fprintf(out, "    %zu %s %s: ", n, n == 1 ? "session was" : "sessions were", says);
	fputs(n == 1 ? "" : "the last is ", out);
	put_safe(out, last->folder, SAFE_MAX);
	fputc('\n', out);
}

static void write_remarks(const struct trend *t, FILE *out)
{
	if (t->n - t->n_bare < RANKSCAN_MIN)
		fprintf(out, "    steps can be told from %d sessions on\n", RANKSCAN_MIN);
	if (t->scan.unreliable)
		fprintf(out,
			"    not reliable: neighbouring sessions are alike (autocorrelation %.2f), "
			"a drift looks like steps\n",
			t->scan.autocorrelation);
	if (t->n_older)
		fprintf(out, "    %zu older sessions are left out\n", t->n_older);
	write_remarked(t, "concurrent", "allowed beside others", out);
	write_remarked(t, "unfinished", "unfinished", out);
	fprintf(out, "    %s\n", t->basis);
}

static void write_series(const struct trend *t, FILE *out)
{
	const struct trend_point *last = &t->points[t->n - 1], *shown = &t->points[t->last];
	char by[FMT_MAX] = "unknown";

	fputs("  ", out);
	put_safe(out, t->label, SAFE_MAX);
	fputs(*t->reference ? " against base " : "", out);
	put_safe(out, t->reference, SAFE_MAX);
	fputs(": ", out);
	put_safe(out, t->metric, SAFE_MAX);
	fputc(' ', out);
	put_figure(out, shown->value, t->unit);
	if (!isnan(t->change))
		percent(by, t->change);
	fprintf(out, ", %s against its level of ", by);
	put_figure(out, t->scan.level, t->unit);
	fprintf(out, " (%zu session%s", t->n, t->n == 1 ? "" : "s");
	write_windows(t, out);
	fputs(", ", out);
	put_safe(out, t->points[0].started, DAY);
	fputs(" to ", out);
	put_safe(out, last->started, DAY);
	fputs(")\n", out);
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
		fputs(i ? "\n" : "", out);
		put_safe(out, t->items[i].machine_says, SAFE_MAX);
		fputs(" (machine ", out);
		put_safe(out, t->items[i].machine, SAFE_MAX);
		fputs(")\n", out);
		for (size_t k = i; k < t->n; k++)
			if (!strcmp(t->items[k].machine, t->items[i].machine))
				write_series(&t->items[k], out);
	}
}

// SPDX-License-Identifier: MIT
/*
 * For people at a terminal and in a job's log: the verdict in one line, what it rests on, and a
 * table of what was gated, worst first. Metrics that fail nothing stand below when they changed;
 * how many did not, in one line.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/table.h"
#include "reports/verdict.h"
#include "reports/verdict_words.h"

#define WIDTH_DEFAULT 120
#define LABEL_LEAST   36u /* characters; of a wide window a third */
#define LINES_MAX     25  /* reasons */

struct column {
	const char *title;
	int right, drop;
};

enum {
	COLUMN_VERDICT,
	COLUMN_CELL,
	COLUMN_METRIC,
	COLUMN_CHANGE,
	COLUMN_INTERVAL,
	COLUMN_BASE,
	COLUMN_HEAD,
	COLUMN_P,
	COLUMN_PAIRS,
	COLUMN_SEES,
	COLUMNS
};

/* Where it gets narrow the highest `drop` is left out first. */
static const struct column columns[COLUMNS] = {
	[COLUMN_VERDICT] = {"verdict", 0, 0},	[COLUMN_CELL] = {"cell", 0, 0},
	[COLUMN_METRIC] = {"metric", 0, 0},	[COLUMN_CHANGE] = {"change", 1, 0},
	[COLUMN_INTERVAL] = {"interval", 1, 1}, [COLUMN_BASE] = {"base", 1, 3},
	[COLUMN_HEAD] = {"head", 1, 2},		[COLUMN_P] = {"p", 1, 5},
	[COLUMN_PAIRS] = {NULL, 1, 6},		[COLUMN_SEES] = {"sees", 1, 4},
};

struct view {
	const struct verdicts *v;
	const struct report_options *o;
	FILE *out;
	unsigned width;
	size_t label; /* most characters of one */
};

static int add_row(struct table *t, const struct view *view, const struct verdict_row *row)
{
	char label[LABEL_SIZE], a[FMT_MAX];
	int err = table_row(t);

	if (err)
		return err;
	err |= table_set(t, COLUMN_VERDICT, verdict_names[row->what]);
	err |= table_set(t, COLUMN_CELL,
			 words_label(label, verdict_cell_of(view->v, row), view->label));
	err |= table_set(t, COLUMN_METRIC, words_metric(row));
	err |= table_set(t, COLUMN_CHANGE, fmt_percent(a, row->estimate, true));
	err |= table_set(t, COLUMN_INTERVAL, words_interval(a, row->low, row->high));
	err |= table_set(t, COLUMN_BASE, fmt_value(a, row->base, row->unit, false));
	err |= table_set(t, COLUMN_HEAD, fmt_value(a, row->head, row->unit, false));
	err |= table_set(t, COLUMN_P, words_p(a, words_row_p(row)));
	err |= table_set(t, COLUMN_PAIRS, words_pairs(a, view->v, row));
	err |= table_set(t, COLUMN_SEES, fmt_percent(a, row->mde, false));
	return err ? -ENOMEM : 0;
}

static bool shown(const struct verdict_row *row, bool gated)
{
	return row->gated == gated &&
	       (gated || row->what == VERDICT_REGRESSED || row->what == VERDICT_IMPROVED);
}

static int fill(struct table *t, const struct view *view, bool gated)
{
	int err = 0;

	for (int k = 0; !err && k < COLUMNS; k++)
		err = table_column(
			t, k == COLUMN_PAIRS ? words_pairs_title(view->v) : columns[k].title,
			columns[k].right, columns[k].drop);
	for (unsigned i = 0; !err && i < view->v->n_rows; i++)
		if (shown(view->v->order[i], gated))
			err = add_row(t, view, view->v->order[i]);
	return err;
}

static int put_table(const struct view *view, bool gated, const char *title)
{
	struct table t = {0};
	unsigned dropped;
	int err = fill(&t, view, gated);

	if (!err && t.n_rows) {
		fprintf(view->out, "\n%s", title);
		dropped =
			table_print(&t, view->out, view->width, gated ? "" : "  ", view->o->colour);
		if (dropped)
			fprintf(view->out,
				"(%u column%s not fit into %u; --format csv has everything)\n",
				dropped, dropped == 1 ? " does" : "s do", view->width);
	}
	table_free(&t);
	return err;
}

/* Why what is gated could not be told. */
static void put_reasons(const struct view *view)
{
	char label[LABEL_SIZE], metric[LABEL_SIZE], why[WORDS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < view->v->n_rows; i++) {
		const struct verdict_row *row = view->v->order[i];

		if (!row->gated || !*words_why(why, view->v, row) || n++ >= LINES_MAX)
			continue;
		words_label(label, verdict_cell_of(view->v, row), view->label);
		fprintf(view->out, "%s  %s %s: %s\n", n == 1 ? "\nwhy\n" : "", label,
			fmt_safe(metric, sizeof(metric), words_metric(row)), why);
	}
	if (n > LINES_MAX)
		fprintf(view->out, "  ... and %u more (--format csv has all)\n", n - LINES_MAX);
}

static void put_line(FILE *out, const char *text)
{
	char safe[2 * WORDS_MAX];

	if (*text)
		fprintf(out, "%s\n", fmt_safe(safe, sizeof(safe), text));
}

static void put_head(const struct verdicts *v, const struct report_options *o, FILE *out)
{
	const char *colour = verdict_good(v)  ? "\033[1;32m"
			     : verdict_bad(v) ? "\033[1;31m"
					      : "\033[1;33m";
	char text[WORDS_MAX], more[WORDS_MAX];

	fputs(o->colour ? colour : "", out);
	put_line(out, words_headline(text, v));
	fputs(o->colour ? "\033[0m" : "", out);
	put_line(out, words_sides(text, v));
	words_sees(more, v);
	fprintf(out, "%s%s%s\n", words_extent(text, v), *more ? "; " : "", more);
	put_line(out, words_control(text, v));
	put_line(out, words_calibration(text, v));
	if (!v->judged)
		fputs("What follows was measured, but is no verdict.\n", out);
}

/* Rows that the tables leave out, so that nobody takes them for judged and forgotten. */
static void put_rest(const struct verdicts *v, FILE *out)
{
	unsigned rest[VERDICT_KINDS];
	char text[WORDS_MAX];

	memcpy(rest, v->advisory, sizeof(rest));
	rest[VERDICT_REGRESSED] = rest[VERDICT_IMPROVED] = 0;
	if (*words_counts(text, rest))
		fprintf(out, "\nmetrics that fail nothing, besides: %s (--format csv has all)\n",
			text);
}

/* Broken at blanks. */
static void put_wrapped(FILE *out, const char *text, size_t width)
{
	while (strlen(text) > width) {
		const char *blank = memrchr(text, ' ', width + 1);

		if (!blank)
			break;
		fprintf(out, "%.*s\n", (int)(blank - text), text);
		text = blank + 1;
	}
	fprintf(out, "%s\n", text);
}

int verdict_text(const struct report_options *options, FILE *out, struct err *err)
{
	_cleanup_(cleanup_verdicts) struct verdicts *v = NULL;
	struct view view = {.o = options, .out = out};
	int code = verdicts_load(options->dir, &v, err);

	if (code)
		return code;
	view.v = v;
	view.width = options->width ? options->width : WIDTH_DEFAULT;
	view.label = max_of(view.width / 3, LABEL_LEAST);
	view.label = min_of(view.label, (size_t)LABEL_MAX);
	put_head(v, options, out);
	code = put_table(&view, true, "");
	code = code ? code : put_table(&view, false, "changed, but fail nothing\n");
	if (code)
		return err_sys(err, code, "%s", options->dir);
	put_reasons(&view);
	put_rest(v, out);
	fputc('\n', out);
	put_wrapped(out, words_legend(v), view.width);
	return 0;
}

int verdict_table(const char *dir, FILE *out, struct err *err)
{
	struct report_options o = report_options_for(dir, out);

	return verdict_text(&o, out, err);
}

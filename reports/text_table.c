// SPDX-License-Identifier: MIT
/*
 * Figures come first in the fight for room: columns that say little are folded into the names of
 * the rows, remarks are wrapped, and only then is a figure left out.
 */
#include "reports/text_table.h"

#include <errno.h>
#include <string.h>

#include "reports/fmt.h"
#include "reports/fold.h"
#include "reports/table.h"

#define INDENT	    "  "
#define REMARKS_MIN 12
#define LINE_MAX    400

const struct text_figure text_figures[TEXT_FIGURES] = {
	{"", "p50", "latency_p50", 2, false},	      {"", "p99", "latency_p99", 0, false},
	{"", "p999", "latency_p999", 4, false},	      {"intended", "p50", "intended_p50", 5, true},
	{"intended", "p99", "intended_p99", 0, true},
};

static bool shown(const struct group *g, const struct text_figure *f)
{
	return !f->open_loop || g->open_loop;
}

static int make_columns(struct table *t, const struct group *g, const struct fold *fold)
{
	int err = 0;

	for (unsigned k = 0; k < g->n_columns; k++)
		if (!fold->folded[k])
			err |= table_column(t, g->columns[k].name, g->columns[k].numeric, 0);
	err |= table_column(t, "ok", 1, 0);
	err |= table_column(t, "throughput", 1, 0);
	err |= table_column(t, "[min .. max]", 0, 3);
	for (size_t i = 0; i < TEXT_FIGURES; i++) {
		if (!shown(g, &text_figures[i]))
			continue;
		err |= table_column(t, text_figures[i].title, 1, text_figures[i].drop);
		if (!err)
			t->columns[t->n_columns - 1].over = text_figures[i].over;
	}
	err |= table_column(t, "", 0, 0);
	if (!err)
		t->columns[t->n_columns - 1].wrap = REMARKS_MIN;
	return err ? -ENOMEM : 0;
}

/* "2 failed, unsteady": whatever makes the row less than plain good. */
static void problem_words(const struct cell_sum *cell, char *buf, size_t size)
{
	char word[60];
	size_t n = 0;

	buf[0] = '\0';
	for (int i = STATUS_FAILED; i < STATUS_COUNT; i++)
		if (cell->runs[i] && n < size)
			n += (size_t)snprintf(buf + n, size - n, "%s%u %s", n ? ", " : "",
					      cell->runs[i], status_names[i]);
	for (int i = 0; i < WARN_COUNT; i++) {
		if (!cell->warnings[i] || n >= size)
			continue;
		warning_word(cell, (enum warning)i, word, sizeof(word));
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? ", " : "", word);
	}
}

static int set_names(struct table *t, const struct group *g, const struct fold *fold, size_t i,
		     unsigned *at)
{
	char text[LINE_MAX], more[LINE_MAX / 2];
	int err = 0;

	for (unsigned k = 0; k < g->n_columns; k++) {
		if (fold->folded[k])
			continue;
		more[0] = '\0';
		if (g->columns[k].target)
			fold_label(g, fold, i, more, sizeof(more));
		snprintf(text, sizeof(text), "%.40s%s%s", group_shown(g, i, k),
			 group_best(g, i, k) ? "*"
			 : *more	     ? ""
					     : " ",
			 more);
		err |= table_set(t, (*at)++, text);
	}
	return err;
}

static int add_row(struct table *t, const struct group *g, const struct fold *fold, size_t i)
{
	const struct cell_sum *cell = g->cells[i];
	const struct metric_sum *tput = cell_metric(cell, "throughput");
	char a[FMT_MAX], b[FMT_MAX], text[LINE_MAX];
	unsigned k = 0, total = cell_total(cell);
	int err = table_row(t);

	if (err)
		return err;
	err |= set_names(t, g, fold, i, &k);
	snprintf(text, sizeof(text), "%u/%u", cell->runs[STATUS_OK], total);
	err |= table_set(t, k++, total ? text : "-"); /* it was never started */
	err |= table_set(t, k++, fmt_value(a, metric_median(tput), "1/s", false));
	fmt_count(a, metric_min(tput));
	fmt_count(b, metric_max(tput));
	snprintf(text, sizeof(text), "[%s .. %s]", a, b);
	err |= table_set(t, k++, tput && tput->n > 1 ? text : "");
	for (size_t f = 0; f < TEXT_FIGURES; f++)
		if (shown(g, &text_figures[f]))
			err |= table_set(t, k++,
					 fmt_value(a, cell_median(cell, text_figures[f].metric),
						   "ns", false));
	problem_words(cell, text, sizeof(text));
	err |= table_set(t, k, text);
	return err ? -ENOMEM : 0;
}

static int fill(struct table *t, const struct group *g, const struct fold *fold)
{
	int err = make_columns(t, g, fold);

	for (size_t i = 0; !err && i < g->n_cells; i++)
		err = add_row(t, g, fold, i);
	return err;
}

/* The room that figures and remarks leave, measured on the table without any fold. */
static int choose_fold(const struct group *g, size_t width, struct fold *ret)
{
	struct fold none = {0};
	struct table t = {0};
	int err = fill(&t, g, &none);

	if (!err) {
		size_t figures = table_width(&t, g->n_columns) + 2 + strlen(INDENT);

		fold_choose(g, width > figures ? width - figures : 0, ret);
	}
	table_free(&t);
	return err;
}

static void put_caption(const char *what, const char *text, FILE *out)
{
	char safe[LINE_MAX];

	if (*text)
		fprintf(out, INDENT "%s: %s\n", what, fmt_safe(safe, sizeof(safe), text));
}

int text_table(const struct group *g, const struct report_options *o, FILE *out)
{
	struct table t = {0};
	struct fold fold;
	char text[LINE_MAX];
	unsigned dropped;
	int err = choose_fold(g, o->width, &fold);

	err = err ? err : fill(&t, g, &fold);
	if (!err) {
		fprintf(out, "\n%s%s%s\n", o->colour ? "\033[1;36m" : "", g->workload,
			o->colour ? "\033[0m" : "");
		fold_shared(g, text, sizeof(text));
		put_caption("all", text, out);
		fold_usual(g, &fold, text, sizeof(text));
		put_caption("unless the row says otherwise", text, out);
		dropped = table_print(&t, out, o->width, INDENT, o->colour);
		if (dropped)
			fprintf(out,
				"  (%u column%s not fit into %u; --format csv has everything)\n",
				dropped, dropped == 1 ? " does" : "s do", o->width);
	}
	table_free(&t);
	return err;
}

// SPDX-License-Identifier: MIT
/*
 * What the figures of a workload's cells are made of, where its targets tell more than metrics: a
 * few lines for each cell, since all of it would be too wide for a table. `!` stands behind what
 * stands out (evidence.h).
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/evidence.h"
#include "reports/fmt.h"
#include "reports/text_table.h"

#define CELLS_MAX 25
#define INDENT	  4

/* A list that goes on in the next line where the width ends. */
struct words {
	FILE *out;
	size_t width, at;
};

__attribute__((format(printf, 2, 3))) static void add_words(struct words *w, const char *fmt, ...)
{
	char text[300], safe[300];
	va_list ap;
	size_t length;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fmt_safe(safe, sizeof(safe), text);
	length = strlen(safe);
	if (w->at && w->at + 2 + length + 1 > w->width) {
		fputs(",\n", w->out);
		w->at = 0;
	}
	if (w->at)
		fputs(", ", w->out);
	else
		fprintf(w->out, "%*s", INDENT, "");
	fputs(safe, w->out);
	w->at = w->at ? w->at + 2 + length : INDENT + length;
}

static void end_words(struct words *w)
{
	fputs(w->at ? "\n" : "", w->out);
	w->at = 0;
}

/* requests_per_enter reads "requests per enter". */
static const char *spaced(char buf[80], const char *name)
{
	snprintf(buf, 80, "%s", name);
	for (char *p = buf; *p; p++)
		*p = *p == '_' ? ' ' : *p;
	return buf;
}

static void print_columns(struct words *w, const struct evidence *e, size_t i)
{
	const struct cell_sum *cell = e->group->cells[i];
	char name[80], value[FMT_MAX], told[40];

	for (unsigned k = 0; k < e->n_columns; k++) {
		unsigned missing;
		double v = evidence_value(cell, e->columns[k].name, &missing);

		told[0] = '\0';
		if (missing)
			snprintf(told, sizeof(told), " (%u of %u repeats)",
				 cell_total(cell) - missing, cell_total(cell));
		if (k == e->n_plain)
			end_words(w);
		if (isfinite(v))
			add_words(w, "%s %s%s%s", spaced(name, e->columns[k].name),
				  fmt_value(value, v, e->columns[k].unit, false),
				  evidence_is_marked(e, &e->columns[k], i) ? "!" : "", told);
	}
	end_words(w);
}

static void print_bars(struct words *w, const struct cell_sum *cell)
{
	char least[FMT_MAX], most[FMT_MAX];
	struct detail_bars b;

	if (!evidence_bars(cell, &b))
		return;
	add_words(w, "%u %s: %s %s .. %s", b.n + b.left_out, b.title, b.name,
		  fmt_value(least, b.least, b.unit, false), fmt_value(most, b.most, b.unit, false));
	end_words(w);
}

static void print_stages(struct words *w, const struct cell_sum *cell)
{
	struct stage_split split;
	char mean[FMT_MAX];

	if (!evidence_stages(cell, &split))
		return;
	add_words(w, "%s (%s): %s %.0f %%", split.title,
		  fmt_value(mean, split.mean_ns, "ns", false), split.list[0].name,
		  split.list[0].share * 100);
	for (unsigned k = 1; k < split.n; k++)
		add_words(w, "%s %.0f %%", split.list[k].name, split.list[k].share * 100);
	add_words(w, "not joined %.0f %%", split.rest * 100);
	end_words(w);
}

int text_evidence(const struct group *g, const struct report_options *o, FILE *out)
{
	struct words w = {.out = out, .width = o->width};
	char name[300], rate[FMT_MAX];
	struct evidence e;

	evidence_make(g, &e);
	if (!e.bars && !e.stages)
		return 0;
	fprintf(out,
		"\n%s: what the figures are made of (! at least twice as bad as the best twin, "
		"a cell that differs in one thing)\n",
		g->workload);
	for (size_t i = 0; i < g->n_cells && i < CELLS_MAX; i++) {
		const struct cell_sum *cell = g->cells[i];

		if (isnan(cell_median(cell, "throughput")))
			continue;
		group_name(g, i, name, sizeof(name));
		fmt_safe(name, sizeof(name), name);
		fprintf(out, "  %s: %s\n", name,
			fmt_value(rate, cell_median(cell, "throughput"), "1/s", false));
		print_columns(&w, &e, i);
		print_bars(&w, cell);
		print_stages(&w, cell);
	}
	if (g->n_cells > CELLS_MAX)
		fprintf(out, "  ... and %zu more (--format html has more)\n",
			g->n_cells - CELLS_MAX);
	return 0;
}

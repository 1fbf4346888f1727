// SPDX-License-Identifier: MIT
/*
 * The table a person reads first: one block for each workload, one row for each cell, only the axes
 * and knobs that vary. A `*` behind a value says that it is the best along its column, everything
 * else being equal. Below stand what went wrong and what casts doubt on the figures.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "reports/fmt.h"
#include "reports/get.h"
#include "reports/group.h"
#include "reports/hostline.h"
#include "reports/naming.h"
#include "reports/report.h"
#include "reports/summary.h"
#include "reports/table.h"

#define WIDTH_DEFAULT 120
#define WARNED_MAX    3	 /* cells named for each kind of warning */
#define LINES_MAX     25 /* of each list below the tables */

struct figure {
	const char *title, *metric, *unit;
	int drop;
	bool open_loop; /* only where a rate is offered */
};

static const struct figure figures[] = {
	{"p50", "latency_p50", "ns", 2, false},
	{"p99", "latency_p99", "ns", 0, false},
	{"p999", "latency_p999", "ns", 4, false},
	{"intended p50", "intended_p50", "ns", 5, true},
	{"intended p99", "intended_p99", "ns", 0, true},
};

static bool shown(const struct group *g, const struct figure *f)
{
	return !f->open_loop || g->open_loop;
}

static int make_columns(struct table *t, const struct group *g)
{
	int err = 0;

	for (unsigned k = 0; k < g->n_columns; k++)
		err |= table_column(t, g->columns[k].name, g->columns[k].numeric, 0);
	err |= table_column(t, "ok", 1, 0);
	err |= table_column(t, "throughput", 1, 0);
	err |= table_column(t, "[min .. max]", 0, 3);
	for (size_t i = 0; i < array_size(figures); i++)
		if (shown(g, &figures[i]))
			err |= table_column(t, figures[i].title, 1, figures[i].drop);
	err |= table_column(t, "", 0, 0);
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

static int add_row(struct table *t, const struct group *g, size_t i)
{
	const struct cell_sum *cell = g->cells[i];
	const struct metric_sum *tput = cell_metric(cell, "throughput");
	char a[FMT_MAX], b[FMT_MAX], text[300];
	unsigned k = 0;
	int err = table_row(t);

	if (err)
		return err;
	for (; k < g->n_columns; k++) {
		snprintf(text, sizeof(text), "%.40s%s", group_shown(g, i, k),
			 group_best(g, i, k) ? "*" : " ");
		err |= table_set(t, k, text);
	}
	snprintf(text, sizeof(text), "%u/%u", cell->runs[STATUS_OK], cell_total(cell));
	err |= table_set(t, k++, text);
	err |= table_set(t, k++, fmt_value(a, metric_median(tput), "1/s", false));
	fmt_count(a, metric_min(tput));
	fmt_count(b, metric_max(tput));
	snprintf(text, sizeof(text), "[%s .. %s]", a, b);
	err |= table_set(t, k++, tput && tput->n > 1 ? text : "");
	for (size_t f = 0; f < array_size(figures); f++)
		if (shown(g, &figures[f]))
			err |= table_set(t, k++,
					 fmt_value(a, cell_median(cell, figures[f].metric),
						   figures[f].unit, false));
	problem_words(cell, text, sizeof(text));
	err |= table_set(t, k, text);
	return err ? -ENOMEM : 0;
}

static int print_group(const struct group *g, const struct report_options *o, FILE *out)
{
	_cleanup_(table_free) struct table t = {0};
	int err = make_columns(&t, g);
	unsigned dropped;

	for (size_t i = 0; !err && i < g->n_cells; i++)
		err = add_row(&t, g, i);
	if (err)
		return err;
	fprintf(out, "\n%s%s%s\n", o->colour ? "\033[1;36m" : "", g->workload,
		o->colour ? "\033[0m" : "");
	dropped = table_print(&t, out, o->width, "  ", o->colour);
	if (dropped)
		fprintf(out, "  (%u column%s not fit into %u; --format csv has everything)\n",
			dropped, dropped == 1 ? " does" : "s do", o->width);
	return 0;
}

static void print_head(const struct summary *s, FILE *out)
{
	char host[256], span[FMT_MAX], name[120];

	fmt_safe(name, sizeof(name), get_text(get(s->manifest, "matrix"), "name"));
	fprintf(out, "%s%s%zu cell%s, %u run%s in %s:", name, *name ? ": " : "", s->n_cells,
		s->n_cells == 1 ? "" : "s", s->n_runs, s->n_runs == 1 ? "" : "s",
		fmt_span(span, s->duration));
	for (int i = 0; i < STATUS_COUNT; i++)
		if (s->runs[i] || i == STATUS_OK)
			fprintf(out, "%s %u %s", i ? "," : "", s->runs[i], status_names[i]);
	fputc('\n', out);
	if (s->expected > s->n_runs)
		fprintf(out, "incomplete: %u of %u runs are missing (uhbench run --resume)\n",
			s->expected - s->n_runs, s->expected);
	if (s->torn)
		fprintf(out, "runs.jsonl: the last line was cut short and is left out\n");
	if (hostline(get(s->manifest, "host"), host, sizeof(host)) > 0)
		fprintf(out, "%s\n", host);
}

static void print_more(FILE *out, size_t n)
{
	if (n > LINES_MAX)
		fprintf(out, "  ... and %zu more (--format json has all)\n", n - LINES_MAX);
}

static void print_problems(const struct summary *s, const struct groups *groups, FILE *out)
{
	char label[300], reason[700];

	if (s->n_problems)
		fprintf(out, "\nnot ok\n");
	for (size_t i = 0; i < s->n_problems && i < LINES_MAX; i++) {
		const struct problem *p = &s->problems[i];

		groups_label(groups, p->cell, label, sizeof(label));
		fprintf(out, "  %u %s: %s: %s\n", p->count, status_names[p->status], label,
			fmt_safe(reason, sizeof(reason), p->reason));
	}
	print_more(out, s->n_problems);
}

static void print_warned(const struct cell_sum *cell, enum warning kind,
			 const struct groups *groups, FILE *out)
{
	char label[300], text[200];

	groups_label(groups, cell, label, sizeof(label));
	warning_text(cell, kind, text, sizeof(text));
	fprintf(out, "%s: %u of %u runs: %s\n", label, cell->warnings[kind], cell_total(cell),
		text);
}

/* A few cells are named; when it is many, how many and the worst. */
static void print_warnings(const struct summary *s, const struct groups *groups, FILE *out)
{
	bool head = false;

	for (int k = 0; k < WARN_COUNT; k++) {
		const struct cell_sum *worst;
		size_t n = warning_cells(s, (enum warning)k, &worst);

		if (!n)
			continue;
		fputs(head ? "" : "\nwarnings\n", out);
		head = true;
		if (n > WARNED_MAX) {
			fprintf(out, "  %zu of %zu cells, the worst: ", n, s->n_cells);
			print_warned(worst, (enum warning)k, groups, out);
			continue;
		}
		for (size_t i = 0; i < s->n_cells; i++) {
			if (!s->cells[i]->warnings[k])
				continue;
			fputs("  ", out);
			print_warned(s->cells[i], (enum warning)k, groups, out);
		}
	}
}

static void print_notes(const struct summary *s, FILE *out)
{
	char text[700];

	if (s->n_notes)
		fprintf(out, "\nnotes\n");
	for (size_t i = 0; i < s->n_notes && i < LINES_MAX; i++)
		fprintf(out, "  %s (%u run%s)\n", fmt_safe(text, sizeof(text), s->notes[i].text),
			s->notes[i].count, s->notes[i].count == 1 ? "" : "s");
	print_more(out, s->n_notes);
}

/* One line for each metric that stands as "-" in the tables, with the first reason given. */
static void print_nulls(const struct summary *s, FILE *out)
{
	bool head = false;

	for (size_t f = 0; f < array_size(figures); f++) {
		const char *reason = NULL;
		unsigned cells = 0;

		for (size_t i = 0; i < s->n_cells; i++) {
			const struct metric_sum *m = cell_metric(s->cells[i], figures[f].metric);

			if (!m || !m->nulls)
				continue;
			cells++;
			reason = reason ? reason : m->reason;
		}
		if (!cells)
			continue;
		fprintf(out, "%s  %s: %s (%u cell%s)\n", head ? "" : "\nnot measured\n",
			figures[f].title, reason && *reason ? reason : "no reason given", cells,
			cells == 1 ? "" : "s");
		head = true;
	}
}

static bool any_best(const struct groups *groups)
{
	for (size_t k = 0; k < groups->n; k++)
		if (group_any_best(&groups->list[k]))
			return true;
	return false;
}

int report_text(const struct report_options *options, FILE *out, struct err *err)
{
	_cleanup_(cleanup_summary) struct summary *s = NULL;
	_cleanup_(cleanup_groups) struct groups groups = {0};
	struct report_options o = *options;
	int code = summary_load(o.dir, false, &s, err);

	if (code)
		return code;
	o.width = o.width ? o.width : WIDTH_DEFAULT;
	code = naming_fill(s, o.reg);
	code = code ? code : groups_make(s, &groups);
	print_head(s, out);
	for (size_t i = 0; !code && i < groups.n; i++)
		code = print_group(&groups.list[i], &o, out);
	if (code)
		return err_sys(err, code, "%s", o.dir);
	if (any_best(&groups))
		fprintf(out, "\n* the best along its column, everything else being equal\n");
	print_problems(s, &groups, out);
	print_warnings(s, &groups, out);
	print_nulls(s, out);
	print_notes(s, out);
	return 0;
}

int report_table(const char *dir, const struct registry *reg, FILE *out, struct err *err)
{
	bool terminal = isatty(fileno(out)) == 1;
	struct winsize size = {0};
	struct report_options o = {
		.dir = dir, .reg = reg, .colour = terminal && !getenv("NO_COLOR")};

	if (terminal && !ioctl(fileno(out), TIOCGWINSZ, &size))
		o.width = size.ws_col;
	return report_text(&o, out, err);
}

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
#include "harness/util/units.h"
#include "reports/fmt.h"
#include "reports/get.h"
#include "reports/group.h"
#include "reports/hostline.h"
#include "reports/naming.h"
#include "reports/perturb.h"
#include "reports/probes_fold.h"
#include "reports/probes_text.h"
#include "reports/report.h"
#include "reports/summary.h"
#include "reports/text_table.h"

#define WIDTH_DEFAULT 120
#define WIDTH_MAX     10000
#define WARNED_MAX    3	 /* cells named for each kind of warning */
#define LINES_MAX     25 /* of each list below the tables */

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
	if (host_emulated(get(s->manifest, "host")))
		fprintf(out, "%s\n", HOST_EMULATED);
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
		fprintf(out, "  %u %s%s: %s: %s\n", p->count, status_names[p->status],
			p->probed ? " (with probes)" : "", label,
			fmt_safe(reason, sizeof(reason), p->reason));
		if (p->worst)
			fprintf(out, "    the worst: %s\n",
				fmt_safe(reason, sizeof(reason), p->worst));
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

static void print_notes(const struct summary *s, const struct groups *groups, FILE *out)
{
	char text[700], label[300];

	if (s->n_notes)
		fprintf(out, "\nnotes\n");
	for (size_t i = 0; i < s->n_notes && i < LINES_MAX; i++) {
		const struct note *note = &s->notes[i];

		groups_label(groups, note->cell, label, sizeof(label));
		fprintf(out, "  %u run%s, %s%s: %s\n", note->count, note->count == 1 ? "" : "s",
			note->count == 1 ? "" : "e.g. ", label,
			fmt_safe(text, sizeof(text), note->text));
		if (note->worst)
			fprintf(out, "    the worst: %s\n",
				fmt_safe(text, sizeof(text), note->worst));
	}
	print_more(out, s->n_notes);
}

/* What watching cost, then what was seen. */
static void print_cell_probes(const struct cell_sum *cell, FILE *out)
{
	struct probes_view view = probes_sum_view(cell->probed->probes);
	char text[200];

	for (int k = 0; k < FIGURE_COUNT; k++) {
		struct perturbation p = perturb(cell, (enum figure_kind)k);

		if (k != FIGURE_THROUGHPUT && !perturb_large(&p))
			continue;
		perturb_text(&p, (enum figure_kind)k, text, sizeof(text));
		fprintf(out, "    %s\n", text);
	}
	if (perturb_watched_text(cell, text, sizeof(text)))
		fprintf(out, "    %s\n", text);
	probes_text_short(out, &view, "    ");
}

static void print_probes(const struct summary *s, const struct groups *groups, FILE *out)
{
	char label[300];
	size_t n = 0;

	for (size_t i = 0; i < s->n_cells; i++) {
		const struct cell_sum *cell = s->cells[i];

		if (!cell->probed || !cell->probed->probes || n++ >= LINES_MAX)
			continue;
		groups_label(groups, cell, label, sizeof(label));
		fprintf(out, "%s  %s: %u of %u runs with probes ok\n",
			n == 1 ? "\nwhere the time went (runs with probes)\n" : "", label,
			cell->probed->runs[STATUS_OK], cell_total(cell->probed));
		print_cell_probes(cell, out);
	}
	if (n > LINES_MAX)
		fprintf(out, "  ... and %zu more (--format html has more)\n", n - LINES_MAX);
}

/* One line for each metric that stands as "-" in the tables, with the first reason given. */
static void print_nulls(const struct summary *s, FILE *out)
{
	bool head = false;

	for (size_t f = 0; f < TEXT_FIGURES; f++) {
		const char *reason = NULL;
		unsigned cells = 0;

		for (size_t i = 0; i < s->n_cells; i++) {
			const struct metric_sum *m =
				cell_metric(s->cells[i], text_figures[f].metric);

			if (!m || !m->nulls)
				continue;
			cells++;
			reason = reason ? reason : m->reason;
		}
		if (!cells)
			continue;
		fprintf(out, "%s  %s%s%s: %s (%u cell%s)\n", head ? "" : "\nnot measured\n",
			text_figures[f].over, *text_figures[f].over ? " " : "",
			text_figures[f].title, reason && *reason ? reason : "no reason given",
			cells, cells == 1 ? "" : "s");
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
		code = text_table(&groups.list[i], &o, out);
	for (size_t i = 0; !code && i < groups.n; i++)
		code = text_evidence(&groups.list[i], &o, out);
	if (code)
		return err_sys(err, code, "%s", o.dir);
	if (any_best(&groups))
		fprintf(out, "\n* the best along its column, everything else being equal\n");
	print_probes(s, &groups, out);
	print_problems(s, &groups, out);
	print_warnings(s, &groups, out);
	print_nulls(s, out);
	print_notes(s, &groups, out);
	return 0;
}

/* COLUMNS, as other programs take it: before what the terminal says, and through a pipe. */
static unsigned width_asked_for(void)
{
	const char *columns = getenv("COLUMNS");
	uint64_t width;

	if (!columns || units_parse_uint(columns, &width) < 0 || width > WIDTH_MAX)
		return 0;
	return (unsigned)width;
}

struct report_options report_options_for(const char *dir, FILE *out)
{
	bool terminal = isatty(fileno(out)) == 1;
	struct winsize size = {0};
	struct report_options o = {.dir = dir, .colour = terminal && !getenv("NO_COLOR")};

	o.width = width_asked_for();
	if (!o.width && terminal && !ioctl(fileno(out), TIOCGWINSZ, &size))
		o.width = size.ws_col;
	return o;
}

int report_table(const char *dir, const struct registry *reg, FILE *out, struct err *err)
{
	struct report_options o = report_options_for(dir, out);

	o.reg = reg;
	return report_text(&o, out, err);
}

// SPDX-License-Identifier: MIT
/*
 * The results of one workload as a table that sorts by any column and can be filtered. Cells carry
 * their unrounded figure in data-v, which is what is sorted by. Columns of class "more" (extremes)
 * are shown on demand; the workload's own metrics are the evidence (html_evidence.c).
 */
#include <math.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/fmt.h"
#include "reports/fold.h"
#include "reports/html.h"

/* Characters that axes and knobs may take on a page 1280 pixels wide, beside the figures. */
#define ROOM	       56
#define ROOM_OPEN_LOOP 42

struct shown_metric {
	const char *name, *title, *unit;
	bool more;
};

static const struct shown_metric latencies[] = {
	{"latency_p50", "p50", "ns", false},
	{"latency_p99", "p99", "ns", false},
	{"latency_p999", "p99.9", "ns", false},
	{"intended_p50", "intended p50", "ns", true},
	{"intended_p99", "intended p99", "ns", false},
	{"intended_p999", "intended p99.9", "ns", true},
	{"latency_max", "max", "ns", true},
};

struct view {
	const struct section *section;
	struct fold fold;
	double most; /* highest median throughput: the length of the bars */
	bool open_loop;
};

static void put_header(FILE *out, const char *title, const char *classes, bool better_high)
{
	fprintf(out, "<th scope=\"col\" class=\"%s\"%s><button type=\"button\">", classes,
		better_high ? " data-first=\"descending\"" : "");
	html_text(out, title);
	fputs("</button></th>", out);
}

static bool shown(const struct view *v, const struct shown_metric *m)
{
	return v->open_loop || strncmp(m->name, "intended", 8);
}

/* A folded column is in the name of the row, and among those shown on demand. */
static const char *column_classes(const struct view *v, unsigned k)
{
	bool number = v->section->group->columns[k].numeric;

	if (v->fold.folded[k])
		return number ? "n more" : "more";
	return number ? "n" : "";
}

static void put_headers(FILE *out, const struct view *v)
{
	const struct group *g = v->section->group;

	fputs("<thead><tr>", out);
	for (unsigned k = 0; k < g->n_columns; k++)
		put_header(out, g->columns[k].name, column_classes(v, k), false);
	put_header(out, "ok", "n", false);
	put_header(out, "throughput", "n", true);
	put_header(out, "min .. max", "n", true);
	for (size_t i = 0; i < array_size(latencies); i++)
		if (shown(v, &latencies[i]))
			put_header(out, latencies[i].title, latencies[i].more ? "n more" : "n",
				   false);
	put_header(out, "remarks", "remarks", false);
	fputs("</tr></thead>\n", out);
}

bool html_has_cell(const struct section *s, size_t cell)
{
	for (unsigned i = 0; i < s->pictures.n_cells; i++)
		if (s->pictures.cells[i].cell == cell)
			return true;
	return false;
}

static void put_target(FILE *out, const struct view *v, size_t i)
{
	const struct section *s = v->section;
	const struct group *g = s->group;
	const struct cell_sum *cell = g->cells[i];
	bool link = html_has_cell(s, i);
	char label[200];

	fprintf(out, "<th scope=\"row\"><i class=\"dot c%u\"></i>",
		s->series[group_target_index(g, cell->target)]);
	if (link) {
		fputs("<a href=\"#c-", out);
		html_text(out, cell->id);
		fputs("\">", out);
	}
	html_text(out, cell->target);
	fputs(link ? "</a>" : "", out);
	fputs(group_best(g, i, 0) ? "<b class=\"best\" title=\"best target here\">&#9733;</b>" : "",
	      out);
	fold_label(g, &v->fold, i, label, sizeof(label));
	if (*label) {
		fputs("<small>", out);
		html_text(out, label);
		fputs("</small>", out);
	}
	fputs("</th>", out);
}

static void put_value(FILE *out, const struct view *v, size_t i, unsigned k)
{
	const struct group *g = v->section->group;
	double number = group_number(g, i, k);

	fprintf(out, *column_classes(v, k) ? "<td class=\"%s\"" : "<td", column_classes(v, k));
	if (!isnan(number))
		fprintf(out, " data-v=\"%.9g\"", number);
	fputs(">", out);
	html_text(out, group_shown(g, i, k));
	if (group_best(g, i, k)) {
		fputs("<b class=\"best\" title=\"best ", out);
		html_text(out, g->columns[k].name);
		fputs(", everything else equal\">&#9733;</b>", out);
	}
	fputs("</td>", out);
}

static void put_figure(FILE *out, double v, const char *unit, const char *reason, bool more)
{
	char text[FMT_MAX];

	fprintf(out, "<td class=\"n%s\"", more ? " more" : "");
	if (isfinite(v)) {
		fprintf(out, " data-v=\"%.9g\">%s</td>", v, fmt_value(text, v, unit, true));
		return;
	}
	if (reason && *reason) {
		fputs(" title=\"", out);
		html_text(out, reason);
		fputs("\"", out);
	}
	fputs(">&#8211;</td>", out);
}

static void put_metric(FILE *out, const struct cell_sum *cell, const struct shown_metric *shown_as)
{
	const struct metric_sum *m = cell_metric(cell, shown_as->name);

	put_figure(out, metric_median(m), shown_as->unit, m ? m->reason : NULL, shown_as->more);
}

static void put_throughput(FILE *out, const struct view *v, const struct cell_sum *cell)
{
	const struct metric_sum *m = cell_metric(cell, "throughput");
	double median = metric_median(m);
	char a[FMT_MAX], b[FMT_MAX];

	if (isnan(median)) {
		fputs("<td class=\"n\">&#8211;</td><td></td>", out);
		return;
	}
	fprintf(out,
		"<td class=\"n t\" data-v=\"%.9g\"><i class=\"len c%u\" style=\"width:%.1f%%\"></i>%s</td>",
		median, v->section->series[group_target_index(v->section->group, cell->target)],
		v->most > 0 ? 100 * median / v->most : 0, fmt_value(a, median, "1/s", true));
	fprintf(out, "<td class=\"n dim\" data-v=\"%.9g\">", metric_min(m));
	if (m->n > 1)
		fprintf(out, "%s .. %s", fmt_count(a, metric_min(m)), fmt_count(b, metric_max(m)));
	fputs("</td>", out);
}

static void put_remarks(FILE *out, const struct cell_sum *cell)
{
	char text[200], word[60];

	fputs("<td class=\"remarks\">", out);
	for (int i = STATUS_FAILED; i < STATUS_COUNT; i++)
		if (cell->runs[i])
			fprintf(out, "<span class=\"chip st-%s\">%u %s</span> ", status_names[i],
				cell->runs[i], status_names[i]);
	for (int i = 0; i < WARN_COUNT; i++) {
		if (!cell->warnings[i])
			continue;
		warning_text(cell, (enum warning)i, text, sizeof(text));
		fprintf(out, "<span class=\"chip%s\" title=\"",
			i <= WARN_ERRORS ? " st-stalled" : "");
		html_text(out, text);
		warning_word(cell, (enum warning)i, word, sizeof(word));
		fprintf(out, "\">%s</span> ", word);
	}
	fputs("</td>", out);
}

static void put_row(FILE *out, const struct view *v, size_t i)
{
	const struct group *g = v->section->group;
	const struct cell_sum *cell = g->cells[i];
	unsigned total = cell_total(cell);

	fputs("<tr data-cell=\"", out);
	html_text(out, cell->id);
	fputs("\">", out);
	put_target(out, v, i);
	for (unsigned k = 1; k < g->n_columns; k++)
		put_value(out, v, i, k);
	if (total)
		fprintf(out, "<td class=\"n%s\">%u/%u</td>",
			cell->runs[STATUS_OK] == total ? " dim" : "", cell->runs[STATUS_OK], total);
	else
		fputs("<td class=\"n dim\" title=\"never started\">&#8211;</td>", out);
	put_throughput(out, v, cell);
	for (size_t m = 0; m < array_size(latencies); m++)
		if (shown(v, &latencies[m]))
			put_metric(out, cell, &latencies[m]);
	put_remarks(out, cell);
	fputs("</tr>\n", out);
}

/* What the table need not repeat in every row. */
static void put_caption(FILE *out, const struct group *g, const struct fold *fold)
{
	char shared[400], usual[400];

	fold_shared(g, shared, sizeof(shared));
	fold_usual(g, fold, usual, sizeof(usual));
	if (!*shared && !*usual)
		return;
	fputs("<p class=\"meta caption\">", out);
	html_printf(out, "%s%s%s%s%s", *shared ? "all: " : "", shared,
		    *shared && *usual ? "; " : "", *usual ? "unless the row says otherwise: " : "",
		    usual);
	fputs("</p>\n", out);
}

void html_table(const struct page *page, const struct section *section)
{
	struct view v = {.section = section, .open_loop = section->group->open_loop};
	FILE *out = page->out;

	for (size_t i = 0; i < section->group->n_cells; i++)
		v.most = fmax(v.most, cell_median(section->group->cells[i], "throughput"));
	fold_choose(section->group, v.open_loop ? ROOM_OPEN_LOOP : ROOM, &v.fold);
	put_caption(out, section->group, &v.fold);
	fputs("<div class=\"tools\" hidden><button type=\"button\" class=\"columns\" "
	      "aria-pressed=\"false\">More columns</button></div>\n"
	      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"results of ",
	      out);
	html_text(out, section->group->workload);
	fputs("\"><table class=\"results\">\n", out);
	put_headers(out, &v);
	fputs("<tbody>\n", out);
	for (size_t i = 0; i < section->group->n_cells; i++)
		put_row(out, &v, i);
	/* page.js looks for the button right behind the table */
	fputs("</tbody></table></div>\n<button type=\"button\" class=\"all-rows\" hidden></button>\n",
	      out);
	if (group_any_best(section->group))
		fputs("<p class=\"key-star\"><b class=\"best\">&#9733;</b> the best along its column, "
		      "everything else being equal</p>\n",
		      out);
}

// SPDX-License-Identifier: MIT
/*
 * What the figures of a workload's cells are made of: a table of the metrics of its own, in which
 * what stands out is marked (evidence.h), and one of the latencies by kind of operation. Each
 * figure has a bar, so that a column is read as a picture. Both sort and filter as the results do.
 */
#include <math.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/evidence.h"
#include "reports/fmt.h"
#include "reports/html.h"

#define BAR_PX	6 /* width of one small bar, and height of the highest */
#define BARS_PX 18

static void open_table(FILE *out, const struct group *g, const char *what)
{
	fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", out);
	html_printf(out, "%s of %s", what, g->workload);
	fputs("\"><table class=\"results aside\">\n<thead><tr><th scope=\"col\"><button "
	      "type=\"button\">cell</button></th>",
	      out);
}

static void close_table(FILE *out)
{
	/* page.js looks for the button right behind the table */
	fputs("</tbody></table></div>\n<button type=\"button\" class=\"all-rows\" hidden></button>\n",
	      out);
}

static void put_header(FILE *out, const char *name, const char *more, bool higher)
{
	fprintf(out, "<th scope=\"col\" class=\"n\"%s><button type=\"button\">",
		higher ? "" : " data-first=\"descending\"");
	html_name(out, name);
	html_printf(out, "%s", more);
	fputs("</button></th>", out);
}

static void put_cell(FILE *out, const struct section *s, size_t i)
{
	const struct cell_sum *cell = s->group->cells[i];
	bool link = html_has_cell(s, i);
	char name[300];

	fputs("<tr data-cell=\"", out);
	html_text(out, cell->id);
	fprintf(out, "\"><th scope=\"row\"><i class=\"dot c%u\"></i>",
		s->series[group_target_index(s->group, cell->target)]);
	if (link) {
		fputs("<a href=\"#c-", out);
		html_text(out, cell->id);
		fputs("\">", out);
	}
	group_name(s->group, i, name, sizeof(name));
	html_text(out, name);
	fputs(link ? "</a></th>" : "</th>", out);
}

static void put_value(FILE *out, const struct evidence *e, const struct evidence_column *c,
		      size_t i)
{
	const struct cell_sum *cell = e->group->cells[i];
	const struct metric_sum *m = cell_metric(cell, c->name);
	bool marked = evidence_is_marked(e, c, i);
	unsigned missing;
	double v = evidence_value(cell, c->name, &missing);
	char text[FMT_MAX];

	if (!isfinite(v)) {
		fputs("<td class=\"n dim\" title=\"", out);
		html_text(out, m && m->reason ? m->reason : "this target does not tell");
		fputs("\">&#8211;</td>", out);
		return;
	}
	fprintf(out, "<td class=\"n%s\" data-v=\"%.9g\"", marked ? " mark" : "", v);
	if (missing)
		html_printf(out, " title=\"%u of %u repeats do not tell: %s\"", missing,
			    missing + m->n, m->reason);
	fputs(">", out);
	if (c->most > 0 && v > 0)
		fprintf(out, "<i class=\"len\" style=\"width:%.1f%%\"></i>", 100 * v / c->most);
	html_text(out, fmt_value(text, v, c->unit, true));
	if (missing)
		fprintf(out, "<small> %u/%u</small>", m->n, missing + m->n);
	fputs("</td>", out);
}

/* As many bars as the table has rows, each as high as its value; zero is a line. */
static void put_bars(FILE *out, const struct cell_sum *cell)
{
	struct detail_bars b;
	char least[FMT_MAX], most[FMT_MAX];

	if (!evidence_bars(cell, &b)) {
		fputs("<td class=\"n dim\">&#8211;</td>", out);
		return;
	}
	fprintf(out,
		"<td class=\"n\" data-v=\"%.9g\"><svg class=\"bars\" width=\"%u\" height=\"%d\" "
		"role=\"img\"><title>",
		b.most / fmax(b.least, 1), b.n * (BAR_PX + 1), BARS_PX);
	for (unsigned i = 0; i < b.n; i++)
		html_printf(out, "%s%s %s: %s", i ? ", " : "", b.row_name, b.rows[i],
			    fmt_value(most, b.values[i], b.unit, true));
	if (b.left_out)
		fprintf(out, ", and %u more", b.left_out);
	fputs("</title>", out);
	for (unsigned i = 0; i < b.n; i++) {
		double height = b.values[i] > 0 ? b.values[i] / b.most * (BARS_PX - 1) : 0;

		fprintf(out, "<rect x=\"%u\" y=\"%.1f\" width=\"%d\" height=\"%.1f\"/>",
			i * (BAR_PX + 1), BARS_PX - 1 - height, BAR_PX, height + 1);
	}
	fputs("</svg> <span class=\"dim\">", out);
	html_text(out, fmt_count(least, b.least));
	if (b.n > 1)
		html_printf(out, " .. %s", fmt_count(most, b.most));
	fputs("</span></td>", out);
}

static void put_bars_header(FILE *out, const struct group *g)
{
	struct detail_bars b;

	for (size_t i = 0; i < g->n_cells; i++) {
		char name[120];

		if (!evidence_bars(g->cells[i], &b))
			continue;
		snprintf(name, sizeof(name), "%.60s: %.50s", b.title, b.name);
		put_header(out, name, "", false);
		return;
	}
}

static struct evidence_column throughput_column(const struct evidence *e)
{
	return (struct evidence_column){"throughput", "1/s", "higher", e->most_throughput, NAN};
}

static void put_evidence(FILE *out, const struct section *s, const struct evidence *e)
{
	const struct evidence_column throughput = throughput_column(e);

	fputs("<h3>evidence <small>what the cells' figures are made of; "
	      "<span class=\"mark\">marked</span>: at least twice as bad as the best twin "
	      "(a cell that differs in one thing)</small></h3>\n",
	      out);
	open_table(out, s->group, "evidence");
	put_header(out, "throughput", "", false);
	for (unsigned k = 0; k < e->n_plain; k++)
		put_header(out, e->columns[k].name, "", !strcmp(e->columns[k].better, "higher"));
	if (e->bars)
		put_bars_header(out, s->group);
	fputs("</tr></thead>\n<tbody>\n", out);
	for (size_t i = 0; i < s->group->n_cells; i++) {
		put_cell(out, s, i);
		put_value(out, e, &throughput, i);
		for (unsigned k = 0; k < e->n_plain; k++)
			put_value(out, e, &e->columns[k], i);
		if (e->bars)
			put_bars(out, s->group->cells[i]);
		fputs("</tr>\n", out);
	}
	close_table(out);
}

static bool any_kind(const struct evidence *e, const struct cell_sum *cell)
{
	for (unsigned k = 0; k < e->n_kinds; k++)
		if (cell_metric(cell, e->kinds[k].p50->name))
			return true;
	return false;
}

static void put_kinds(FILE *out, const struct section *s, const struct evidence *e)
{
	fputs("<h3>latency by kind</h3>\n", out);
	open_table(out, s->group, "latency by kind");
	for (unsigned k = 0; k < e->n_kinds; k++) {
		put_header(out, e->kinds[k].name, " p50", true);
		put_header(out, e->kinds[k].name, " p99", true);
	}
	fputs("</tr></thead>\n<tbody>\n", out);
	for (size_t i = 0; i < s->group->n_cells; i++) {
		if (!any_kind(e, s->group->cells[i]))
			continue;
		put_cell(out, s, i);
		for (unsigned k = 0; k < e->n_kinds; k++) {
			put_value(out, e, e->kinds[k].p50, i);
			put_value(out, e, e->kinds[k].p99, i);
		}
		fputs("</tr>\n", out);
	}
	close_table(out);
}

int html_evidence(const struct page *page, const struct section *s)
{
	struct evidence e;

	evidence_make(s->group, &e);
	if (e.n_plain || e.bars)
		put_evidence(page->out, s, &e);
	if (e.stages)
		html_stage_bars(page, s);
	if (e.n_kinds)
		put_kinds(page->out, s, &e);
	return 0;
}

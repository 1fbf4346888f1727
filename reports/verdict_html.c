// SPDX-License-Identifier: MIT
/*
 * The page of a gate: one file, nothing loaded from anywhere, and nothing that needs a script (the
 * one that sorts and filters is that of a session's page, named by its digest). From the top: the
 * verdict and what it rests on, every metric of every cell, then the pairs themselves.
 */
#include "reports/verdict_html.h"

#include <math.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/assets.h"
#include "reports/get.h"
#include "reports/hostline.h"
#include "reports/html.h"
#include "reports/verdict.h"
#include "reports/verdict_words.h"

struct header {
	const char *title, *class;
};

static const struct header headers[] = {
	{"cell", ""}, {"metric", ""},	 {"verdict", ""}, {"change", "n"},
	{"", ""},     {"interval", "n"}, {"base", "n"},	  {"head", "n"},
	{"p", "n"},   {NULL, "n"},	 {"sees", "n"},	  {"remark", "remarks"},
};

static void put_figure(FILE *out, double v, const char *text)
{
	fputs("<td class=\"n\"", out);
	if (isfinite(v))
		fprintf(out, " data-v=\"%.9g\"", v);
	fputs(">", out);
	html_text(out, text);
	fputs("</td>", out);
}

/* The identity of a cell is hexadecimal; what is not is no anchor. */
static void put_name(FILE *out, const struct verdicts *v, const struct verdict_row *row)
{
	const struct verdict_cell *cell = verdict_cell_of(v, row);
	char label[LABEL_SIZE];

	fputs("<tr data-cell=\"", out);
	html_printf(out, "%s/%s", cell->id, row->metric);
	fprintf(out, "\" class=\"%s\"><th scope=\"row\">", row->gated ? "gated" : "advisory");
	if (v->paired) {
		fputs("<a href=\"#c-", out);
		html_text(out, cell->id);
		fputs("\">", out);
	}
	html_text(out, words_label(label, cell, LABEL_MAX));
	fputs(v->paired ? "</a></th><td>" : "</th><td>", out);
	html_name(out, words_metric(row));
	fprintf(out, "</td><td class=\"v-%s\"><b>%s</b></td>", verdict_names[row->what],
		verdict_names[row->what]);
}

static void put_row(FILE *out, const struct verdicts *v, const struct verdict_row *row, double most)
{
	char a[FMT_MAX], remark[WORDS_MAX];

	put_name(out, v, row);
	put_figure(out, row->estimate, fmt_percent(a, row->estimate, true));
	fprintf(out, "<td class=\"v-%s\">", verdict_names[row->what]);
	pairs_strip(out, row, most);
	fputs("</td>", out);
	put_figure(out, row->low, words_interval(a, row->low, row->high));
	put_figure(out, row->base, fmt_value(a, row->base, row->unit, true));
	put_figure(out, row->head, fmt_value(a, row->head, row->unit, true));
	put_figure(out, words_row_p(row), words_p(a, words_row_p(row)));
	put_figure(out, row->n1 + fmax(row->n2, 0), words_pairs(a, v, row));
	put_figure(out, row->mde, fmt_percent(a, row->mde, false));
	fputs("<td class=\"remarks\">", out);
	html_text(out, words_remark(remark, v, row));
	fputs("</td></tr>\n", out);
}

/* The strips share one axis: four times what the gate is asked to see, or what there is if less. */
static double strip_axis(const struct verdicts *v)
{
	double most = 0, effect = 0;

	for (unsigned i = 0; i < v->n_rows; i++) {
		const struct verdict_row *row = &v->rows[i];

		if (!row->gated)
			continue;
		effect = fmax(effect, isfinite(row->effect) ? row->effect : 0);
		most = fmax(most, isfinite(row->high) ? fabs(row->high) : 0);
		most = fmax(most, isfinite(row->low) ? fabs(row->low) : 0);
	}
	most = effect > 0 ? fmin(fmax(most, 1.3 * effect), 4 * effect) : most;
	return most > 0 ? most : 0.05;
}

void verdict_html_rows(FILE *out, const struct verdicts *v)
{
	double most = strip_axis(v);

	fputs("<section class=\"workload\"><h2 id=\"w-cells\">cells</h2>\n"
	      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"verdicts\">"
	      "<table class=\"results\">\n<thead><tr>",
	      out);
	for (size_t i = 0; i < array_size(headers); i++)
		fprintf(out,
			"<th scope=\"col\" class=\"%s\"><button type=\"button\">%s</button></th>",
			headers[i].class,
			headers[i].title ? headers[i].title : words_pairs_title(v));
	fputs("</tr></thead>\n<tbody>\n", out);
	for (unsigned i = 0; i < v->n_rows; i++)
		put_row(out, v, v->order[i], most);
	/* page.js looks for the button right behind the table */
	fputs("</tbody></table></div>\n<button type=\"button\" class=\"all-rows\" hidden></button>\n"
	      "<p class=\"dim\">",
	      out);
	html_text(out, words_legend(v));
	fputs("</p></section>\n", out);
}

static void put_head(FILE *out, const struct verdicts *v)
{
	fprintf(out,
		"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src 'unsafe-inline'; script-src 'sha256-%s'; base-uri 'none'; "
		"form-action 'none'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
		asset_js_sha256);
	html_printf(out, "%s: %s - uhbench gate", v->name, v->verdict);
	fprintf(out,
		"</title>\n<style>\n%s%s</style></head>\n<body>\n"
		"<header><div class=\"bar\"><span class=\"brand\">uhbench</span><nav>"
		"<a href=\"#w-cells\">cells</a>%s%s</nav>"
		"<button id=\"theme\" type=\"button\" hidden>Dark</button></div></header>\n<main>\n",
		asset_css, asset_gate_css, v->paired ? "<a href=\"#pairs\">pairs</a>" : "",
		v->control ? "<a href=\"#control\">control</a>" : "");
}

static void put_meta(FILE *out, const char *text)
{
	if (!*text)
		return;
	fputs("<p class=\"meta\">", out);
	html_text(out, text);
	fputs("</p>\n", out);
}

static void put_chips(FILE *out, const struct verdicts *v)
{
	for (int i = 0; i < VERDICT_KINDS; i++)
		if (v->gated[i])
			fprintf(out, " <span class=\"chip%s\">%u %s</span>",
				i == VERDICT_FAILED || i == VERDICT_REGRESSED ? " st-failed"
				: i == VERDICT_INCONCLUSIVE		      ? " st-stalled"
									      : "",
				v->gated[i], verdict_names[i]);
}

static void put_top(FILE *out, const struct verdicts *v)
{
	char text[WORDS_MAX], host[256];
	size_t bold;

	fputs("<section class=\"top\"><h1>", out);
	html_text(out, *v->name ? v->name : "Gate");
	fprintf(out, "</h1>\n<p class=\"verdict %s\"><b>",
		verdict_good(v)	 ? "good"
		: verdict_bad(v) ? "bad"
				 : "warn");
	/* A word that the headline had to cut or to change is not what it begins with. */
	words_headline(text, v);
	bold = strlen(v->verdict);
	bold = strncmp(text, v->verdict, bold) ? 0 : bold;
	html_printf(out, "%.*s", (int)bold, text);
	fputs("</b>", out);
	html_text(out, text + bold);
	put_chips(out, v);
	fputs("</p>\n", out);
	if (!v->judged)
		fputs("<p class=\"doubts\">What was measured stands below, but is no verdict.</p>\n",
		      out);
	put_meta(out, words_sides(text, v));
	put_meta(out, words_extent(text, v));
	put_meta(out, words_sees(text, v));
	put_meta(out, words_control(text, v));
	put_meta(out, words_calibration(text, v));
	if (hostline(get(v->gate, "host"), host, sizeof(host)) > 0)
		put_meta(out, host);
	if (host_emulated(get(v->gate, "host")))
		put_meta(out, HOST_EMULATED);
	fputs("<div class=\"filter\" hidden><label for=\"filter\">Filter rows</label>"
	      "<input id=\"filter\" type=\"search\" placeholder=\"verdict=regressed\" "
	      "autocomplete=\"off\"><output id=\"shown\"></output></div>\n</section>\n",
	      out);
}

static void put_foot(FILE *out, const struct verdicts *v)
{
	const char *version = get_text(v->gate, "uhbench"); /* none of a stored gate */

	fputs("</main>\n<footer>", out);
	html_printf(out, "uhbench%s%s, %s gate %s", *version ? " " : "", version, v->kind,
		    get_text(v->document, "gate"));
	fprintf(out, "</footer>\n<script>%s</script>\n</body></html>\n", asset_js);
}

int verdict_html(const struct report_options *options, FILE *out, struct err *err)
{
	_cleanup_(cleanup_verdicts) struct verdicts *v = NULL;
	_cleanup_(pairs_free) struct pairs pairs = {0};
	int code = verdicts_load(options->dir, &v, err);

	code = code ? code : pairs_load(options->dir, v, &pairs, err);
	if (code)
		return code;
	put_head(out, v);
	put_top(out, v);
	verdict_html_rows(out, v);
	verdict_html_cells(out, v, &pairs);
	verdict_html_control(out, v, &pairs);
	put_foot(out, v);
	return 0;
}

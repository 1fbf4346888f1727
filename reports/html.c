// SPDX-License-Identifier: MIT
/*
 * One file, nothing loaded from anywhere: style, script and pictures are inside, and the page's own
 * policy forbids the rest (no address is allowed, and only the one script whose digest is named, so
 * that even a text that slipped through unescaped could not run).
 *
 * From the top: what was run and whether it can be trusted, then each workload (table, scaling,
 * latency, single cells), then what went wrong, notes, the host.
 */
#include "reports/html.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/assets.h"
#include "reports/fmt.h"
#include "reports/get.h"
#include "reports/hostline.h"
#include "reports/naming.h"
#include "reports/report.h"

#define COLOURS		  8
#define CELLS_MAX	  150 /* pictured one by one, over all workloads */
#define PROBE_FIGURES_MAX 240
#define FRAMES_MAX	  30000 /* of all flame graphs: some 8 MB */

struct named_colour {
	const char *target;
	unsigned colour;
};

struct palette {
	struct named_colour list[64];
	unsigned n;
};

static int known_colour(const struct palette *palette, const char *target)
{
	for (unsigned i = 0; i < palette->n; i++)
		if (palette->list[i].target == target)
			return (int)palette->list[i].colour;
	return -1;
}

/* A target that several workloads have ("uring") keeps its colour; others take the free ones. */
static void choose_colours(struct palette *palette, const struct group *g, unsigned *series)
{
	bool taken[COLOURS] = {false};

	for (unsigned t = 0; t < g->n_targets; t++) {
		int colour = known_colour(palette, g->targets[t]);

		if (colour >= 0 && !taken[colour])
			taken[colour] = true;
	}
	for (unsigned t = 0; t < g->n_targets; t++) {
		int colour = known_colour(palette, g->targets[t]);
		unsigned free_colour = 0;

		while (colour < 0 && free_colour < COLOURS && taken[free_colour])
			free_colour++;
		series[t] = colour >= 0		    ? (unsigned)colour
			    : free_colour < COLOURS ? free_colour
						    : t % COLOURS;
		taken[series[t]] = true;
		if (colour < 0 && palette->n < array_size(palette->list))
			palette->list[palette->n++] =
				(struct named_colour){g->targets[t], series[t]};
	}
}

static int plan(struct page *page)
{
	struct palette palette = {0};
	unsigned left = CELLS_MAX;

	for (size_t i = 0; i < page->groups->n; i++) {
		struct section *s = &page->sections[i];
		unsigned share = left / (unsigned)(page->groups->n - i);
		int err;

		s->group = &page->groups->list[i];
		s->series = calloc(s->group->n_targets + 1, sizeof(unsigned));
		if (!s->series)
			return err_sys(page->err, -ENOMEM, "html");
		choose_colours(&palette, s->group, s->series);
		err = pictures_plan(page->plot, s->group, s->series, share, &s->pictures);
		if (err)
			return err_sys(page->err, err, "plots");
		left -= s->pictures.n_cells;
	}
	return 0;
}

/* What probes saw of the cells that were chosen, and the histograms that are worth a picture. */
static int plan_probes(struct page *page, const char *dir)
{
	unsigned left = PROBE_FIGURES_MAX;
	unsigned cells = 0;
	int err;

	for (size_t i = 0; i < page->groups->n; i++) {
		for (unsigned k = 0; k < page->sections[i].pictures.n_cells; k++)
			html_want_probes(&page->sections[i], k);
		cells += page->sections[i].pictures.n_cells;
	}
	page->frames = FRAMES_MAX / max_of(cells, 30u); /* 1000 of each at most */
	err = summary_load_whole(page->summary, dir, page->err);
	if (err || !page->plot)
		return err;
	for (size_t i = 0; i < page->groups->n; i++)
		for (unsigned k = 0; k < page->sections[i].pictures.n_cells; k++)
			html_plan_probes(page, &page->sections[i], k, &left);
	return plot_run(page->plot, page->err);
}

static void put_head(const struct page *page)
{
	const cJSON *matrix = get(page->summary->manifest, "matrix");
	const char *name = get_text(matrix, "name");

	fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; script-src 'sha256-",
	      page->out);
	fprintf(page->out,
		"%s'; base-uri 'none'; form-action 'none'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
		asset_js_sha256);
	html_printf(page->out, "%s%suhbench", name, *name ? " - " : "");
	fprintf(page->out, "</title>\n<style>\n%s</style></head>\n<body>\n%s", asset_css,
		asset_markers);
	probes_html_patterns(page->out);
}

static void put_verdict(const struct page *page)
{
	const struct summary *s = page->summary;
	unsigned bad = s->runs[STATUS_FAILED] + s->runs[STATUS_STALLED];
	bool missing = s->expected > s->n_runs;
	size_t undone = 0;
	FILE *out = page->out;

	for (size_t i = 0; i < s->n_cells; i++)
		undone += cell_undone(s->cells[i]);

	fprintf(out, "<p class=\"verdict %s\"><b>",
		bad		    ? "bad"
		: missing || undone ? "warn"
				    : "good");
	if (s->runs[STATUS_OK] == s->n_runs)
		fprintf(out, "All %u run%s ok", s->n_runs, s->n_runs == 1 ? "" : "s");
	else
		fprintf(out, "%u of %u runs ok", s->runs[STATUS_OK], s->n_runs);
	fputs("</b>", out);
	for (int i = STATUS_FAILED; i < STATUS_COUNT; i++)
		if (s->runs[i])
			fprintf(out, " <a class=\"chip st-%s\" href=\"#problems\">%u %s</a>",
				status_names[i], s->runs[i], status_names[i]);
	if (undone)
		fprintf(out,
			" <a class=\"chip st-stalled\" href=\"#warnings\">%zu cell%s did not do all "
			"that was asked for</a>",
			undone, undone == 1 ? "" : "s");
	if (missing)
		fprintf(out, " <span class=\"chip st-stalled\">%u missing</span>",
			s->expected - s->n_runs);
	fputs("</p>\n", out);
}

static void put_meta(const struct page *page)
{
	const cJSON *m = page->summary->manifest;
	char host[256], span[FMT_MAX], window[FMT_MAX];
	FILE *out = page->out;

	fputs("<p class=\"meta\">", out);
	html_printf(out, "%zu cells, %g repeat%s, %s order, windows of %s, %s in runs; started %s",
		    page->summary->n_cells, fmax(get_number(m, "repeats"), 0),
		    get_number(m, "repeats") == 1 ? "" : "s", get_text(m, "order"),
		    fmt_value(window, get_number(m, "duration_ns"), "ns", true),
		    fmt_span(span, page->summary->duration), get_text(m, "started"));
	fputs("</p>\n", out);
	if (hostline(get(m, "host"), host, sizeof(host)) <= 0)
		return;
	fputs("<p class=\"meta\"><a href=\"#host\">", out);
	html_text(out, host);
	fputs("</a></p>\n", out);
}

/* What a reader should doubt before reading any figure. */
static void put_doubts(const struct page *page)
{
	static const char *const doubts[WARN_COUNT] = {
		[WARN_NOTHING] = "did not complete a single operation",
		[WARN_OVERLOAD] = "were offered more than their target takes",
		[WARN_LOSS] = "lost operations",
		[WARN_ERRORS] = "had operations that ended in an error",
		[WARN_LITTLE] = "have throughput and latency that do not fit together",
		[WARN_UNSTEADY] = "were not steady over the window",
		[WARN_STEAL] = "lost CPU time to the hypervisor",
		[WARN_FOREIGN] = "ran beside other programs",
	};
	FILE *out = page->out;
	const struct cell_sum *worst;
	unsigned any = 0;
	size_t n;

	for (int k = 0; k < WARN_COUNT; k++) {
		n = warning_cells(page->summary, (enum warning)k, &worst);
		if (!n)
			continue;
		fprintf(out, "%s<li>%zu of %zu cells %s</li>\n",
			any++ ? ""
			      : "<div class=\"doubts\"><a href=\"#warnings\">Worth a doubt</a><ul>",
			n, page->summary->n_cells, doubts[k]);
	}
	if (host_emulated(get(page->summary->manifest, "host")))
		fprintf(out, "%s<li>%s</li>\n", any++ ? "" : "<div class=\"doubts\"><ul>",
			HOST_EMULATED);
	if (page->summary->torn)
		fprintf(out, "%s<li>the last record was cut short and is left out</li>\n",
			any++ ? "" : "<div class=\"doubts\"><ul>");
	fputs(any ? "</ul></div>\n" : "", out);
}

/* Latency as a user of the rate meets it, where there is one: waiting for the start included. */
static void put_card_latency(FILE *out, const struct cell_sum *cell)
{
	bool open_loop = group_open_loop(cell);
	double p50 = cell_median(cell, open_loop ? "intended_p50" : "latency_p50");
	double p99 = cell_median(cell, open_loop ? "intended_p99" : "latency_p99");
	char a[FMT_MAX];

	fprintf(out, "<span class=\"how\">p50 %s, ", fmt_value(a, p50, "ns", true));
	fprintf(out, "p99 %s%s</span>", fmt_value(a, p99, "ns", true),
		open_loop ? " from the intended start" : "");
}

/* One card for each workload: its fastest cell. */
static void put_card(FILE *out, const struct group *g)
{
	size_t best = group_top(g, NULL);
	char text[200];

	fputs("<a class=\"card\" href=\"#w-", out);
	html_text(out, g->workload);
	fputs("\"><span class=\"what\">", out);
	html_text(out, g->workload);
	fputs("</span>", out);
	if (best < g->n_cells) {
		const struct cell_sum *cell = g->cells[best];

		fprintf(out, "<span class=\"big\">%s</span><span class=\"how\">",
			fmt_value(text, cell_median(cell, "throughput"), "1/s", true));
		group_label(g, best, text, sizeof(text));
		html_text(out, text);
		fputs("</span>", out);
		put_card_latency(out, cell);
		for (int k = 0; k <= WARN_ERRORS; k++) {
			if (!cell->warnings[k])
				continue;
			warning_word(cell, (enum warning)k, text, sizeof(text));
			fprintf(out, "<span class=\"how warned\">%s</span>", text);
		}
	} else {
		fputs("<span class=\"big\">-</span><span class=\"how\">nothing was measured</span>",
		      out);
	}
	fputs("</a>\n", out);
}

static void put_cards(const struct page *page)
{
	fputs("<div class=\"cards\">\n", page->out);
	for (size_t k = 0; k < page->groups->n; k++)
		put_card(page->out, &page->groups->list[k]);
	fputs("</div>\n", page->out);
}

static void put_top(const struct page *page)
{
	const char *name = get_text(get(page->summary->manifest, "matrix"), "name");
	FILE *out = page->out;

	fputs("<header><div class=\"bar\"><span class=\"brand\">uhbench</span><nav>", out);
	for (size_t k = 0; k < page->groups->n; k++) {
		fputs("<a href=\"#w-", out);
		html_text(out, page->groups->list[k].workload);
		fputs("\">", out);
		html_text(out, page->groups->list[k].workload);
		fputs("</a>", out);
	}
	fputs("<a href=\"#host\">host</a></nav><button id=\"theme\" type=\"button\" hidden>Dark</button>"
	      "</div></header>\n<main>\n<section class=\"top\"><h1>",
	      out);
	html_text(out, *name ? name : "Session");
	fputs("</h1>\n", out);
	put_verdict(page);
	put_meta(page);
	put_doubts(page);
	put_cards(page);
	if (!page->plot)
		fputs("<p class=\"doubts\">This page was made without pictures (--no-plots).</p>\n",
		      out);
	fputs("<div class=\"filter\" hidden><label for=\"filter\">Filter rows</label>"
	      "<input id=\"filter\" type=\"search\" placeholder=\"uring threads=8\" autocomplete=\"off\">"
	      "<output id=\"shown\"></output></div>\n</section>\n",
	      out);
}

static int put_sections(const struct page *page)
{
	FILE *out = page->out;
	int err = 0;

	for (size_t k = 0; !err && k < page->groups->n; k++) {
		const struct section *s = &page->sections[k];

		fputs("<section class=\"workload\"><h2 id=\"w-", out);
		html_text(out, s->group->workload);
		fputs("\">", out);
		html_text(out, s->group->workload);
		fprintf(out, " <small>%zu cell%s</small></h2>\n", s->group->n_cells,
			s->group->n_cells == 1 ? "" : "s");
		html_table(page, s);
		err = html_evidence(page, s);
		err = err ? err : page->plot ? html_figures(page, s) : 0;
		err = err ? err : html_cells(page, s);
		fputs("</section>\n", out);
	}
	return err;
}

static int put_page(struct page *page)
{
	const cJSON *m = page->summary->manifest;
	int err;

	put_head(page);
	put_top(page);
	err = put_sections(page);
	if (err)
		return err;
	html_problems(page);
	html_warnings(page);
	html_notes(page);
	html_host(page);
	fputs("</main>\n<footer>", page->out);
	html_printf(page->out, "uhbench %s, session %s", get_text(m, "uhbench"),
		    get_text(m, "session"));
	fprintf(page->out, "</footer>\n<script>%s</script>\n</body></html>\n", asset_js);
	return 0;
}

int report_html(const struct report_options *options, FILE *out, struct err *err)
{
	_cleanup_(cleanup_summary) struct summary *s = NULL;
	_cleanup_(cleanup_groups) struct groups groups = {0};
	struct page page = {.groups = &groups, .out = out, .err = err};
	int code = summary_load(options->dir, options->plots, &s, err);

	if (code)
		return code;
	page.summary = s;
	code = naming_fill(s, options->reg);
	code = code ? code : groups_make(s, &groups);
	page.sections = code ? NULL : calloc(groups.n + 1, sizeof(*page.sections));
	if (!page.sections)
		return err_sys(err, -ENOMEM, "%s", options->dir);
	if (options->plots)
		code = plot_open(&page.plot, err);
	code = code ? code : plan(&page);
	code = code ? code : plan_probes(&page, options->dir);
	code = code ? code : put_page(&page);
	for (size_t k = 0; k < groups.n; k++) {
		free(page.sections[k].series);
		pictures_free(&page.sections[k].pictures);
	}
	free(page.sections);
	plot_close(page.plot);
	return code;
}

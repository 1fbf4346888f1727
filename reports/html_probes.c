// SPDX-License-Identifier: MIT
/*
 * All parts in their order, the probes' own account below them, and a page around it. A probe that
 * was not ok is named with its reason where its tables would be missed: in the account.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "reports/assets.h"
#include "reports/fmt.h"
#include "reports/get.h"
#include "reports/html.h"
#include "reports/html_rows.h"
#include "reports/plot.h"
#include "reports/probes_html.h"

/* "ok", or "ok in 2 of 3 runs" */
static void put_state(FILE *out, const cJSON *probe)
{
	const cJSON *runs = get_object(probe, "runs"), *n;
	const char *status = get_text(probe, "status");
	double all = 0, same = get_number(runs, status);

	cJSON_ArrayForEach (n, runs)
		all += cJSON_IsNumber(n) ? n->valuedouble : 0;
	fprintf(out, "<td><span class=\"%s\">", strcmp(status, "ok") ? "warned" : "");
	html_text(out, status);
	if (same < all)
		fprintf(out, " in %.0f of %.0f runs", same, all);
	fputs("</span></td>", out);
}

static void put_words(FILE *out, const cJSON *probe)
{
	static const char *const keys[] = {
		"reason_kernel", "reason_futex",  "reason_futex_hooks", "reason_slept",
		"reason_caller", "reason_run_ns", "reason_lost",	NULL};
	const char *said = get_text(probe, *get_text(probe, "not_ok") ? "not_ok" : "reason");

	html_text(out, said);
	for (const char *const *k = keys; *k; k++) {
		if (!*get_text(probe, *k))
			continue;
		fputs(*said ? "; " : "", out);
		said = get_text(probe, *k);
		html_text(out, said);
	}
}

static void put_row(FILE *out, const struct probes_view *v, const cJSON *probe)
{
	const cJSON *sampling = get(probe, "sampling");
	double every = get_number(sampling, "every");
	char losses[500], share[VIEW_SHARE_MAX];

	rows_begin(out);
	fputs("<th scope=\"row\">", out);
	html_text(out, probe->string);
	fputs("</th>", out);
	put_state(out, probe);
	rows_text(out, get_text(probe, "hooks"));
	rows_figure(out, get_number(probe, "events"), "1");
	rows_figure(out, get_number(probe, "lost"), "1");
	rows_figure(out, get_number(probe, "map_full"), "1");
	rows_figure(out, get_number(probe, "untracked"), "1");
	rows_share(out, view_cost(v, probe->string));
	fputs("<td class=\"wrap\">", out);
	if (every > 1)
		html_printf(out, "1 in %.0f was looked at: %s. ", every,
			    get_text(sampling, "reason"));
	if (*view_share_text(probe, share))
		html_printf(out, "Watched %s: %s. ", share, get_text(sampling, "reason_share"));
	if (!strcmp(probe->string, "sched") && *view_stack_losses(v, losses, sizeof(losses)))
		html_printf(out, "%s. ", losses);
	put_words(out, probe);
	fputs("</td>", out);
	rows_end(out);
}

/* Each program of each probe: where a cost comes from. */
static void put_programs(FILE *out, const struct probes_view *v)
{
	static const char *const titles[] = {"program", "hook", "#runs", "#mean", NULL};
	const cJSON *probe, *program;
	int n = 0;

	fputs("<details class=\"raw\"><summary>programs</summary>\n", out);
	rows_open(out, v, titles);
	cJSON_ArrayForEach (probe, v->probes) {
		cJSON_ArrayForEach (program, get(probe, "programs")) {
			n++;
			rows_begin(out);
			rows_text(out, get_text(program, "name"));
			rows_text(out, get_text(program, "hook"));
			rows_figure(out, get_number(program, "runs"), "1");
			rows_figure(out, get_number(program, "ns"), "ns");
			rows_end(out);
		}
	}
	rows_close(out, n > ROWS_SHOWN ? ROWS_SHOWN : n);
	fputs("</details>\n", out);
}

static void put_status(FILE *out, const struct probes_view *v)
{
	static const char *const titles[] = {"probe",	"status",    "hooks",	   "#events",
					     "#lost",	"#map full", "#untracked", "#of one CPU",
					     "remarks", NULL};
	const cJSON *probe;

	if (!cJSON_IsObject(v->probes) || !v->probes->child)
		return;
	rows_title(out, "What the probes lost and cost",
		   "cost: time in their programs over the window");
	rows_open(out, v, titles);
	cJSON_ArrayForEach (probe, v->probes)
		put_row(out, v, probe);
	rows_close(out, 0);
	put_programs(out, v);
}

static int put_pictures(FILE *out, const struct probe_pictures *pics, struct err *err)
{
	int code = 0;

	if (!pics || !pics->n)
		return 0;
	rows_title(out, "Distributions", "share of waits in percent, p1 to p99.9");
	fputs("<div class=\"pair\">", out);
	for (unsigned i = 0; !code && i < pics->n; i++) {
		fputs("<figure><figcaption>", out);
		html_text(out, pics->list[i].title);
		fputs("</figcaption>", out);
		code = plot_inline(pics->plot, pics->list[i].number, pics->list[i].title, out, err);
		fputs("</figure>\n", out);
	}
	fputs("</div>\n", out);
	return code;
}

int probes_html(FILE *out, const struct probes_view *v, const struct probe_pictures *pictures,
		struct err *err)
{
	int code;

	fputs("<div class=\"probes\">\n", out);
	probes_html_time(out, v);
	probes_html_flame(out, v);
	probes_html_wakers(out, v);
	probes_html_locks(out, v);
	probes_html_cqe(out, v);
	probes_html_calls(out, v);
	probes_html_block(out, v);
	code = put_pictures(out, pictures, err);
	put_status(out, v);
	fputs("</div>\n", out);
	return code;
}

int probes_page(FILE *out, const char *title, const char *const *lines, const struct probes_view *v,
		const struct probe_pictures *pictures, struct err *err)
{
	int code;

	fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
	      out);
	html_text(out, title);
	fprintf(out, "</title>\n<style>\n%s</style></head>\n<body>\n%s", asset_css, asset_markers);
	probes_html_patterns(out);
	fputs("<header><div class=\"bar\"><span class=\"brand\">uhbench</span></div></header>\n"
	      "<main>\n<section class=\"top\"><h1>",
	      out);
	html_text(out, title);
	fputs("</h1>\n", out);
	for (; *lines; lines++) {
		fputs("<p class=\"meta\">", out);
		html_text(out, *lines);
		fputs("</p>\n", out);
	}
	fputs("</section>\n<section>\n", out);
	code = probes_html(out, v, pictures, err);
	fputs("</section>\n</main>\n</body></html>\n", out);
	return code;
}

// SPDX-License-Identifier: MIT
/* io_uring: each ring and opcode. Then system calls and devices, which are tables of one kind. */
#include <math.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/fmt.h"
#include "reports/get.h"
#include "reports/html.h"
#include "reports/html_rows.h"
#include "reports/probes_html.h"

/* "ECANCELED 2, EAGAIN 1" */
static void put_failed(FILE *out, const cJSON *failed)
{
	const cJSON *item;

	fputs("<td>", out);
	cJSON_ArrayForEach (item, failed)
		if (cJSON_IsNumber(item))
			html_printf(out, "%s%s %.0f", item == failed->child ? "" : ", ",
				    item->string ? item->string : "?", item->valuedouble);
	fputs("</td>", out);
}

/* "p99 reap" and its like, in the order of the columns. */
static const struct {
	const char *title, *time;
	double q;
} times[] = {
	{"#p50 complete", "complete", 0.5}, {"#p99", "complete", 0.99},
	{"#p50 reap", "reap", 0.5},	    {"#p99", "reap", 0.99},
	{"#p50 total", "total", 0.5},	    {"#p99", "total", 0.99},
};

static void put_opcode(FILE *out, const struct probes_view *v, const cJSON *ring, const cJSON *row)
{
	char text[VIEW_TIME_MAX];

	rows_begin(out);
	rows_text(out, get_text(ring, "role"));
	rows_text(out, get_text(row, "opcode"));
	rows_figure(out, get_number(row, "submitted"), "1");
	rows_figure(out, get_number(row, "completed"), "1");
	rows_figure(out, get_number(row, "punts"), "1");
	for (unsigned i = 0; i < array_size(times); i++) {
		fputs("<td class=\"n\">", out);
		html_text(out, view_uring_time(text, v, row, times[i].time, times[i].q, true));
		fputs("</td>", out);
	}
	put_failed(out, get_object(row, "failed"));
	rows_end(out);
}

static void put_ring(FILE *out, const cJSON *ring)
{
	char a[FMT_MAX], b[FMT_MAX];

	html_printf(out, "%s", get_text(ring, "role"));
	if (get_number(ring, "sq_entries") > 0)
		html_printf(out, ", %.0f entries and %.0f CQEs", get_number(ring, "sq_entries"),
			    get_number(ring, "cq_entries"));
	html_printf(out, ": %s submitted, %s completed, ",
		    fmt_count(a, get_number(ring, "submitted")),
		    fmt_count(b, get_number(ring, "completed")));
	if (get_number(ring, "waits") > 0)
		html_printf(out, "%s waits with %s CQEs each, ",
			    fmt_count(a, get_number(ring, "waits")),
			    fmt_count(b, get_number(ring, "cqes_per_wait")));
	html_printf(out, "%s punts, ", fmt_count(a, get_number(ring, "punts")));
	fprintf(out, "<span class=\"%s\">%s overflows</span><br>\n",
		get_number(ring, "overflows") > 0 ? "warned" : "",
		fmt_count(b, get_number(ring, "overflows")));
}

static bool has_opcode(const cJSON *ring, const char *opcode)
{
	const cJSON *row;

	cJSON_ArrayForEach (row, get(ring, "opcodes"))
		if (!strcmp(get_text(row, "opcode"), opcode))
			return true;
	return false;
}

void probes_html_cqe(FILE *out, const struct probes_view *view)
{
	const struct probes_view part = view_for(view, "cqe"), *v = &part;
	const char *titles[6 + array_size(times) + 1] = {"role", "opcode", "#submitted",
							 "#completed", "#punts"};
	const cJSON *rings = view_rows(v, "cqe", "rings"), *ring, *row;
	const char *why = get_text(view_probe(v, "cqe"), "reason_timing");
	double more = get_number(view_probe(v, "cqe"), "more_rings");
	bool unknown = false;
	int n = 0;

	if (!rings) {
		if (view_probe(v, "cqe"))
			rows_title(out, "io_uring", *why ? why : "no ring was used");
		return;
	}
	rows_title(out, "io_uring",
		   "complete: submission to completion; reap: completion until the kernel first "
		   "sees that the program took it, so an upper bound, which grows with the time "
		   "until it enters the kernel again; total: from its batch to there");
	fputs("<p class=\"rings\">", out);
	cJSON_ArrayForEach (ring, rings)
		if (n++ < ROWS_SHOWN)
			put_ring(out, ring);
	if (n > ROWS_SHOWN || more > 0)
		fprintf(out, "%.0f more rings", fmax(n - ROWS_SHOWN, 0) + fmax(more, 0));
	fputs("</p>\n", out);
	for (n = 0; n < (int)array_size(times); n++)
		titles[5 + n] = times[n].title;
	titles[5 + n] = "failed";
	rows_open(out, v, titles);
	n = 0;
	cJSON_ArrayForEach (ring, rings) {
		cJSON_ArrayForEach (row, get(ring, "opcodes"))
			if (n++ < ROWS_SHOWN)
				put_opcode(out, v, ring, row);
		unknown |= has_opcode(ring, "UNKNOWN");
	}
	rows_close(out, n);
	if (*why)
		html_printf(out, "<p class=\"warned\">%s</p>\n", why);
	if (unknown)
		fputs("<p class=\"dim\">UNKNOWN: completions whose submission was not seen, or for "
		      "which the ring had no room.</p>\n",
		      out);
}

void probes_html_calls(FILE *out, const struct probes_view *view)
{
	const struct probes_view part = view_for(view, "syscalls"), *v = &part;
	static const char *const titles[] = {"role",	"system call", "#calls",     "#@",
					     "#failed", "#mean",       "#p99 below", "#longest",
					     "#time @", NULL};
	const cJSON *rows = view_rows(v, "syscalls", "calls"), *row;
	const char *timing = get_text(view_probe(v, "syscalls"), "timing");
	const char *why = get_text(view_probe(v, "syscalls"), "reason_timing");
	char small[300];
	int n = 0;

	if (!rows)
		return;
	snprintf(small, sizeof(small), "timing: %s%s%s", timing, *why ? "; " : "", why);
	rows_title(out, "System calls", small);
	rows_open(out, v, titles);
	cJSON_ArrayForEach (row, rows) {
		if (n++ >= ROWS_SHOWN)
			continue;
		rows_begin(out);
		rows_text(out, get_text(row, "role"));
		rows_text(out, get_text(row, "syscall"));
		rows_figure(out, get_number(row, "count"), "1");
		if (!v->total)
			rows_figure(out, view_per_op(v, get_number(row, "count")), "1");
		rows_figure(out, get_number(row, "failed"), "1");
		rows_figure(out, view_mean(row), "ns");
		rows_figure(out, view_quantile(row, 0.99), "ns");
		rows_figure(out, get_number(row, "max_ns"), "ns");
		rows_figure(out, view_per_op(v, get_number(row, "sum_ns")), "ns");
		rows_end(out);
	}
	rows_close(out, n);
}

void probes_html_block(FILE *out, const struct probes_view *view)
{
	const struct probes_view part = view_for(view, "block"), *v = &part;
	static const char *const titles[] = {"device",	 "operation", "issued by", "#requests",
					     "#bytes",	 "#failed",   "#p50",	   "#p99",
					     "#longest", "#time @",   NULL};
	const cJSON *rows = view_rows(v, "block", "devices"), *row;
	int n = 0;

	if (!rows) {
		if (view_probe(v, "block"))
			rows_title(out, "Block devices", "no request was seen");
		return;
	}
	rows_title(out, "Block devices", "from issue to completion");
	rows_open(out, v, titles);
	cJSON_ArrayForEach (row, rows) {
		const cJSON *tally = view_tally(row, "tally");

		if (n++ >= ROWS_SHOWN)
			continue;
		rows_begin(out);
		rows_text(out, get_text(row, "device"));
		rows_text(out, get_text(row, "operation"));
		rows_text(out, get_text(row, "by"));
		rows_figure(out, get_number(tally, "count"), "1");
		rows_figure(out, get_number(row, "bytes"), "bytes");
		rows_figure(out, get_number(row, "failed"), "1");
		rows_figure(out, view_hist_quantile(get(row, "histogram"), 0.5), "ns");
		rows_figure(out, view_hist_quantile(get(row, "histogram"), 0.99), "ns");
		rows_figure(out, get_number(tally, "max_ns"), "ns");
		rows_figure(out, view_per_op(v, get_number(tally, "sum_ns")), "ns");
		rows_end(out);
	}
	rows_close(out, n);
}

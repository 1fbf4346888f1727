// SPDX-License-Identifier: MIT
/* Locks of the kernel, and those of the program, which only its futexes show. */
#include <math.h>

#include "reports/fmt.h"
#include "reports/get.h"
#include "reports/html.h"
#include "reports/html_rows.h"
#include "reports/probes_html.h"

static void put_kernel(FILE *out, const struct probes_view *v, const cJSON *rows)
{
	static const char *const titles[] = {"lock",	   "caller",   "role",	  "#waits", "#mean",
					     "#p99 below", "#longest", "#time @", "stack",  NULL};
	const cJSON *row, *tally;
	int n = 0;

	rows_open(out, v, titles);
	cJSON_ArrayForEach (row, rows) {
		if (n++ >= ROWS_SHOWN)
			continue;
		tally = view_tally(row, "tally");
		rows_begin(out);
		rows_text(out, get_text(row, "type"));
		rows_text(out, get_text(row, "caller"));
		rows_text(out, get_text(row, "role"));
		rows_figure(out, get_number(tally, "count"), "1");
		rows_figure(out, view_mean(tally), "ns");
		rows_figure(out, view_quantile(tally, 0.99), "ns");
		rows_figure(out, get_number(tally, "max_ns"), "ns");
		rows_figure(out, view_per_op(v, get_number(tally, "sum_ns")), "ns");
		rows_stack(out, get(row, "stack"));
		rows_end(out);
	}
	rows_close(out, n);
}

/* By type: complete also where callers are sampled. */
static void put_types(FILE *out, const struct probes_view *v)
{
	const cJSON *rows = view_rows(v, "lock", "kernel_types"), *row;
	char count[FMT_MAX], per[FMT_MAX];

	if (!rows)
		return;
	fputs("<p class=\"dim\">All waits by type: ", out);
	cJSON_ArrayForEach (row, rows) {
		const cJSON *tally = view_tally(row, "tally");

		html_printf(out, "%s%s of %s %s,", row == rows->child ? "" : "; ",
			    get_text(row, "type"), get_text(row, "role"),
			    fmt_count(count, get_number(tally, "count")));
		html_printf(out, " %s %s",
			    fmt_value(per, view_per_op(v, get_number(tally, "sum_ns")), "ns", true),
			    view_per(v));
	}
	fputs("</p>\n", out);
}

static void put_address(FILE *out, const cJSON *row)
{
	double v = get_number(row, "address"), more = get_number(row, "addresses") - 1;

	fputs("<td>", out);
	if (isfinite(v) && v >= 0)
		fprintf(out, "0x%llx", (unsigned long long)v);
	else
		html_text(out, get_text(row, "address"));
	if (more > 0)
		fprintf(out, " and %.0f more", more);
	fputs("</td>", out);
}

static const cJSON *first_stack(const cJSON *row, const char *key)
{
	const cJSON *stacks = get(row, key);

	return cJSON_IsArray(stacks) && stacks->child ? get(stacks->child, "stack") : NULL;
}

static void put_futexes(FILE *out, const struct probes_view *v, const cJSON *rows)
{
	static const char *const titles[] = {"waiter",	   "waker",    "address", "#calls",
					     "#slept",	   "#EAGAIN",  "#woke",	  "#mean",
					     "#p99 below", "#longest", "#time @", NULL};
	const cJSON *row, *tally;
	const char *why = get_text(view_probe(v, "lock"), "reason_slept");
	bool slept;
	int n = 0;

	rows_title(out, "Futexes",
		   v->total ? "locks and conditions of the program; time of waits that slept"
			    : "locks and conditions of the program; time of waits that slept; an "
			      "address is that of the first run");
	if (*why)
		html_printf(out, "Which waits slept is not known: %s.\n", why);
	rows_open(out, v, titles);
	cJSON_ArrayForEach (row, rows) {
		bool used = get_number(row, "calls") != 0 || get_number(row, "woke") > 0;

		if (!used || n++ >= ROWS_SHOWN)
			continue;
		tally = view_tally(row, "tally");
		slept = isfinite(get_number(row, "slept"));
		rows_begin(out);
		rows_stack(out, first_stack(row, "waiters"));
		rows_stack(out, first_stack(row, "wakers"));
		put_address(out, row);
		rows_figure(out, get_number(row, "calls"), "1");
		rows_figure(out, get_number(row, "slept"), "1");
		rows_figure(out, get_number(row, "again"), "1");
		rows_figure(out, get_number(row, "woke"), "1");
		rows_figure(out, slept ? view_mean(tally) : NAN, "ns");
		rows_figure(out, slept ? view_quantile(tally, 0.99) : NAN, "ns");
		rows_figure(out, slept ? get_number(tally, "max_ns") : NAN, "ns");
		rows_figure(out, view_per_op(v, view_futex_ns(row)), "ns");
		rows_end(out);
	}
	rows_close(out, n);
}

static void put_calls(FILE *out, const struct probes_view *v)
{
	static const char *const titles[] = {"role",	"operation",  "#calls",	      "#slept",
					     "#EAGAIN", "#timed out", "#interrupted", "#woke",
					     "#failed", NULL};
	static const char *const keys[] = {"calls",	  "slept", "again", "timed_out",
					   "interrupted", "woke",  "failed"};
	const cJSON *rows = view_rows(v, "lock", "futex_calls"), *row;
	int n = 0;

	if (!rows)
		return;
	fputs("<details class=\"raw\"><summary>futex calls by operation</summary>\n", out);
	rows_open(out, v, titles);
	cJSON_ArrayForEach (row, rows) {
		if (n++ >= ROWS_SHOWN)
			continue;
		rows_begin(out);
		rows_text(out, get_text(row, "role"));
		rows_text(out, get_text(row, "operation"));
		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
			rows_figure(out, get_number(row, keys[k]), "1");
		rows_end(out);
	}
	rows_close(out, n);
	fputs("</details>\n", out);
}

/* A table that is null was not looked for: "none" would be a finding. */
static void put_no_rows(FILE *out, const struct probes_view *v, const char *title,
			const char *reason_key, const char *none)
{
	const char *why = get_text(view_probe(v, "lock"), reason_key);
	char text[400];

	snprintf(text, sizeof(text), "not known: %s", why);
	rows_title(out, title, *why ? text : none);
}

void probes_html_locks(FILE *out, const struct probes_view *view)
{
	const struct probes_view part = view_for(view, "lock"), *v = &part;
	const cJSON *kernel = view_rows(v, "lock", "kernel");
	const cJSON *futex = view_rows(v, "lock", "futex");

	if (!view_probe(v, "lock"))
		return;
	if (kernel) {
		rows_title(out, "Kernel locks", "contended ones");
		put_kernel(out, v, kernel);
	} else {
		put_no_rows(out, v, "Kernel locks", "reason_kernel", "none was contended");
	}
	put_types(out, v);
	if (futex)
		put_futexes(out, v, futex);
	else
		put_no_rows(out, v, "Futexes", "reason_futex", "no wait was seen");
	put_calls(out, v);
}

// SPDX-License-Identifier: MIT
/*
 * The tables of probes as text, each described by its columns. A key that begins with a sign is
 * computed: "=mean" and "=per" of the row's tally, "=p99" its upper bound, "=futex" the time where
 * known,
 * "@waiters" the telling frame of the first stack under that name.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/fmt.h"
#include "reports/get.h"
#include "reports/probes_text.h"
#include "reports/table.h"

#define CELL_MAX 120

struct column {
	const char *title, *key;
	const char *unit; /* NULL = a text */
	int drop;
};

struct kind { /* of table */
	const char *probe, *rows, *title;
	struct column columns[12];
	const char *counts; /* rows where this figure is 0 are not shown; NULL: all are */
};

static const struct kind kinds[] = {
	{"sched",
	 "wakers",
	 "who ended the waits",
	 {{"woken by", "from"},
	  {"who waited", "to"},
	  {"class", "class"},
	  {"times", "count", "1"},
	  {"mean", "=mean", "ns", 1},
	  {"time", "=per", "ns"}}},
	{"sched",
	 "waits",
	 "waits by system call",
	 {{"role", "role"},
	  {"class", "class"},
	  {"system call", "syscall"},
	  {"waits", "count", "1"},
	  {"mean", "=mean", "ns", 2},
	  {"longest", "max_ns", "ns", 1},
	  {"time", "=per", "ns"}}},
	{"sched",
	 "stacks",
	 "longest waits by stack",
	 {{"role", "role"},
	  {"class", "class"},
	  {"in the program", "@user"},
	  {"in the kernel", "@kernel", NULL, 1},
	  {"sampled", "count", "1"},
	  {"longest", "max_ns", "ns", 2}}},
	{"lock",
	 "kernel",
	 "kernel locks",
	 {{"type", "type"},
	  {"caller", "caller"},
	  {"role", "role"},
	  {"waits", "count", "1"},
	  {"mean", "=mean", "ns", 2},
	  {"p99 below", "=p99", "ns", 1},
	  {"time", "=per", "ns"}}},
	{"lock",
	 "futex",
	 "futexes",
	 {{"waiter", "@waiters"},
	  {"waker", "@wakers", NULL, 1},
	  {"address", "address"},
	  {"addresses", "addresses", "1", 5},
	  {"calls", "calls", "1"},
	  {"slept", "slept", "1", 3},
	  {"EAGAIN", "again", "1", 4},
	  {"mean", "=mean", "ns", 2},
	  {"time", "=futex", "ns"}},
	 .counts = "calls"},
	{"syscalls",
	 "calls",
	 "system calls",
	 {{"role", "role"},
	  {"system call", "syscall"},
	  {"calls", "count", "1"},
	  {"failed", "failed", "1", 1},
	  {"mean", "=mean", "ns"},
	  {"longest", "max_ns", "ns", 2},
	  {"time", "=per", "ns"}}},
	{"block",
	 "devices",
	 "block devices",
	 {{"device", "device"},
	  {"operation", "operation"},
	  {"issued by", "by"},
	  {"requests", "count", "1"},
	  {"bytes", "bytes", "bytes", 2},
	  {"failed", "failed", "1", 1},
	  {"mean", "=mean", "ns"},
	  {"longest", "max_ns", "ns", 3},
	  {"time", "=per", "ns"}}},
};

static const char *frame_of(const cJSON *row, const char *key)
{
	const cJSON *stacks = get(row, key);
	const cJSON *first = cJSON_IsArray(stacks) ? stacks->child : NULL;

	if (cJSON_IsString(first))
		return view_frame(stacks);
	return view_top_frame(stacks);
}

static double figure_of(const struct probes_view *v, const cJSON *row, const char *key)
{
	const cJSON *tally = view_tally(row, "tally");

	if (!strcmp(key, "=mean"))
		return view_mean(tally);
	if (!strcmp(key, "=per"))
		return view_per_op(v, get_number(tally, "sum_ns"));
	if (!strcmp(key, "=futex"))
		return view_per_op(v, view_futex_ns(row));
	if (!strcmp(key, "=p99"))
		return view_quantile(tally, 0.99);
	return isfinite(get_number(row, key)) ? get_number(row, key) : get_number(tally, key);
}

static int set_column(struct table *t, unsigned at, const struct probes_view *v, const cJSON *row,
		      const struct column *c)
{
	char text[CELL_MAX];

	if (c->unit)
		return table_set(t, at, fmt_value(text, figure_of(v, row, c->key), c->unit, false));
	if (*c->key == '@')
		snprintf(text, sizeof(text), "%s", frame_of(row, c->key + 1));
	else if (cJSON_IsNumber(get(row, c->key))) /* an address */
		snprintf(text, sizeof(text), "0x%llx",
			 (unsigned long long)fmax(get_number(row, c->key), 0));
	else
		snprintf(text, sizeof(text), "%s", get_text(row, c->key));
	return table_set(t, at, *text ? text : "-");
}

static bool shown(const struct kind *k, const cJSON *row)
{
	return !k->counts || get_number(row, k->counts) != 0;
}

static int count_shown(const struct kind *k, const cJSON *rows)
{
	const cJSON *row;
	int n = 0;

	cJSON_ArrayForEach (row, rows)
		n += shown(k, row);
	return n;
}

static int fill(struct table *t, const struct probes_view *v, const struct kind *k,
		const cJSON *rows, unsigned limit)
{
	const cJSON *row;
	unsigned n = 0;
	int err = 0;

	for (const struct column *c = k->columns; !err && c->title; c++)
		err = table_column(t, c->title, c->unit != NULL, c->drop);
	cJSON_ArrayForEach (row, rows) {
		if (err || !shown(k, row) || n++ >= limit)
			continue;
		err = table_row(t);
		for (unsigned at = 0; !err && k->columns[at].title; at++)
			err = set_column(t, at, v, row, &k->columns[at]);
	}
	return err;
}

/* A probe may count only, to stay within its budget. */
static void put_why_no_time(FILE *out, const struct probes_view *v, const struct kind *k)
{
	char text[2 * CELL_MAX];
	const char *why = get_text(view_probe(v, k->probe), "reason_timing");

	if (*why)
		fprintf(out, "  times: %s\n", fmt_safe(text, sizeof(text), why));
}

static int put_table(FILE *out, const struct probes_view *view, const struct kind *k,
		     unsigned width, unsigned limit)
{
	const struct probes_view part = view_for(view, k->probe), *v = &part;
	const cJSON *rows = view_rows(v, k->probe, k->rows);
	struct table t = {0};
	int err, n = count_shown(k, rows);

	if (!n)
		return 0;
	err = fill(&t, v, k, rows, limit);
	if (!err) {
		fprintf(out, "\n%s (time %s)\n", k->title, view_per(v));
		table_print(&t, out, width, "  ", 0);
		put_why_no_time(out, v, k);
		if ((unsigned)n > limit)
			fprintf(out, "  ... and %u more\n", (unsigned)n - limit);
	}
	table_free(&t);
	return err;
}

/* One row for each class of each role, most time first. */
static int fill_time(struct table *t, const struct probes_view *v)
{
	char text[FMT_MAX];
	struct view_role role;
	int err = table_column(t, "role", 0, 0);

	err |= table_column(t, "class", 0, 0);
	err |= table_column(t, "time", 1, 0);
	err |= table_column(t, "share", 1, 0);
	err |= table_column(t, "times", 1, 1);
	for (unsigned i = 0; !err && view_role(v, i, &role); i++) {
		view_sort(&role);
		for (unsigned k = 0; !err && k < role.n_parts; k++) {
			const struct view_part *p = &role.parts[k];

			if (!(p->ns > 0))
				continue;
			err = table_row(t);
			err = err ? err : table_set(t, 0, role.name);
			err = err ? err : table_set(t, 1, p->cls->name);
			fmt_value(text, view_per_op(v, p->ns), "ns", false);
			err = err ? err : table_set(t, 2, text);
			snprintf(text, sizeof(text), "%.1f %%", p->share * 100);
			err = err ? err : table_set(t, 3, isfinite(p->share) ? text : "-");
			err = err ? err : table_set(t, 4, fmt_count(text, p->count));
		}
	}
	return err ? -ENOMEM : 0;
}

static void put_unknown(FILE *out, const struct view_role *role)
{
	char name[CELL_MAX], classes[CELL_MAX], text[2 * CELL_MAX];
	const char *reason;

	for (unsigned i = 0; (reason = view_unknown(role, i, classes, sizeof(classes))); i++)
		fprintf(out, "  %s: %s: not known, %s\n", fmt_safe(name, sizeof(name), role->name),
			classes, fmt_safe(text, sizeof(text), reason));
}

/* Do the classes come to the wall time? */
static void put_closures(FILE *out, const struct probes_view *v)
{
	char name[CELL_MAX], wall[FMT_MAX], switches[FMT_MAX], closure[CLOSURE_TEXT];
	struct view_role role;

	for (unsigned i = 0; view_role(v, i, &role); i++) {
		fprintf(out, "  %s: ", fmt_safe(name, sizeof(name), role.name));
		if (isfinite(role.threads))
			fprintf(out, "%.0f thread%s, ", role.threads, role.threads == 1 ? "" : "s");
		fprintf(out, "wall time %s, %s switches, %s\n",
			fmt_value(wall, view_per_op(v, role.wall_ns), "ns", false),
			fmt_count(switches, view_per_op(v, role.voluntary + role.involuntary)),
			view_closure_text(&role, closure));
		put_unknown(out, &role);
	}
}

static int put_time(FILE *out, const struct probes_view *v, unsigned width)
{
	struct table t = {0};
	int err = fill_time(&t, v);

	if (!err && t.n_rows) {
		fprintf(out, "\nwhere the time went (time %s)\n", view_per(v));
		table_print(&t, out, width, "  ", 0);
		put_closures(out, v);
	}
	table_free(&t);
	return err;
}

static int fill_rings(struct table *t, const struct probes_view *v, const cJSON *rings,
		      unsigned limit)
{
	static const struct column ring_columns[] = {{"submitted", "submitted", "1", 2},
						     {"completed", "completed", "1"},
						     {"punts", "punts", "1", 1}};
	static const char *const more[] = {"p50 complete", "p99", "p50 reap", "p99"};
	const cJSON *ring, *row;
	char text[FMT_MAX], time[VIEW_TIME_MAX];
	unsigned n = 0;
	int err = table_column(t, "role", 0, 0) | table_column(t, "opcode", 0, 0);

	for (size_t i = 0; i < array_size(ring_columns); i++)
		err |= table_column(t, ring_columns[i].title, 1, ring_columns[i].drop);
	for (size_t i = 0; i < array_size(more); i++)
		err |= table_column(t, more[i], 1, i % 2 ? 3 : 0);
	cJSON_ArrayForEach (ring, rings) {
		cJSON_ArrayForEach (row, get(ring, "opcodes")) {
			if (err || n++ >= limit)
				continue;
			err = table_row(t) | table_set(t, 0, get_text(ring, "role")) |
			      table_set(t, 1, get_text(row, "opcode"));
			for (unsigned i = 0; !err && i < array_size(ring_columns); i++)
				err = table_set(
					t, 2 + i,
					fmt_count(text, get_number(row, ring_columns[i].key)));
			for (unsigned i = 0; !err && i < array_size(more); i++)
				err = table_set(t, 5 + i,
						view_uring_time(time, v, row,
								i < 2 ? "complete" : "reap",
								i % 2 ? 0.99 : 0.5, false));
		}
	}
	return err ? -ENOMEM : 0;
}

static int put_rings(FILE *out, const struct probes_view *v, unsigned width, unsigned limit)
{
	const cJSON *rings = view_rows(v, "cqe", "rings");
	const char *why = get_text(view_probe(v, "cqe"), "reason_timing");
	struct table t = {0};
	char text[3 * CELL_MAX];
	int err;

	if (!rings && *why)
		fprintf(out, "\nio_uring: %s\n", fmt_safe(text, sizeof(text), why));
	if (!rings)
		return 0;
	err = fill_rings(&t, v, rings, limit);
	if (!err) {
		fprintf(out, "\nio_uring (reap: until the kernel sees it, so at most)\n");
		table_print(&t, out, width, "  ", 0);
		if (*why)
			fprintf(out, "  %s\n", fmt_safe(text, sizeof(text), why));
	}
	table_free(&t);
	return err;
}

/* Loss and cost of each probe: no table above is to be read without it. */
static int fill_status(struct table *t, const struct probes_view *v)
{
	static const struct column figures[] = {{"events", "events", "1", 1},
						{"lost", "lost", "1"},
						{"map full", "map_full", "1"},
						{"untracked", "untracked", "1"}};
	const cJSON *probe;
	char text[CELL_MAX];
	int err = table_column(t, "probe", 0, 0) | table_column(t, "status", 0, 0) |
		  table_column(t, "hooks", 0, 2);

	for (size_t i = 0; i < array_size(figures); i++)
		err |= table_column(t, figures[i].title, 1, figures[i].drop);
	err |= table_column(t, "of one CPU", 1, 0);
	cJSON_ArrayForEach (probe, v->probes) {
		double cost = view_cost(v, probe->string);

		err = err || table_row(t) || table_set(t, 0, probe->string) ||
		      table_set(t, 1, get_text(probe, "status")) ||
		      table_set(t, 2, get_text(probe, "hooks"));
		for (unsigned i = 0; !err && i < array_size(figures); i++)
			err = table_set(t, 3 + i,
					fmt_count(text, get_number(probe, figures[i].key)));
		snprintf(text, sizeof(text), "%.1f %%", cost * 100);
		err = err || table_set(t, 7, isfinite(cost) ? text : "-");
	}
	return err ? -ENOMEM : 0;
}

static void put_remark(FILE *out, const cJSON *probe, const char *words, const char *reason)
{
	char name[CELL_MAX], text[3 * CELL_MAX];

	if (*reason)
		fprintf(out, "  %s%s: %s\n", fmt_safe(name, sizeof(name), probe->string), words,
			fmt_safe(text, sizeof(text), reason));
}

/* Too long for a column. */
static void put_remarks(FILE *out, const struct probes_view *v)
{
	const cJSON *probe;
	char share[VIEW_SHARE_MAX], words[VIEW_SHARE_MAX + 20], losses[3 * CELL_MAX];

	cJSON_ArrayForEach (probe, v->probes) {
		const cJSON *sampling = get(probe, "sampling");
		double every = get_number(sampling, "every");

		put_remark(out, probe, "", get_text(probe, "reason"));
		if (!strcmp(probe->string, "sched"))
			put_remark(out, probe, "", view_stack_losses(v, losses, sizeof(losses)));
		put_remark(out, probe, ", kernel locks", get_text(probe, "reason_kernel"));
		put_remark(out, probe, ", callers", get_text(probe, "reason_caller"));
		put_remark(out, probe, ", futexes", get_text(probe, "reason_futex"));
		put_remark(out, probe, ", futex calls", get_text(probe, "reason_futex_hooks"));
		put_remark(out, probe, ", futex sleeps", get_text(probe, "reason_slept"));
		if (get_number(probe, "lost") > 0)
			put_remark(out, probe, " lost some", get_text(probe, "reason_lost"));
		snprintf(words, sizeof(words), " looked at 1 in %.0f", every);
		if (every > 1)
			put_remark(out, probe, words, get_text(sampling, "reason"));
		if (*view_share_text(probe, share)) {
			snprintf(words, sizeof(words), " watched %s", share);
			put_remark(out, probe, words, get_text(sampling, "reason_share"));
		}
	}
}

/* Names those with the reason of `first`, when no probe before it gave that one. */
static void put_no_cost(FILE *out, const struct probes_view *v, const cJSON *first)
{
	const char *why = get_text(first, "reason_run_ns");
	const cJSON *probe;
	bool said = false;
	char text[3 * CELL_MAX];

	cJSON_ArrayForEach (probe, v->probes) {
		if (strcmp(get_text(probe, "reason_run_ns"), why) != 0)
			continue;
		if (!said && probe != first)
			return;
		fprintf(out, "%s%s", said ? ", " : "  cost of ",
			fmt_safe(text, sizeof(text), probe->string));
		said = true;
	}
	fprintf(out, " is not known: %s\n", fmt_safe(text, sizeof(text), why));
}

static void put_why_no_cost(FILE *out, const struct probes_view *v)
{
	const cJSON *probe;

	cJSON_ArrayForEach (probe, v->probes)
		if (*get_text(probe, "reason_run_ns"))
			put_no_cost(out, v, probe);
}

static int put_status(FILE *out, const struct probes_view *v, unsigned width)
{
	struct table t = {0};
	int err = fill_status(&t, v);

	if (!err && t.n_rows) {
		fprintf(out, "\nwhat the probes lost and cost\n");
		table_print(&t, out, width, "  ", 0);
		put_remarks(out, v);
		put_why_no_cost(out, v);
	}
	table_free(&t);
	return err;
}

int probes_text_tables(FILE *out, const struct probes_view *v, unsigned width, unsigned rows)
{
	const struct probes_view sched = view_for(v, "sched");
	int err = put_time(out, &sched, width);

	for (size_t i = 0; !err && i < array_size(kinds); i++) {
		if (!strcmp(kinds[i].probe, "syscalls")) /* rings stand before the calls */
			err = put_rings(out, v, width, rows);
		err = err ? err : put_table(out, v, &kinds[i], width, rows);
	}
	return err ? err : put_status(out, v, width);
}

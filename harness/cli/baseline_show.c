// SPDX-License-Identifier: MIT
/*
 * Baselines for people, or as JSON; the text is made from the JSON. Figures of a cell are medians
 * over its sessions, quantiles those of all their operations together. What a further session would
 * have to show is asked of the gate itself: the newest session, judged by all of them.
 */
#include "harness/cli/baseline_show.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/host/hostinfo.h"
#include "harness/host/machine.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"
#include "reports/fmt.h"

static const char *text_at(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return text ? text : "";
}

static double number_at(const cJSON *o, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static void add_number(cJSON *o, const char *key, double value)
{
	cJSON_AddItemToObject(o, key,
			      isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

/* {baseline, machine_id, machine, recipe, sessions: [{session, started, pinned, revision}]} */
static cJSON *describe(const struct stored_side *b)
{
	const cJSON *newest = stored_side_what(b);
	const cJSON *machine = cJSON_GetObjectItemCaseSensitive(newest, "machine");
	cJSON *o = cJSON_CreateObject(), *sessions;
	char id[MACHINE_ID_LEN + 1];

	machine_id(machine, id);
	cJSON_AddStringToObject(o, "baseline", b->side.name);
	cJSON_AddStringToObject(o, "machine_id", id);
	cJSON_AddItemToObject(o, "machine", cJSON_Duplicate(machine, 1));
	cJSON_AddItemToObject(
		o, "recipe",
		cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(newest, "recipe"), 1));
	sessions = cJSON_AddArrayToObject(o, "sessions");
	for (size_t i = 0; i < b->side.n; i++) {
		const struct sheet *s = &b->side.sheets[i];
		const cJSON *build =
			cJSON_GetObjectItemCaseSensitive(sheet_item(s, "host"), "build");
		cJSON *row = cJSON_CreateObject();

		cJSON_AddStringToObject(row, "session", sheet_text(s, "session"));
		cJSON_AddStringToObject(row, "started", sheet_text(s, "started"));
		cJSON_AddBoolToObject(row, "pinned", baseline_pinned(s));
		cJSON_AddStringToObject(row, "revision", text_at(build, "revision"));
		cJSON_AddItemToArray(sessions, row);
	}
	return o;
}

int baseline_list(const char *root, bool json)
{
	_cleanup_json_ cJSON *names = baseline_names(root), *all = cJSON_CreateArray();
	const cJSON *name, *o;
	int rc = EXITCODE_OK;

	/* One that is broken is told, and the others are listed all the same. */
	cJSON_ArrayForEach (name, names) {
		_cleanup_(stored_side_close) struct stored_side b = {.baseline = NULL};
		int one = stored_baseline_open(root, name->valuestring, &b);

		if (one == VERB_GO_ON)
			cJSON_AddItemToArray(all, describe(&b));
		else
			rc = one;
	}
	if (json) {
		int printed = verb_print_json(all);

		return printed ? printed : rc;
	}
	if (!names->child)
		printf("there are no baselines in %s\n", root);
	cJSON_ArrayForEach (o, all)
		printf("%-24s %3d sessions, machine %s (%s, kernel %s)\n", text_at(o, "baseline"),
		       cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(o, "sessions")),
		       text_at(o, "machine_id"),
		       text_at(cJSON_GetObjectItemCaseSensitive(o, "machine"), "cpu"),
		       text_at(cJSON_GetObjectItemCaseSensitive(o, "machine"), "kernel"));
	return rc;
}

/* Median over the sessions of a side, of those that have it. */
static double median_of(const struct assess_side *side, const char *id, const char *metric)
{
	_cleanup_free_ double *values = calloc(side->n + 1, sizeof(*values));
	size_t n = 0;

	for (size_t i = 0; values && i < side->n; i++) {
		const cJSON *line = sheet_cell(&side->sheets[i], id);
		double v = line ? sheet_value(line, metric) : NAN;

		if (isfinite(v))
			values[n++] = v;
	}
	if (!values)
		return NAN;
	order_sort(values, n);
	return order_median(values, n);
}

static double quantile_of(const struct assess_side *side, const char *id, double q)
{
	_cleanup_free_ const cJSON **lines = calloc(side->n + 1, sizeof(*lines));
	unsigned n = 0;

	for (size_t i = 0; lines && i < side->n; i++) {
		const cJSON *line = sheet_cell(&side->sheets[i], id);

		if (line)
			lines[n++] = line;
	}
	return lines ? sheet_quantile(lines, n, "service", q) : NAN;
}

static cJSON *figures_of(const struct assess_side *side, const char *id)
{
	cJSON *o = cJSON_CreateObject();

	add_number(o, "throughput", median_of(side, id, "throughput"));
	add_number(o, "p50_ns", quantile_of(side, id, 0.5));
	add_number(o, "p99_ns", quantile_of(side, id, 0.99));
	return o;
}

/* Of what is gated of a cell, what has to change most until it is seen. */
static const cJSON *least_seen(const cJSON *cell)
{
	const cJSON *m, *least = NULL;

	cJSON_ArrayForEach (m, cJSON_GetObjectItemCaseSensitive(cell, "metrics"))
		if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(m, "gated")) &&
		    (!least || number_at(m, "mde") > number_at(least, "mde")))
			least = m;
	return least;
}

static void add_cells(const struct assess_side *side, const cJSON *verdicts, cJSON *o)
{
	const cJSON *judged = cJSON_GetObjectItemCaseSensitive(verdicts, "cells"), *cell, *m;
	cJSON *cells = cJSON_AddArrayToObject(o, "cells");

	cJSON_ArrayForEach (cell, judged) {
		cJSON *row = figures_of(side, text_at(cell, "cell"));

		cJSON_AddStringToObject(row, "cell", text_at(cell, "cell"));
		cJSON_AddStringToObject(row, "label", text_at(cell, "label"));
		m = least_seen(cell);
		if (m) {
			add_number(row, "shows_from", number_at(m, "mde"));
			cJSON_AddStringToObject(row, "metric", text_at(m, "metric"));
			cJSON_AddStringToObject(row, "yardstick", text_at(m, "yardstick"));
		}
		cJSON_AddItemToArray(cells, row);
	}
}

static void print_figures(const cJSON *row)
{
	char throughput[FMT_MAX], p50[FMT_MAX], p99[FMT_MAX];

	printf("%11s  p50 %9s  p99 %9s",
	       fmt_value(throughput, number_at(row, "throughput"), "1/s", false),
	       fmt_value(p50, number_at(row, "p50_ns"), "ns", false),
	       fmt_value(p99, number_at(row, "p99_ns"), "ns", false));
}

/* A line for each, and those of an object below its name. */
static void print_object(const cJSON *o, int indent)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, o) {
		_cleanup_free_ char *text = cJSON_PrintUnformatted(item);
		char safe[1024];

		if (cJSON_IsObject(item)) {
			printf("%*s%s\n", indent, "", item->string);
			print_object(item, indent + 2);
		} else {
			printf("%*s%-14s %s\n", indent, "", item->string,
			       fmt_safe(safe, sizeof(safe), text ? text : ""));
		}
	}
}

static void print_show(const cJSON *o)
{
	const cJSON *item, *sessions = cJSON_GetObjectItemCaseSensitive(o, "sessions");

	printf("%s: machine %s\n", text_at(o, "baseline"), text_at(o, "machine_id"));
	print_object(cJSON_GetObjectItemCaseSensitive(o, "machine"), 2);
	puts("\nsessions");
	cJSON_ArrayForEach (item, sessions)
		printf("  %s  %s  %-8s %s\n", text_at(item, "session"), text_at(item, "started"),
		       cJSON_IsTrue(cJSON_GetObjectItem(item, "pinned")) ? "pinned" : "promoted",
		       text_at(item, "revision"));
	puts("\ncells, and from which change on one more session would show it");
	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(o, "cells")) {
		double from = number_at(item, "shows_from");

		fputs("  ", stdout);
		print_figures(item);
		if (isfinite(from))
			printf("  %+5.1f %%", 100 * from);
		else
			fputs("  too few sessions", stdout);
		printf("  %s: %s%s%s\n", text_at(item, "label"), text_at(item, "metric"),
		       *text_at(item, "yardstick") ? ", by " : "", text_at(item, "yardstick"));
	}
}

int baseline_show(const struct registry *reg, const struct stored_side *b, bool json)
{
	_cleanup_json_ cJSON *o = describe(b), *verdicts = NULL;
	struct assess j = {.registry = reg, .base = b->side, .alpha = STORED_ALPHA};
	struct err err;

	j.head = (struct assess_side){
		.name = "newest", .sheets = &b->side.sheets[b->side.n - 1], .n = 1};
	if (assess_verdicts(&j, &verdicts, &err))
		return verb_fail(EXITCODE_FAILURE, "%s", err.text);
	add_cells(&b->side, verdicts, o);
	if (json)
		return verb_print_json(o);
	print_show(o);
	return EXITCODE_OK;
}

static const char *cell_of(const cJSON *line)
{
	return text_at(cJSON_GetObjectItemCaseSensitive(line, "cell"), "id");
}

static cJSON *diff_row(const cJSON *line, const struct assess_side *a, const struct assess_side *b)
{
	cJSON *row = cJSON_CreateObject();

	cJSON_AddStringToObject(row, "cell", cell_of(line));
	cJSON_AddStringToObject(row, "label", text_at(line, "label"));
	cJSON_AddItemToObject(row, "a", figures_of(a, cell_of(line)));
	cJSON_AddItemToObject(row, "b", figures_of(b, cell_of(line)));
	return row;
}

/* Cells of the newest session of either, each with the figures of both sides. */
static cJSON *diff_cells(const struct assess_side *a, const struct assess_side *b)
{
	const struct sheet *newest = &a->sheets[a->n - 1];
	cJSON *rows = cJSON_CreateArray();
	const cJSON *line;

	cJSON_ArrayForEach (line, newest->cells)
		cJSON_AddItemToArray(rows, diff_row(line, a, b));
	cJSON_ArrayForEach (line, b->sheets[b->n - 1].cells)
		if (!sheet_cell(newest, cell_of(line)))
			cJSON_AddItemToArray(rows, diff_row(line, a, b));
	return rows;
}

static void print_diff(const cJSON *o, const char *a, const char *b)
{
	const cJSON *machine = cJSON_GetObjectItemCaseSensitive(o, "machine"), *row;
	const cJSON *recipe = cJSON_GetObjectItemCaseSensitive(o, "recipe");

	puts(machine->child ? "machine: another" : "machine: the same");
	if (!machine->child && cJSON_GetObjectItemCaseSensitive(o, "host")->child)
		puts("different all the same, which decides nothing:");
	stored_print_diff(stdout, cJSON_GetObjectItemCaseSensitive(o, "host"), a, b);
	if (recipe) {
		puts(recipe->child ? "recipe: another" : "recipe: the same");
		stored_print_diff(stdout, recipe, a, b);
	}
	cJSON_ArrayForEach (row, cJSON_GetObjectItemCaseSensitive(o, "cells")) {
		printf("%s\n  %-20.20s ", text_at(row, "label"), a);
		print_figures(cJSON_GetObjectItemCaseSensitive(row, "a"));
		printf("\n  %-20.20s ", b);
		print_figures(cJSON_GetObjectItemCaseSensitive(row, "b"));
		fputc('\n', stdout);
	}
}

static cJSON *diff_of(const cJSON *a, const cJSON *b, const char *key)
{
	return machine_diff(cJSON_GetObjectItemCaseSensitive(a, key),
			    cJSON_GetObjectItemCaseSensitive(b, key));
}

static cJSON *this_machine(const char *dir)
{
	cJSON *o = cJSON_CreateObject(), *host = hostinfo_collect(dir);

	cJSON_AddItemToObject(o, "machine", machine_key(host));
	cJSON_AddItemToObject(o, "host", host);
	return o;
}

int baseline_diff(const struct stored_side *a, const struct stored_side *b, bool json)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject(),
			     *now = b ? NULL : this_machine(a->baseline->dir);
	const cJSON *base = stored_side_what(a), *other = b ? stored_side_what(b) : now;
	const char *name = b ? b->side.name : "this machine";

	cJSON_AddStringToObject(o, "a", a->side.name);
	cJSON_AddStringToObject(o, "b", name);
	cJSON_AddItemToObject(o, "machine", diff_of(base, other, "machine"));
	cJSON_AddItemToObject(o, "host", diff_of(base, other, "host"));
	if (b) {
		cJSON_AddItemToObject(o, "recipe", diff_of(base, other, "recipe"));
		cJSON_AddItemToObject(o, "cells", diff_cells(&a->side, &b->side));
	}
	if (json)
		return verb_print_json(o);
	print_diff(o, a->side.name, name);
	return EXITCODE_OK;
}

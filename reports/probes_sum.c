// SPDX-License-Identifier: MIT
/*
 * One record after the other into a sum: the record's part is copied, made ready (rows that have no
 * lasting name get a number among those that look alike; in a light sum the bulk is left out), and
 * each probe's object is folded into what is there. A probe that was not ok in a repeat adds
 * nothing but its count and its reason.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/get.h"
#include "reports/probes_fold.h"

#define LIGHT_ROWS 24

/* "0x7f12...": an address may be a text or a number. */
static void address_text(const cJSON *row, char *buf, size_t size)
{
	double v = get_number(row, "address");

	if (isfinite(v) && v >= 0)
		snprintf(buf, size, "0x%llx", (unsigned long long)v);
	else
		snprintf(buf, size, "%s", get_text(row, "address"));
}

static void name_futex(cJSON *row)
{
	const char *frame = view_top_frame(get(row, "waiters"));
	char address[64];

	address_text(row, address, sizeof(address));
	cJSON_DeleteItemFromObjectCaseSensitive(row, "shown_as");
	cJSON_AddStringToObject(row, "shown_as", *frame ? frame : address);
}

static bool alike(const cJSON *a, const cJSON *b, const char *const *keys)
{
	for (; *keys; keys++)
		if (!cJSON_Compare(get(a, *keys), get(b, *keys), 1))
			return false;
	return true;
}

static void number_rows(cJSON *rows, const char *const *keys)
{
	cJSON *row, *before;

	cJSON_ArrayForEach (row, rows) {
		double nth = 0;

		for (before = rows->child; before != row; before = before->next)
			if (alike(before, row, keys))
				nth = get_number(before, "nth") + 1;
		cJSON_DeleteItemFromObjectCaseSensitive(row, "nth");
		cJSON_AddNumberToObject(row, "nth", nth);
	}
}

/* Empty histograms have a smallest value of 0, which is none. */
static void drop_empty(cJSON *item)
{
	cJSON *next;

	for (cJSON *child = item ? item->child : NULL; child; child = next) {
		next = child->next;
		if (!cJSON_IsObject(child))
			continue;
		if (get(child, "buckets") && !(get_number(child, "count") > 0))
			cJSON_Delete(cJSON_DetachItemViaPointer(item, child));
		else
			drop_empty(child);
	}
}

static void cut_rows(cJSON *probe)
{
	cJSON *table;

	cJSON_DeleteItemFromObjectCaseSensitive(probe, "histograms");
	cJSON_DeleteItemFromObjectCaseSensitive(probe, "stacks");
	cJSON_ArrayForEach (table, probe) {
		int n = cJSON_IsArray(table) ? cJSON_GetArraySize(table) : 0;

		while (n > LIGHT_ROWS)
			cJSON_DeleteItemFromArray(table, --n);
	}
}

static void make_ready(cJSON *probe, bool whole)
{
	cJSON *futexes = cJSON_GetObjectItemCaseSensitive(probe, "futex"), *row;
	cJSON *sampling = cJSON_GetObjectItemCaseSensitive(probe, "sampling");

	if (get_number(sampling, "share") < 1)
		cJSON_AddNumberToObject(sampling, "partly_runs", 1);
	cJSON_ArrayForEach (row, futexes)
		name_futex(row);
	if (!whole)
		cut_rows(probe);
	number_rows(futexes, (const char *const[]){"shown_as", NULL});
	number_rows(cJSON_GetObjectItemCaseSensitive(probe, "rings"),
		    (const char *const[]){"role", "sq_entries", "cq_entries", NULL});
	drop_empty(cJSON_GetObjectItemCaseSensitive(probe, "histograms"));
}

static int compare_rows(const void *a, const void *b)
{
	const cJSON *x = *(cJSON *const *)a, *y = *(cJSON *const *)b;
	double p = get_number(x, "sum_ns"), q = get_number(y, "sum_ns");

	p = isfinite(p) ? p : -1;
	q = isfinite(q) ? q : -1;
	if (p == q) { /* not timed: by how often; a futex by its calls */
		p = fmax(fmax(get_number(x, "count"), get_number(x, "calls")), 0);
		q = fmax(fmax(get_number(y, "count"), get_number(y, "calls")), 0);
	}
	return (p < q) - (p > q);
}

/* Most time first again. */
static int sort_rows(cJSON *rows)
{
	size_t n = (size_t)cJSON_GetArraySize(rows), i = 0;
	_cleanup_free_ cJSON **list = calloc(n + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	while (rows->child)
		list[i++] = cJSON_DetachItemViaPointer(rows, rows->child);
	qsort(list, n, sizeof(*list), compare_rows);
	for (i = 0; i < n; i++)
		cJSON_AddItemToArray(rows, list[i]);
	return 0;
}

static int sort_tables(cJSON *probe)
{
	cJSON *table;
	int err = 0;

	cJSON_ArrayForEach (table, probe)
		if (!err && cJSON_IsArray(table) && table->child && get(table->child, "sum_ns"))
			err = sort_rows(table);
	return err;
}

static bool is_ok(const cJSON *probe)
{
	return !strcmp(get_text(probe, "status"), "ok");
}

/* Counts a repeat by its status, and keeps the first reason of one that was not ok. */
static void count_run(cJSON *probe, const char *status, const char *reason)
{
	cJSON *runs = cJSON_GetObjectItemCaseSensitive(probe, "runs");
	cJSON *count;

	if (!runs)
		runs = cJSON_AddObjectToObject(probe, "runs");
	count = cJSON_GetObjectItemCaseSensitive(runs, status);
	if (count)
		cJSON_SetNumberValue(count, count->valuedouble + 1);
	else
		cJSON_AddNumberToObject(runs, status, 1);
	if (*reason && !get(probe, "not_ok"))
		cJSON_AddStringToObject(probe, "not_ok", reason);
}

static void carry(cJSON *to, cJSON *from, const char *key)
{
	cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(from, key);

	if (item)
		cJSON_AddItemToObject(to, key, item);
}

/* `mine` is in `probes`, `probe` is free; takes `probe`. */
static int fold_probe(cJSON *probes, cJSON *mine, cJSON *probe)
{
	char status[16], reason[300];
	int err = 0;

	snprintf(status, sizeof(status), "%s", get_text(probe, "status"));
	snprintf(reason, sizeof(reason), "%s", get_text(probe, "reason"));
	if (is_ok(mine) && is_ok(probe)) {
		err = probes_fold_object(mine, probe);
		err = err ? err : sort_tables(mine);
	} else if (is_ok(probe)) {
		carry(probe, mine, "runs");
		carry(probe, mine, "not_ok");
		cJSON_ReplaceItemInObjectCaseSensitive(probes, mine->string, probe);
		count_run(probe, status, reason);
		return 0;
	}
	cJSON_Delete(probe);
	count_run(mine, status, reason);
	return err;
}

int probes_fold(struct probes_sum *sum, const cJSON *probes, bool whole)
{
	_cleanup_json_ cJSON *copy = cJSON_Duplicate(probes, 1);
	cJSON *probe, *mine;
	int err = 0;

	if (!sum->probes)
		sum->probes = cJSON_CreateObject();
	if (!copy || !sum->probes)
		return -ENOMEM;
	while (!err && (probe = copy->child)) {
		make_ready(probe, whole);
		mine = cJSON_GetObjectItemCaseSensitive(sum->probes, probe->string);
		cJSON_DetachItemViaPointer(copy, probe);
		if (mine) {
			err = fold_probe(sum->probes, mine, probe);
			continue;
		}
		count_run(probe, get_text(probe, "status"), get_text(probe, "reason"));
		if (!cJSON_AddItemToObject(sum->probes, probe->string, probe))
			err = -ENOMEM;
	}
	sum->runs++;
	return err;
}

/* Where watching cost too much, only the first part of the window was watched. */
static double watched_share(const cJSON *probes)
{
	const cJSON *probe;

	cJSON_ArrayForEach (probe, probes) {
		double share = get_number(get_object(probe, "sampling"), "share");

		if (share > 0)
			return share;
	}
	return 1;
}

/* Operations in the first `length_ns` of the window; NAN when the record does not tell. Whole
 * windows go by the rate: what is watched is slower than what is not, so a part of one cannot. */
static double ops_in(const cJSON *record, double length_ns)
{
	const cJSON *series = get_object(record, "series"), *item;
	double interval = get_number(series, "interval_ns"), from = 0, ops = 0;

	if (!(interval > 0))
		return NAN;
	cJSON_ArrayForEach (item, get(series, "ops")) {
		double part = (length_ns - from) / interval;

		if (part <= 0)
			break;
		ops += item->valuedouble * (part < 1 ? part : 1);
		from += interval;
	}
	return ops;
}

double probes_watched(const cJSON *record, double *ret_rate)
{
	const cJSON *window = get(record, "window");
	double share = watched_share(get_object(record, "probes"));
	double length = share * (get_number(window, "end_ns") - get_number(window, "begin_ns"));

	*ret_rate = share < 1 && length > 0 ? ops_in(record, length) * 1e9 / length : NAN;
	return share;
}

int probes_fold_record(struct probes_sum *sum, const cJSON *record, bool whole)
{
	const cJSON *window = get(record, "window"), *probes = get_object(record, "probes");
	double length = get_number(window, "end_ns") - get_number(window, "begin_ns");
	double rate = get_number(get(get(record, "metrics"), "throughput"), "value");
	double share = watched_share(probes), ops;

	if (!probes || !probes->child || !(length > 0))
		return 0;
	length *= share;
	sum->window_ns += length;
	ops = share < 1 ? ops_in(record, length) : rate * length / 1e9;
	if (ops > 0)
		sum->ops += ops;
	return probes_fold(sum, probes, whole);
}

struct probes_view probes_sum_view(const struct probes_sum *sum)
{
	return (struct probes_view){
		.probes = sum->probes, .ops = sum->ops, .window_ns = sum->window_ns};
}

void probes_sum_free(struct probes_sum *sum)
{
	cJSON_Delete(sum->probes);
	*sum = (struct probes_sum){.whole = sum->whole};
}

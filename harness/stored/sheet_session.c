// SPDX-License-Identifier: MIT
/*
 * From a results folder to a sheet, in one pass over its records. Kept are the runs that were ok
 * and not watched by probes: every metric's value in each, their order and seeds, and the
 * histograms of all together. Values are cut to 7 digits, which is more than a run can repeat, and
 * less text.
 */
#include "harness/stored/sheet.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/host/machine.h"
#include "harness/metric.h"
#include "harness/session/counts.h"
#include "harness/session/store.h"
#include "harness/session/yardlog.h"
#include "harness/stored/sheet_hist.h"
#include "harness/util/cleanup.h"

#define LINE(x) cJSON_GetObjectItemCaseSensitive(line, x)

static double rounded(double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.7g", value);
	return strtod(text, NULL);
}

static cJSON *rounded_json(const cJSON *number)
{
	return cJSON_IsNumber(number) ? cJSON_CreateNumber(rounded(number->valuedouble))
				      : cJSON_CreateNull();
}

static void copy(cJSON *to, const char *key, const cJSON *from)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, key);

	cJSON_AddItemToObject(to, key, item ? cJSON_Duplicate(item, 1) : cJSON_CreateNull());
}

/* The windows, and how many of them there are. */
cJSON *sheet_recipe(double warmup_ns, double duration_ns, double repeats)
{
	cJSON *recipe = cJSON_CreateObject();

	cJSON_AddNumberToObject(recipe, "warmup_ns", warmup_ns);
	cJSON_AddNumberToObject(recipe, "duration_ns", duration_ns);
	cJSON_AddNumberToObject(recipe, "repeats", repeats);
	return recipe;
}

static double number_at(const cJSON *o, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static cJSON *recipe_of(const cJSON *manifest)
{
	return sheet_recipe(number_at(manifest, "warmup_ns"), number_at(manifest, "duration_ns"),
			    number_at(manifest, "repeats"));
}

static cJSON *session_line(const cJSON *manifest, cJSON *yardsticks, int cells)
{
	static const char *const keys[] = {"session", "started", "uhbench", "matrix_hash",
					   "seed",    "order",	 "host"};
	const cJSON *host = cJSON_GetObjectItemCaseSensitive(manifest, "host");
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "schema", SHEET_SCHEMA);
	for (size_t i = 0; i < array_size(keys); i++)
		copy(o, keys[i], manifest);
	copy(o, "name", cJSON_GetObjectItemCaseSensitive(manifest, "matrix"));
	cJSON_AddItemToObject(o, "recipe", recipe_of(manifest));
	cJSON_AddItemToObject(o, "machine", machine_key(host));
	cJSON_AddItemToObject(o, "yardsticks", yardsticks);
	cJSON_AddNumberToObject(o, "cells", cells);
	return o;
}

/* The member of `o` that is `name`, made when it is not there yet. */
static cJSON *member(cJSON *o, const char *name)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);

	return item ? item : cJSON_AddObjectToObject(o, name);
}

static cJSON *list_member(cJSON *o, const char *name)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);

	return item ? item : cJSON_AddArrayToObject(o, name);
}

static cJSON *cell_line(const cJSON *described)
{
	cJSON *line = cJSON_CreateObject(), *cell = cJSON_Duplicate(described, 1);
	cJSON *label = cJSON_DetachItemFromObjectCaseSensitive(cell, "label");
	cJSON *gate = cJSON_DetachItemFromObjectCaseSensitive(cell, "gate");

	/* Sessions of versions that told no label. */
	if (!label)
		label = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(cell, "id"), 1);
	cJSON_AddNumberToObject(line, "schema", SHEET_SCHEMA);
	cJSON_AddItemToObject(line, "label", label);
	cJSON_AddItemToObject(line, "cell", cell);
	if (gate)
		cJSON_AddItemToObject(line, "gate", gate);
	cJSON_AddArrayToObject(line, "order");
	cJSON_AddArrayToObject(line, "seeds");
	cJSON_AddArrayToObject(line, "operations");
	cJSON_AddObjectToObject(line, "metrics");
	cJSON_AddObjectToObject(line, "counts");
	cJSON_AddObjectToObject(line, "histograms");
	return line;
}

/* Metrics that a run did not tell are null there, so that all have as many values as runs. */
static void pad_values(cJSON *metrics, int runs)
{
	cJSON *metric;

	cJSON_ArrayForEach (metric, metrics) {
		cJSON *values = list_member(metric, "values");

		while (cJSON_GetArraySize(values) < runs)
			cJSON_AddItemToArray(values, cJSON_CreateNull());
	}
}

static void add_metric(cJSON *line, const cJSON *metric, int run)
{
	cJSON *to = member(LINE("metrics"), metric->string), *values;
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(metric, "value");

	if (!cJSON_HasObjectItem(to, "unit")) {
		copy(to, "unit", metric);
		copy(to, "better", metric);
	}
	values = list_member(to, "values");
	while (cJSON_GetArraySize(values) < run)
		cJSON_AddItemToArray(values, cJSON_CreateNull());
	cJSON_AddItemToArray(values, rounded_json(value));
}

/* A count has as many values as there are runs that know it: those with its probe, for most. */
static void add_counts(cJSON *line, const cJSON *rec, bool probed)
{
	const cJSON *probes = cJSON_GetObjectItemCaseSensitive(rec, "probes");

	for (const struct metric *m = count_metrics; m->name; m++) {
		double value = counts_of(rec, probes, m->name);
		cJSON *to;

		if (!isfinite(value) || probed != (counts_probe(m->name) != NULL))
			continue;
		to = list_member(member(LINE("counts"), m->name), "values");
		cJSON_AddItemToArray(to, cJSON_CreateNumber(rounded(value)));
	}
}

static void add_run(cJSON *line, const cJSON *rec)
{
	static const char *const hists[] = {"service", "intended"};
	const cJSON *all = cJSON_GetObjectItemCaseSensitive(rec, "histograms"), *metric;
	int run = cJSON_GetArraySize(LINE("order"));

	cJSON_AddItemToArray(LINE("order"),
			     cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(rec, "order"), 1));
	cJSON_AddItemToArray(LINE("seeds"),
			     cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(rec, "seed"), 1));
	cJSON_AddItemToArray(LINE("operations"), cJSON_CreateNumber(counts_operations(rec)));
	cJSON_ArrayForEach (metric, cJSON_GetObjectItemCaseSensitive(rec, "metrics"))
		add_metric(line, metric, run);
	for (size_t i = 0; i < array_size(hists); i++) {
		const cJSON *hist = cJSON_GetObjectItemCaseSensitive(all, hists[i]);

		if (hist)
			sheet_hist_merge(member(LINE("histograms"), hists[i]), hist);
	}
	pad_values(LINE("metrics"), run + 1);
}

/* Keeps the first reason why a run has no figures: `failed`, or `absent` where it cannot run. */
static void add_reason(cJSON *line, const char *status, const cJSON *rec)
{
	const char *why = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(rec, "reason"));
	bool failed = !strcmp(status, "failed") || !strcmp(status, "stalled");
	cJSON *to = member(line, failed ? "failed" : "absent");

	if (to->child)
		return;
	cJSON_AddStringToObject(to, "status", status);
	cJSON_AddStringToObject(to, "reason", why ? why : "no reason");
}

struct reading {
	struct sheet *sheet;
	unsigned records;
};

static int take_record(void *arg, cJSON *rec)
{
	struct reading *r = arg;
	const cJSON *cell = cJSON_GetObjectItemCaseSensitive(rec, "cell");
	const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(cell, "id"));
	const char *status = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(rec, "status"));
	bool probed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(rec, "probed"));
	cJSON *line = id ? (cJSON *)sheet_cell(r->sheet, id) : NULL;

	if (!line)
		return -EBADMSG;
	r->records++;
	if (strcmp(status, "ok")) {
		add_reason(line, status, rec);
		return 0;
	}
	if (!probed)
		add_run(line, rec);
	add_counts(line, rec, probed);
	return 0;
}

static int add_cells(const cJSON *manifest, struct sheet *s)
{
	const cJSON *cells = cJSON_GetObjectItemCaseSensitive(manifest, "cells"), *cell;

	s->cells = cJSON_CreateArray();
	cJSON_ArrayForEach (cell, cells)
		cJSON_AddItemToArray(s->cells, cell_line(cell));
	return cJSON_GetArraySize(s->cells);
}

/* Cells that `--only` left out have no runs, and no place in a sheet. */
static void drop_unplanned(struct sheet *s)
{
	cJSON *line = s->cells->child;

	while (line) {
		cJSON *next = line->next;

		if (!cJSON_GetArraySize(LINE("order")) && !LINE("failed") && !LINE("absent"))
			cJSON_Delete(cJSON_DetachItemViaPointer(s->cells, line));
		line = next;
	}
}

static int read_records(const char *dir, const cJSON *manifest, struct sheet *s, struct err *err)
{
	const cJSON *runs = cJSON_GetObjectItemCaseSensitive(manifest, "runs");
	struct reading reading = {.sheet = s};
	int r;

	add_cells(manifest, s);
	err->text[0] = '\0';
	r = store_each(dir, take_record, &reading, NULL, err);
	if (r && !err->text[0])
		return err_set(err, r, "%s: the record of a cell that the manifest does not have",
			       dir);
	if (r)
		return r;
	drop_unplanned(s);
	cJSON_DeleteItemFromObjectCaseSensitive(s->session, "cells");
	cJSON_AddNumberToObject(s->session, "cells", cJSON_GetArraySize(s->cells));
	cJSON_AddNumberToObject(s->session, "missing_runs",
				cJSON_IsNumber(runs) ? runs->valuedouble - reading.records : 0);
	return 0;
}

int sheet_of_session(const char *dir, struct sheet *ret, struct err *err)
{
	_cleanup_json_ cJSON *manifest = NULL;
	struct sheet s = {NULL, NULL};
	cJSON *yardsticks;
	int r = store_manifest(dir, &manifest, err);

	if (!r)
		r = yardlog_read(dir, &yardsticks, err);
	if (r)
		return r;
	s.session = session_line(manifest, yardsticks, 0);
	r = read_records(dir, manifest, &s, err);
	if (r)
		sheet_free(&s);
	else
		*ret = s;
	return r;
}

// SPDX-License-Identifier: MIT
/*
 * From the folder of a session to the few figures of it that the history keeps. As in reports, a
 * metric that some repeat could not tell has no median: those are the slow ones, and leaving them
 * out would flatter.
 */
#include "harness/history/gather.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/host/machine.h"
#include "harness/session/store.h"
#include "harness/session/yardlog.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"

static bool has_file(const char *dir, const char *name)
{
	char path[PATH_MAX];

	return (size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) < sizeof(path) &&
	       !access(path, F_OK);
}

bool gather_is_one(const char *dir)
{
	return (has_file(dir, "manifest.json") && has_file(dir, "runs.jsonl")) ||
	       (has_file(dir, "gate.json") && has_file(dir, "verdicts.json"));
}

const char *gather_text(const cJSON *object, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

	return text ? text : "";
}

static const cJSON *at(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

void gather_machine(cJSON *into, const cJSON *host)
{
	_cleanup_json_ cJSON *key = machine_key(host);
	const cJSON *virtual = at(key, "virtualisation"), *cpus = at(key, "cpus");
	const char *hypervisor = gather_text(virtual, "hypervisor");
	const char *container = gather_text(virtual, "container");
	char says[512], id[MACHINE_ID_LEN + 1];

	snprintf(says, sizeof(says), "%s, %.0f CPUs, kernel %s, %s%s%s%s%s",
		 gather_text(key, "cpu"), cJSON_IsNumber(cpus) ? cpus->valuedouble : 0,
		 gather_text(key, "kernel"), gather_text(key, "filesystem"),
		 *hypervisor ? ", " : "", hypervisor, *container ? ", " : "", container);
	machine_id(key, id);
	cJSON_AddStringToObject(into, "machine", id);
	cJSON_AddStringToObject(into, "machine_says", says);
}

void gather_windows(cJSON *into, const cJSON *from)
{
	static const char *const keys[] = {"warmup_ns", "duration_ns"};

	for (size_t i = 0; i < array_size(keys); i++) {
		const cJSON *ns = at(from, keys[i]);

		cJSON_AddNumberToObject(into, keys[i], cJSON_IsNumber(ns) ? ns->valuedouble : 0);
	}
}

void gather_cell(cJSON *cells, const cJSON *cell, const char *label)
{
	const cJSON *rate = at(at(cell, "axes"), "rate");
	cJSON *o = cJSON_CreateObject();
	char plain[256];

	snprintf(plain, sizeof(plain), "%s/%s %s", gather_text(cell, "workload"),
		 gather_text(cell, "target"), gather_text(cell, "id"));
	cJSON_AddStringToObject(o, "id", gather_text(cell, "id"));
	cJSON_AddStringToObject(o, "label", label && *label ? label : plain);
	cJSON_AddStringToObject(o, "workload", gather_text(cell, "workload"));
	cJSON_AddStringToObject(o, "target", gather_text(cell, "target"));
	cJSON_AddNumberToObject(o, "rate", cJSON_IsNumber(rate) ? rate->valuedouble : 0);
	cJSON_AddItemToArray(cells, o);
}

static cJSON *object_in(cJSON *object, const char *key)
{
	cJSON *there = cJSON_GetObjectItemCaseSensitive(object, key);

	return there ? there : cJSON_AddObjectToObject(object, key);
}

/* One metric of one run: into {unit, better, values: [...]}; a null stands among the values. */
static void note_metric(cJSON *cell, const cJSON *metric)
{
	const cJSON *value = at(metric, "value");
	cJSON *of = object_in(cell, metric->string), *values;

	values = cJSON_GetObjectItemCaseSensitive(of, "values");
	if (!values) {
		cJSON_AddStringToObject(of, "unit", gather_text(metric, "unit"));
		cJSON_AddStringToObject(of, "better", gather_text(metric, "better"));
		values = cJSON_AddArrayToObject(of, "values");
	}
	cJSON_AddItemToArray(values, cJSON_IsNumber(value) ? cJSON_CreateNumber(value->valuedouble)
							   : cJSON_CreateNull());
}

/* Of all runs so far. */
struct sums {
	cJSON *cells; /* {cell id: {metric: {...}}} */
	size_t runs;
};

static int note_record(void *arg, cJSON *record)
{
	const cJSON *metric, *cell = at(record, "cell");
	struct sums *sums = arg;

	sums->runs++;
	if (strcmp(gather_text(record, "status"), "ok") || cJSON_IsTrue(at(record, "probed")))
		return 0;
	cJSON_ArrayForEach (metric, at(record, "metrics"))
		note_metric(object_in(sums->cells, gather_text(cell, "id")), metric);
	return 0;
}

/* Ascending; 0 where one is null. */
static size_t sorted_values(const cJSON *values, double *sorted)
{
	const cJSON *value;
	size_t n = 0;

	cJSON_ArrayForEach (value, values) {
		if (!cJSON_IsNumber(value))
			return 0;
		sorted[n++] = value->valuedouble;
	}
	order_sort(sorted, n);
	return n;
}

static int add_value(cJSON *values, const char *cell, const cJSON *metric)
{
	const cJSON *given = at(metric, "values");
	size_t n = (size_t)cJSON_GetArraySize(given);
	_cleanup_free_ double *sorted = calloc(n + 1, sizeof(*sorted));
	cJSON *o;

	if (!sorted)
		return -ENOMEM;
	n = sorted_values(given, sorted);
	if (!n)
		return 0;
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "cell", cell);
	cJSON_AddStringToObject(o, "metric", metric->string);
	cJSON_AddStringToObject(o, "unit", gather_text(metric, "unit"));
	cJSON_AddStringToObject(o, "better", gather_text(metric, "better"));
	cJSON_AddNumberToObject(o, "runs", (double)n);
	cJSON_AddNumberToObject(o, "median", order_median(sorted, n));
	cJSON_AddNumberToObject(o, "least", sorted[0]);
	cJSON_AddNumberToObject(o, "most", sorted[n - 1]);
	return cJSON_AddItemToArray(values, o) ? 0 : -ENOMEM;
}

static int add_values(cJSON *into, const cJSON *manifest, const cJSON *sums)
{
	cJSON *cells = cJSON_AddArrayToObject(into, "cells");
	cJSON *values = cJSON_AddArrayToObject(into, "values");
	const cJSON *cell, *metric;
	int r = 0;

	cJSON_ArrayForEach (cell, at(manifest, "cells")) {
		const char *id = gather_text(cell, "id");
		const cJSON *sum = at(sums, id);

		if (!sum)
			continue;
		gather_cell(cells, cell, gather_text(cell, "label"));
		cJSON_ArrayForEach (metric, sum) {
			r = add_value(values, id, metric);
			if (r)
				return r;
		}
	}
	return 0;
}

static void add_remark(cJSON *into, const cJSON *manifest, size_t runs)
{
	const cJSON *planned = at(manifest, "runs");
	bool concurrent = cJSON_IsTrue(at(manifest, "concurrent"));
	bool unfinished = cJSON_IsNumber(planned) && (double)runs < planned->valuedouble;
	char text[40];

	snprintf(text, sizeof(text), "%s%s%s", concurrent ? "concurrent" : "",
		 concurrent && unfinished ? ", " : "", unfinished ? "unfinished" : "");
	cJSON_AddStringToObject(into, "remark", text);
}

static void sums_free(struct sums *sums)
{
	cJSON_Delete(sums->cells);
}

int gather_session(const char *dir, cJSON *into, struct err *err)
{
	_cleanup_(sums_free) struct sums sums = {.cells = cJSON_CreateObject()};
	_cleanup_json_ cJSON *manifest = NULL, *yardsticks = NULL;
	const cJSON *host;
	int r = store_manifest(dir, &manifest, err);

	if (!r)
		r = store_each(dir, note_record, &sums, NULL, err);
	if (!r)
		r = yardlog_read(dir, &yardsticks, err);
	if (r)
		return r;
	if (!*gather_text(manifest, "session") || !*gather_text(manifest, "started"))
		return err_set(err, -EBADMSG, "%s/manifest.json: no session, or no time of it",
			       dir);
	host = at(manifest, "host");
	cJSON_AddStringToObject(into, "id", gather_text(manifest, "session"));
	cJSON_AddStringToObject(into, "kind", "run");
	cJSON_AddStringToObject(into, "started", gather_text(manifest, "started"));
	cJSON_AddStringToObject(into, "uhbench", gather_text(manifest, "uhbench"));
	cJSON_AddStringToObject(into, "revision", gather_text(at(host, "build"), "revision"));
	cJSON_AddStringToObject(into, "reference", "");
	gather_machine(into, host);
	gather_windows(into, manifest);
	add_remark(into, manifest, sums.runs);
	cJSON_AddItemToObject(into, "yardsticks", take_ptr(yardsticks));
	r = add_values(into, manifest, sums.cells);
	return r ? err_sys(err, r, "%s", dir) : 0;
}

int gather(const char *dir, const char *folder, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *into = cJSON_CreateObject();
	int r;

	if (!into || !cJSON_AddStringToObject(into, "folder", folder))
		return err_sys(err, -ENOMEM, "%s", dir);
	if (!gather_is_one(dir))
		return err_set(err, -ENOENT, "%s is neither a session nor a gate", dir);
	r = has_file(dir, "gate.json") ? gather_gate(dir, into, err)
				       : gather_session(dir, into, err);
	if (!r)
		*ret = take_ptr(into);
	return r;
}

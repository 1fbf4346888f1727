// SPDX-License-Identifier: MIT
/*
 * A tail is made by few operations: it is judged by an effect of its own, and only where a run has
 * so many operations that a hundred of them lie beyond it.
 */
#include "harness/paired/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cell.h"
#include "harness/matrix/matrix_gate.h"
#include "harness/probe.h"
#include "harness/session/counts.h"
#include "harness/util/cleanup.h"
#include "harness/workload.h"

#define TAIL_EFFECT 0.15
#define COUNT_FLOOR 0.01 /* an event for a hundred operations */
#define BYTES_FLOOR 16
#define P99_MIN	    1e4
#define P999_MIN    1e5

static const cJSON *at(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), tail = strlen(end);

	return len > tail && !strcmp(text + len - tail, end);
}

static double operations_min(const char *name)
{
	return ends_with(name, "_p999") ? P999_MIN : ends_with(name, "_p99") ? P99_MIN : 0;
}

static cJSON *describe(const struct paired_options *opt, const struct metric *m, bool count,
		       bool gated)
{
	double least = count ? 0 : operations_min(m->name);
	double effect = least > 0 ? fmax(TAIL_EFFECT, opt->effect) : opt->effect;
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "metric", m->name);
	cJSON_AddStringToObject(o, "unit", m->unit);
	cJSON_AddStringToObject(o, "better", better_names[m->better]);
	cJSON_AddStringToObject(o, "channel", count ? "count" : "time");
	cJSON_AddNumberToObject(o, "effect", effect);
	cJSON_AddNumberToObject(o, "matters",
				least > 0 ? fmax(effect / 2, opt->matters) : opt->matters);
	if (count)
		cJSON_AddNumberToObject(o, "floor",
					strcmp(m->unit, "bytes") ? COUNT_FLOOR : BYTES_FLOOR);
	else
		cJSON_AddNullToObject(o, "floor");
	cJSON_AddNumberToObject(o, "operations_min", least);
	cJSON_AddBoolToObject(o, "gated", gated);
	return o;
}

static bool is_listed(const cJSON *list, const char *name)
{
	const cJSON *o;

	cJSON_ArrayForEach (o, list)
		if (!strcmp(at(o, "metric")->valuestring, name))
			return true;
	return false;
}

static bool has_probe(const struct prober_ops *ops, unsigned set, const char *name)
{
	for (size_t i = 0; ops && name && ops->probes[i].name; i++)
		if (!strcmp(ops->probes[i].name, name))
			return set & 1u << i;
	return !name;
}

static int add_gated(const struct paired_options *opt, const struct cell *cell, const char *name,
		     cJSON *list, struct err *err)
{
	_cleanup_free_ char *label = NULL;
	bool count;
	const struct metric *m = gate_metric(cell->workload, name, &count);

	if (is_listed(list, name))
		return 0;
	if (count && !has_probe(opt->prober, cell->probes, counts_probe(name))) {
		label = cell_label(cell);
		return err_set(err, -EINVAL,
			       "%s: \"gate\" has \"%s\", which the probe %s counts: it belongs in "
			       "the cell's \"probes\"",
			       label ? label : cell->id, name, counts_probe(name));
	}
	cJSON_AddItemToArray(list, describe(opt, m, count, true));
	return 0;
}

static void add_advisory(const struct paired_options *opt, const struct cell *cell, cJSON *list)
{
	static const char *const names[] = {"latency_p50", "latency_p99"};
	const struct metric *m;
	bool count;

	for (size_t i = 0; i < array_size(names); i++)
		if (!is_listed(list, names[i]))
			cJSON_AddItemToArray(
				list, describe(opt, gate_metric(cell->workload, names[i], &count),
					       false, false));
	for (m = count_metrics; m->name; m++)
		if (!is_listed(list, m->name) &&
		    has_probe(opt->prober, cell->probes, counts_probe(m->name)))
			cJSON_AddItemToArray(list, describe(opt, m, true, false));
}

int metrics_describe(const struct paired_options *opt, const struct cell *cell, cJSON **ret,
		     struct err *err)
{
	_cleanup_json_ cJSON *list = cJSON_CreateArray();
	const cJSON *name;
	int r = add_gated(opt, cell, "throughput", list, err);

	cJSON_ArrayForEach (name, cell->gate)
		if (!r)
			r = add_gated(opt, cell, name->valuestring, list, err);
	if (r)
		return r;
	add_advisory(opt, cell, list);
	*ret = take_ptr(list);
	return 0;
}

static void add_value(cJSON *o, const char *key, double value)
{
	if (isfinite(value))
		cJSON_AddNumberToObject(o, key, value);
	else
		cJSON_AddNullToObject(o, key);
}

static double metric_value(const cJSON *response, const char *name)
{
	const cJSON *value = at(at(at(response, "metrics"), name), "value");

	return cJSON_IsNumber(value) ? value->valuedouble : NAN;
}

static bool is_count(const cJSON *metric)
{
	return !strcmp(at(metric, "channel")->valuestring, "count");
}

cJSON *metrics_of_run(const cJSON *metrics, const cJSON *response, const char *start)
{
	cJSON *o = cJSON_CreateObject(), *values, *counts;
	const cJSON *metric, *host = at(response, "host");

	cJSON_AddStringToObject(o, "start", start);
	cJSON_AddNumberToObject(o, "operations", counts_operations(response));
	values = cJSON_AddObjectToObject(o, "metrics");
	counts = cJSON_AddObjectToObject(o, "counts");
	cJSON_ArrayForEach (metric, metrics) {
		const char *name = at(metric, "metric")->valuestring;

		if (!is_count(metric))
			add_value(values, name, metric_value(response, name));
		else if (!counts_probe(name))
			add_value(counts, name, counts_of(response, NULL, name));
	}
	cJSON_AddItemToObject(o, "host", host ? cJSON_Duplicate(host, 1) : cJSON_CreateNull());
	return o;
}

void metrics_add_watched(const cJSON *metrics, const cJSON *response, const cJSON *probes,
			 cJSON *side)
{
	cJSON *counts = cJSON_GetObjectItemCaseSensitive(side, "counts");
	const cJSON *metric;

	cJSON_ArrayForEach (metric, metrics) {
		const char *name = at(metric, "metric")->valuestring;

		if (is_count(metric) && counts_probe(name))
			add_value(counts, name, counts_of(response, probes, name));
	}
}

// SPDX-License-Identifier: MIT
/*
 * Which metrics there are follows from the matrix alone, before anything runs, so that both sides
 * are judged by the same ones. By what each is judged is effect.h's to say.
 */
#include "harness/paired/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cell.h"
#include "harness/effect.h"
#include "harness/matrix/matrix_gate.h"
#include "harness/probe.h"
#include "harness/session/counts.h"
#include "harness/util/cleanup.h"
#include "harness/workload.h"

static const cJSON *at(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static cJSON *describe(const struct paired_options *opt, const struct metric *m, bool count,
		       bool gated)
{
	struct effect_limits limits = effect_limits(m, count, opt->effect, opt->matters);
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "metric", m->name);
	cJSON_AddStringToObject(o, "unit", m->unit);
	cJSON_AddStringToObject(o, "better", better_names[m->better]);
	cJSON_AddStringToObject(o, "channel", count ? "count" : "time");
	cJSON_AddNumberToObject(o, "effect", limits.target);
	cJSON_AddNumberToObject(o, "matters", limits.matters);
	if (count)
		cJSON_AddNumberToObject(o, "floor", limits.floor);
	else
		cJSON_AddNullToObject(o, "floor");
	cJSON_AddNumberToObject(o, "operations_min", limits.operations);
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

static int add_gated(const struct paired_options *opt, const struct cell *cell, const cJSON *item,
		     cJSON *list, struct err *err)
{
	_cleanup_free_ char *label = NULL;
	const char *name = gate_name(item);
	struct metric m;
	bool count;

	if (!gate_find(cell->workload, cell->target, item, &m, &count))
		return err_set(err, -EINVAL, "%s: \"gate\" has \"%s\", which it has not", cell->id,
			       name);
	if (count && !has_probe(opt->prober, cell->probes, counts_probe(name))) {
		label = cell_label(cell);
		return err_set(err, -EINVAL,
			       "%s: \"gate\" has \"%s\", which the probe %s counts: it belongs in "
			       "the cell's \"probes\"",
			       label ? label : cell->id, name, counts_probe(name));
	}
	cJSON_AddItemToArray(list, describe(opt, &m, count, true));
	return 0;
}

static void add_advisory(const struct paired_options *opt, const struct cell *cell, cJSON *list)
{
	static const char *const names[] = {"throughput", "latency_p50", "latency_p99",
					    "intended_p99"};
	size_t n = array_size(names) - !cell->axes.rate;
	const struct metric *m;
	bool count;

	for (size_t i = 0; i < n; i++)
		if (!is_listed(list, names[i]))
			cJSON_AddItemToArray(
				list,
				describe(opt, gate_metric(cell->workload, NULL, names[i], &count),
					 false, false));
	for (m = cell->target->metrics; m && m->name; m++)
		if (gate_can_judge(m) && !is_listed(list, m->name))
			cJSON_AddItemToArray(list, describe(opt, m, false, false));
	for (m = count_metrics; m->name; m++)
		if (!is_listed(list, m->name) &&
		    has_probe(opt->prober, cell->probes, counts_probe(m->name)))
			cJSON_AddItemToArray(list, describe(opt, m, true, false));
}

int metrics_describe(const struct paired_options *opt, const struct cell *cell, cJSON **ret,
		     struct err *err)
{
	_cleanup_json_ cJSON *list = cJSON_CreateArray();
	_cleanup_json_ cJSON *gated = gate_all(cell->target, cell->axes.rate, cell->gate);
	const cJSON *item;
	int r = gated ? 0 : err_sys(err, -ENOMEM, "%s", cell->id);

	cJSON_ArrayForEach (item, gated)
		if (!r)
			r = add_gated(opt, cell, item, list, err);
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

static bool text_is(const cJSON *o, const char *key, const char *text)
{
	const char *value = cJSON_GetStringValue(at(o, key));

	return value && !strcmp(value, text);
}

static const char *text_or(const cJSON *o, const char *key, const char *other)
{
	const char *text = cJSON_GetStringValue(at(o, key));

	return text ? text : other;
}

/* A program may tell something else by the name than the matrix says it does. */
static bool is_meant(const cJSON *metric, const cJSON *told)
{
	return text_is(told, "unit", text_or(metric, "unit", "")) &&
	       text_is(told, "better", text_or(metric, "better", ""));
}

static void explain(cJSON *reasons, const cJSON *metric, const cJSON *told)
{
	char text[ERR_MAX];

	if (!told)
		snprintf(text, sizeof(text), "the run told none");
	else if (!is_meant(metric, told))
		snprintf(text, sizeof(text),
			 "the run told it in \"%s\", better %s, and the matrix has \"%s\", %s",
			 text_or(told, "unit", ""), text_or(told, "better", ""),
			 text_or(metric, "unit", ""), text_or(metric, "better", ""));
	else
		snprintf(text, sizeof(text), "%s", text_or(told, "reason", "no reason"));
	cJSON_AddStringToObject(reasons, at(metric, "metric")->valuestring, text);
}

static void add_metric(const cJSON *metric, const cJSON *response, cJSON *values, cJSON *reasons)
{
	const char *name = at(metric, "metric")->valuestring;
	const cJSON *told = at(at(response, "metrics"), name), *value = at(told, "value");

	if (told && is_meant(metric, told) && cJSON_IsNumber(value)) {
		add_value(values, name, value->valuedouble);
		return;
	}
	cJSON_AddNullToObject(values, name);
	explain(reasons, metric, told);
}

static bool is_count(const cJSON *metric)
{
	return !strcmp(at(metric, "channel")->valuestring, "count");
}

cJSON *metrics_of_run(const cJSON *metrics, const cJSON *response, const char *start)
{
	cJSON *o = cJSON_CreateObject(), *values, *counts, *reasons;
	const cJSON *metric, *host = at(response, "host");

	cJSON_AddStringToObject(o, "start", start);
	cJSON_AddNumberToObject(o, "operations", counts_operations(response));
	values = cJSON_AddObjectToObject(o, "metrics");
	counts = cJSON_AddObjectToObject(o, "counts");
	reasons = cJSON_AddObjectToObject(o, "reasons");
	cJSON_ArrayForEach (metric, metrics) {
		const char *name = at(metric, "metric")->valuestring;

		if (!is_count(metric))
			add_metric(metric, response, values, reasons);
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

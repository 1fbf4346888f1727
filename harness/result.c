// SPDX-License-Identifier: MIT
/* Collects what a run found into JSON; refuses figures that nobody declared or that are not finite.
 */
#include "harness/result.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/hist.h"
#include "harness/target.h"
#include "harness/util/cleanup.h"
#include "harness/workload.h"

static const struct metric *find_in(const struct metric *rows, const char *name)
{
	for (; rows && rows->name; rows++)
		if (!strcmp(rows->name, name))
			return rows;
	return NULL;
}

static const struct metric *metric_of(const struct result *r, const char *name)
{
	const struct metric *m = find_in(r->run->cell->target->metrics, name);

	if (!m)
		m = find_in(r->run->cell->workload->metrics, name);
	return m ? m : find_in(common_metrics, name);
}

static cJSON *add_metric(struct result *r, const struct metric *m, cJSON *value)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddItemToObject(o, "value", value);
	cJSON_AddStringToObject(o, "unit", m->unit);
	cJSON_AddStringToObject(o, "better", better_names[m->better]);
	cJSON_DeleteItemFromObjectCaseSensitive(r->metrics, m->name);
	cJSON_AddItemToObject(r->metrics, m->name, o);
	return o;
}

static cJSON *metric_object(struct result *r, const char *name, cJSON *value)
{
	const struct metric *m = metric_of(r, name);

	assert(m && "a metric must be declared by the workload, the target or common_metrics");
	return add_metric(r, m, value);
}

void result_init(struct result *r, const struct run *run)
{
	*r = (struct result){
		.run = run,
		.metrics = cJSON_CreateObject(),
		.histograms = cJSON_CreateObject(),
		.verify = cJSON_CreateObject(),
		.notes = cJSON_CreateArray(),
	};
}

void result_free(struct result *r)
{
	cJSON_Delete(r->metrics);
	cJSON_Delete(r->histograms);
	cJSON_Delete(r->series);
	cJSON_Delete(r->usage);
	cJSON_Delete(r->processes);
	cJSON_Delete(r->verify);
	cJSON_Delete(r->detail);
	cJSON_Delete(r->notes);
	cJSON_Delete(r->extra);
	*r = (struct result){.run = NULL};
}

void result_metric(struct result *r, const char *name, double value)
{
	if (!isfinite(value)) {
		result_metric_none(r, name, "the figure is not finite: nothing to divide by");
		return;
	}
	metric_object(r, name, cJSON_CreateNumber(value));
}

void result_metric_told(struct result *r, const struct metric *metric, double value)
{
	assert(!metric_of(r, metric->name) && isfinite(value));
	add_metric(r, metric, cJSON_CreateNumber(value));
}

void result_metric_none(struct result *r, const char *name, const char *reason)
{
	cJSON_AddStringToObject(metric_object(r, name, cJSON_CreateNull()), "reason", reason);
}

void result_quantile(struct result *r, const char *name, const struct hist *h, double q)
{
	double need = 10 / (1 - q);
	char reason[96];

	if ((double)h->count >= need * (1 - 1e-9)) {
		result_metric(r, name, (double)hist_quantile(h, q));
		return;
	}
	snprintf(reason, sizeof(reason), "%llu values, the quantile %g needs %.0f",
		 (unsigned long long)h->count, q, need);
	result_metric_none(r, name, reason);
}

cJSON *hist_json(const struct hist *h)
{
	cJSON *o = cJSON_CreateObject(), *buckets;

	cJSON_AddStringToObject(o, "unit", "ns");
	cJSON_AddNumberToObject(o, "count", (double)h->count);
	cJSON_AddNumberToObject(o, "sum", (double)h->sum);
	if (h->count) {
		cJSON_AddNumberToObject(o, "min", (double)h->min);
		cJSON_AddNumberToObject(o, "max", (double)h->max);
	} else {
		cJSON_AddNullToObject(o, "min");
		cJSON_AddNullToObject(o, "max");
	}
	buckets = cJSON_AddArrayToObject(o, "buckets");
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		if (!h->buckets[i])
			continue;
		cJSON_AddItemToArray(
			buckets, cJSON_CreateDoubleArray((double[]){i, (double)h->buckets[i]}, 2));
	}
	return o;
}

void result_hist(struct result *r, const char *name, const struct hist *h)
{
	cJSON_AddItemToObject(r->histograms, name, hist_json(h));
}

void result_verify(struct result *r, const char *name, uint64_t value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(r->verify, name);
	cJSON_AddNumberToObject(r->verify, name, (double)value);
}

void result_verify_text(struct result *r, const char *name, const char *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(r->verify, name);
	cJSON_AddStringToObject(r->verify, name, value);
}

void result_detail(struct result *r, const char *name, cJSON *value)
{
	if (!r->detail)
		r->detail = cJSON_CreateObject();
	cJSON_DeleteItemFromObjectCaseSensitive(r->detail, name);
	cJSON_AddItemToObject(r->detail, name, value);
}

void result_note(struct result *r, const char *fmt, ...)
{
	char text[ERR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cJSON_AddItemToArray(r->notes, cJSON_CreateString(text));
}

// SPDX-License-Identifier: MIT
/*
 * One cell's summary. Per metric one double for each run, so a median is exact; histograms as
 * sorted (bucket, count) pairs, since a run touches some hundred of the 4608 buckets and a session
 * may have ten thousand cells.
 */
#include "reports/cellsum.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/hist.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"
#include "reports/detail.h"
#include "reports/get.h"
#include "reports/probes_fold.h"

#define LOSS_SHARE    0.001
#define STEAL_SHARE   0.01 /* of one CPU over the window: from here on it is mentioned */
#define FOREIGN_SHARE 0.05

void *array_room(void *array, size_t n, size_t item_size)
{
	if (n & (n - 1))
		return array;
	return realloc(array, (n ? n * 2 : 1) * item_size);
}

/* A number as a person would type it: no exponent for integers, no trailing zeros. */
static const char *number_text(struct intern *texts, double v)
{
	char buf[40];

	if (v == floor(v) && fabs(v) < 1e15)
		snprintf(buf, sizeof(buf), "%.0f", v);
	else
		snprintf(buf, sizeof(buf), "%.9g", v);
	return intern_text(texts, buf);
}

static const char *value_text(struct intern *texts, const cJSON *value)
{
	if (cJSON_IsNumber(value))
		return number_text(texts, value->valuedouble);
	if (cJSON_IsString(value))
		return intern_text(texts, value->valuestring);
	if (cJSON_IsBool(value))
		return intern_text(texts, cJSON_IsTrue(value) ? "true" : "false");
	return intern_text(texts, "");
}

/* A command may have several lines; a label has one. */
static const char *one_line(struct intern *texts, const char *text)
{
	_cleanup_free_ char *line = text ? strdup(text) : NULL;

	for (char *c = line; c && *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = ' ';
	return line ? intern_text(texts, line) : NULL;
}

static int add_field(struct cell_sum *cell, struct intern *texts, const char *name,
		     const cJSON *value, bool knob)
{
	struct field *fields = array_room(cell->fields, cell->n_fields, sizeof(*fields));
	struct field *f;

	if (!fields)
		return -ENOMEM;
	cell->fields = fields;
	f = &fields[cell->n_fields];
	f->name = intern_text(texts, name);
	f->text = value_text(texts, value);
	f->shown = one_line(texts, f->text);
	f->known = f->plain = false;
	f->number = cJSON_IsNumber(value) ? value->valuedouble : NAN;
	f->knob = knob;
	if (!f->name || !f->text || !f->shown)
		return -ENOMEM;
	cell->n_fields++;
	return 0;
}

static int add_fields(struct cell_sum *cell, struct intern *texts, const cJSON *object, bool knob)
{
	const cJSON *item, *cpus;
	char name[64];
	int err = 0;

	cJSON_ArrayForEach (item, object) {
		if (!cJSON_IsObject(item)) {
			err = add_field(cell, texts, item->string, item, knob);
		} else {
			cJSON_ArrayForEach (cpus, item) {
				snprintf(name, sizeof(name), "%s.%s", item->string, cpus->string);
				err = err ? err : add_field(cell, texts, name, cpus, knob);
			}
		}
		if (err)
			return err;
	}
	return 0;
}

int cellsum_new(struct intern *texts, const cJSON *object, struct cell_sum **ret)
{
	struct cell_sum *cell = calloc(1, sizeof(*cell));

	if (!cell)
		return -ENOMEM;
	cell->id = intern_text(texts, get_text(object, "id"));
	cell->workload = intern_text(texts, get_text(object, "workload"));
	cell->target = intern_text(texts, get_text(object, "target"));
	cell->json = cJSON_PrintUnformatted(object);
	if (!cell->id || !cell->workload || !cell->target || !cell->json ||
	    add_fields(cell, texts, get_object(object, "axes"), false) ||
	    add_fields(cell, texts, get_object(object, "knobs"), true)) {
		cellsum_free(cell);
		return -ENOMEM;
	}
	*ret = cell;
	return 0;
}

struct cell_sum *cellsum_probed(struct cell_sum *cell)
{
	if (!cell->probed)
		cell->probed = calloc(1, sizeof(*cell->probed));
	if (cell->probed) {
		cell->probed->id = cell->id;
		cell->probed->workload = cell->workload;
		cell->probed->target = cell->target;
	}
	return cell->probed;
}

void cellsum_free(struct cell_sum *cell)
{
	if (!cell)
		return;
	cellsum_free(cell->probed);
	if (cell->probes)
		probes_sum_free(cell->probes);
	free(cell->probes);
	for (unsigned i = 0; i < cell->n_metrics; i++)
		free(cell->metrics[i].values);
	for (unsigned i = 0; i < cell->n_hists; i++) {
		free(cell->hists[i].index);
		free(cell->hists[i].counts);
	}
	cJSON_Delete(cell->detail);
	free(cell->figures);
	free(cell->metrics);
	free(cell->hists);
	free(cell->fields);
	cJSON_free(cell->json);
	free(cell);
}

static struct metric_sum *find_metric(struct cell_sum *cell, struct intern *texts,
				      const cJSON *metric)
{
	const char *name = intern_text(texts, metric->string);
	struct metric_sum *all;

	if (!name)
		return NULL;
	for (unsigned i = 0; i < cell->n_metrics; i++)
		if (cell->metrics[i].name == name)
			return &cell->metrics[i];
	all = array_room(cell->metrics, cell->n_metrics, sizeof(*all));
	if (!all)
		return NULL;
	cell->metrics = all;
	all[cell->n_metrics] = (struct metric_sum){
		.name = name,
		.unit = intern_text(texts, get_text(metric, "unit")),
		.better = intern_text(texts, get_text(metric, "better")),
	};
	return &all[cell->n_metrics++];
}

int cellsum_add_metrics(struct cell_sum *cell, struct intern *texts, const cJSON *metrics)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, metrics) {
		struct metric_sum *m = find_metric(cell, texts, item);
		double v = get_number(item, "value");
		double *values;

		if (!m)
			return -ENOMEM;
		if (!isfinite(v)) {
			m->nulls++;
			if (!m->reason)
				m->reason = intern_text(texts, get_text(item, "reason"));
			continue;
		}
		values = array_room(m->values, m->n, sizeof(*values));
		if (!values)
			return -ENOMEM;
		m->values = values;
		m->values[m->n++] = v;
	}
	return 0;
}

int cellsum_add_figures(struct cell_sum *cell, const cJSON *record)
{
	struct run_figures *all = array_room(cell->figures, cell->n_figures, sizeof(*all));
	const cJSON *metrics = get(record, "metrics");

	if (!all)
		return -ENOMEM;
	cell->figures = all;
	all[cell->n_figures].repeat = get_number(record, "repeat");
	all[cell->n_figures].watched = probes_watched(record, &all[cell->n_figures].watched_rate);
	for (int k = 0; k < FIGURE_COUNT; k++)
		all[cell->n_figures].value[k] =
			get_number(get(metrics, figure_metrics[k]), "value");
	cell->n_figures++;
	return 0;
}

int cellsum_add_probes(struct cell_sum *cell, const cJSON *record)
{
	if (!cell->probes)
		cell->probes = calloc(1, sizeof(*cell->probes));
	return cell->probes ? probes_fold_record(cell->probes, record, false) : -ENOMEM;
}

static struct hist_sum *find_hist(struct cell_sum *cell, struct intern *texts, const char *key)
{
	const char *name = intern_text(texts, key);
	struct hist_sum *all;

	if (!name)
		return NULL;
	for (unsigned i = 0; i < cell->n_hists; i++)
		if (cell->hists[i].name == name)
			return &cell->hists[i];
	all = array_room(cell->hists, cell->n_hists, sizeof(*all));
	if (!all)
		return NULL;
	cell->hists = all;
	all[cell->n_hists] = (struct hist_sum){.name = name, .min = UINT64_MAX};
	return &all[cell->n_hists++];
}

/* One [index, count] pair of the record; false when it is not one. */
static bool read_bucket(const cJSON *pair, unsigned *index, uint64_t *count)
{
	const cJSON *i = cJSON_IsArray(pair) ? pair->child : NULL;
	const cJSON *n = i ? i->next : NULL;

	if (!cJSON_IsNumber(i) || !cJSON_IsNumber(n) || i->valuedouble < 0 ||
	    i->valuedouble >= HIST_BUCKETS || n->valuedouble < 0)
		return false;
	*index = (unsigned)i->valuedouble;
	*count = (uint64_t)n->valuedouble;
	return true;
}

/* Adds a record's buckets (ascending) to those merged so far, into fresh arrays. */
static int merge_buckets(struct hist_sum *h, const cJSON *buckets)
{
	size_t room = h->n + (size_t)cJSON_GetArraySize(buckets);
	_cleanup_free_ uint16_t *index = calloc(room + 1, sizeof(*index));
	_cleanup_free_ uint64_t *counts = calloc(room + 1, sizeof(*counts));
	const cJSON *pair;
	unsigned old = 0, n = 0, at;
	uint64_t count;

	if (!index || !counts)
		return -ENOMEM;
	cJSON_ArrayForEach (pair, buckets) {
		if (!read_bucket(pair, &at, &count) || (n && at <= index[n - 1]))
			return -EBADMSG;
		for (; old < h->n && h->index[old] < at; old++, n++) {
			index[n] = h->index[old];
			counts[n] = h->counts[old];
		}
		if (old < h->n && h->index[old] == at)
			count += h->counts[old++];
		index[n] = (uint16_t)at;
		counts[n++] = count;
	}
	for (; old < h->n; old++, n++) {
		index[n] = h->index[old];
		counts[n] = h->counts[old];
	}
	free(h->index);
	free(h->counts);
	h->index = realloc(index, (n + 1) * sizeof(*index));
	h->counts = realloc(counts, (n + 1) * sizeof(*counts));
	index = NULL;
	counts = NULL;
	h->n = n;
	return h->index && h->counts ? 0 : -ENOMEM;
}

/* A count of the record, 0 where it is absent. */
static uint64_t get_count(const cJSON *object, const char *key)
{
	double v = get_number(object, key);

	return v > 0 ? (uint64_t)v : 0;
}

int cellsum_add_hists(struct cell_sum *cell, struct intern *texts, const cJSON *hists)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, hists) {
		struct hist_sum *h;
		int err;

		if (!get_count(item, "count"))
			continue;
		h = find_hist(cell, texts, item->string);
		if (!h)
			return -ENOMEM;
		err = merge_buckets(h, get(item, "buckets"));
		if (err)
			return err;
		h->count += get_count(item, "count");
		h->sum += get_count(item, "sum");
		h->min = min_of(h->min, get_count(item, "min"));
		h->max = max_of(h->max, get_count(item, "max"));
	}
	return 0;
}

static void warn(struct cell_sum *cell, enum warning kind, double figure)
{
	if (!cell->warnings[kind]++ || fabs(figure) > fabs(cell->worst[kind]))
		cell->worst[kind] = figure;
}

/* What an ok run did not do. */
static void warn_undone(struct cell_sum *cell, const cJSON *record)
{
	const cJSON *metrics = get(record, "metrics"), *open_loop = get(record, "open_loop");
	const cJSON *count;
	double loss = get_number(get(metrics, "loss_ratio"), "value"), errors = 0;

	if (get_number(get(metrics, "throughput"), "value") == 0)
		warn(cell, WARN_NOTHING, 0);
	if (get_number(open_loop, "backlog") > 0)
		warn(cell, WARN_OVERLOAD,
		     get_number(open_loop, "backlog") / get_number(open_loop, "offered"));
	if (loss >= LOSS_SHARE)
		warn(cell, WARN_LOSS, loss);
	cJSON_ArrayForEach (count, get_object(record, "errors"))
		errors += cJSON_IsNumber(count) ? count->valuedouble : 0;
	if (errors > 0)
		warn(cell, WARN_ERRORS, errors);
}

void cellsum_add_warnings(struct cell_sum *cell, const cJSON *record)
{
	const cJSON *little = get(record, "little"), *series = get(record, "series");
	const cJSON *window = get(record, "window"), *host = get(record, "host");
	double span = get_number(window, "end_ns") - get_number(window, "begin_ns");
	double steal = get_number(host, "steal_ns") / span;
	double foreign = get_number(host, "foreign_cpu_ns") / span;

	warn_undone(cell, record);
	if (get_false(little, "ok"))
		warn(cell, WARN_LITTLE, get_number(little, "ratio") - 1);
	if (get_false(series, "steady"))
		warn(cell, WARN_UNSTEADY, get_number(series, "drift"));
	if (steal >= STEAL_SHARE)
		warn(cell, WARN_STEAL, steal);
	if (foreign >= FOREIGN_SHARE)
		warn(cell, WARN_FOREIGN, foreign);
}

int cellsum_finish(struct cell_sum *cell)
{
	int err;

	for (unsigned i = 0; i < cell->n_metrics; i++)
		order_sort(cell->metrics[i].values, cell->metrics[i].n);
	err = detail_finish(cell->detail);
	return !err && cell->probed ? cellsum_finish(cell->probed) : err;
}

// SPDX-License-Identifier: MIT
/*
 * The session as one JSON document: what the text table says, unrounded and complete. Written piece
 * by piece, since the whole of it would be the largest thing in memory. Shape:
 *
 *   {schema, manifest, emulated, complete, runs: {expected, recorded, ok, failed, ...},
 *    cells: [{cell, best: [column, ...], runs: {ok, failed, ...}, warnings: [text, ...],
 *             metrics: {name: {unit, better, median, min, max, n, values, nulls?, reason?}},
 *             detail?: {name: table | stages},
 *             probed?: {runs, metrics},
 *             perturbation?: {throughput | latency_p50 | latency_p99: {ratio, min, max, n,
 * reason?}}}], problems: [{cell, status, probed, count, repeat, reason, worst?}], notes: [{text,
 * worst?, count, cell}]}
 *
 * `metrics` and `runs` of a cell are of its runs without probes.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/get.h"
#include "reports/group.h"
#include "reports/hostline.h"
#include "reports/perturb.h"
#include "reports/report.h"

#define DOCUMENT_SCHEMA 1

/* Any piece: printed, freed. -ENOMEM when it could not be made. */
static int put(FILE *out, cJSON *piece)
{
	char *text = piece ? cJSON_PrintUnformatted(piece) : NULL;

	cJSON_Delete(piece);
	if (!text)
		return -ENOMEM;
	fputs(text, out);
	cJSON_free(text);
	return 0;
}

static void add_number(cJSON *object, const char *key, double v)
{
	cJSON_AddItemToObject(object, key,
			      isfinite(v) ? cJSON_CreateNumber(v) : cJSON_CreateNull());
}

static void add_statuses(cJSON *object, const unsigned runs[STATUS_COUNT])
{
	for (int i = 0; i < STATUS_COUNT; i++)
		cJSON_AddNumberToObject(object, status_names[i], runs[i]);
}

static cJSON *metric_object(const struct metric_sum *m)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "unit", m->unit);
	cJSON_AddStringToObject(object, "better", m->better);
	add_number(object, "median", metric_median(m));
	add_number(object, "min", metric_min(m));
	add_number(object, "max", metric_max(m));
	cJSON_AddNumberToObject(object, "n", m->n);
	cJSON_AddItemToObject(object, "values", cJSON_CreateDoubleArray(m->values, (int)m->n));
	if (m->nulls) {
		cJSON_AddNumberToObject(object, "nulls", m->nulls);
		cJSON_AddStringToObject(object, "reason", m->reason);
	}
	return object;
}

static cJSON *warnings_array(const struct cell_sum *cell)
{
	cJSON *array = cJSON_CreateArray();
	char text[200];

	for (int k = 0; k < WARN_COUNT; k++) {
		if (!cell->warnings[k])
			continue;
		warning_text(cell, (enum warning)k, text, sizeof(text));
		cJSON_AddItemToArray(array, cJSON_CreateString(text));
	}
	return array;
}

/* By how much the figures of probed runs differ from those of their twins. */
static cJSON *perturbation_object(const struct cell_sum *cell)
{
	cJSON *object = cJSON_CreateObject();

	for (int k = 0; k < FIGURE_COUNT; k++) {
		struct perturbation p = perturb(cell, (enum figure_kind)k);
		cJSON *ratio = cJSON_AddObjectToObject(object, figure_metrics[k]);

		add_number(ratio, "ratio", p.n ? p.median : NAN);
		add_number(ratio, "min", p.n ? p.min : NAN);
		add_number(ratio, "max", p.n ? p.max : NAN);
		cJSON_AddNumberToObject(ratio, "n", p.n);
		if (!p.n)
			cJSON_AddStringToObject(ratio, "reason", "no pair of runs to compare");
	}
	return object;
}

static void add_probed(cJSON *object, const struct cell_sum *cell)
{
	cJSON *probed = cJSON_AddObjectToObject(object, "probed");
	cJSON *metrics;

	add_statuses(cJSON_AddObjectToObject(probed, "runs"), cell->probed->runs);
	metrics = cJSON_AddObjectToObject(probed, "metrics");
	for (unsigned k = 0; k < cell->probed->n_metrics; k++)
		cJSON_AddItemToObject(metrics, cell->probed->metrics[k].name,
				      metric_object(&cell->probed->metrics[k]));
	cJSON_AddItemToObject(object, "perturbation", perturbation_object(cell));
}

static cJSON *cell_object(const struct group *g, size_t i)
{
	const struct cell_sum *cell = g->cells[i];
	cJSON *object = cJSON_CreateObject();
	cJSON *best, *metrics;

	cJSON_AddRawToObject(object, "cell", cell->json);
	best = cJSON_AddArrayToObject(object, "best");
	for (unsigned k = 0; k < g->n_columns; k++)
		if (group_best(g, i, k))
			cJSON_AddItemToArray(best, cJSON_CreateString(g->columns[k].name));
	add_statuses(cJSON_AddObjectToObject(object, "runs"), cell->runs);
	cJSON_AddItemToObject(object, "warnings", warnings_array(cell));
	metrics = cJSON_AddObjectToObject(object, "metrics");
	for (unsigned k = 0; k < cell->n_metrics; k++)
		cJSON_AddItemToObject(metrics, cell->metrics[k].name,
				      metric_object(&cell->metrics[k]));
	if (cell->detail)
		cJSON_AddItemToObject(object, "detail", cJSON_Duplicate(cell->detail, true));
	if (cell->probed)
		add_probed(object, cell);
	return object;
}

static int put_cells(const struct groups *groups, FILE *out)
{
	bool first = true;
	int err = 0;

	fputs(",\n\"cells\":[", out);
	for (size_t k = 0; k < groups->n; k++) {
		for (size_t i = 0; !err && i < groups->list[k].n_cells; i++) {
			fputs(first ? "\n" : ",\n", out);
			first = false;
			err = put(out, cell_object(&groups->list[k], i));
		}
	}
	fputs("]", out);
	return err;
}

static int put_problems(const struct summary *s, FILE *out)
{
	int err = 0;

	fputs(",\n\"problems\":[", out);
	for (size_t i = 0; !err && i < s->n_problems; i++) {
		const struct problem *p = &s->problems[i];
		cJSON *object = cJSON_CreateObject();

		cJSON_AddStringToObject(object, "cell", p->cell->id);
		cJSON_AddStringToObject(object, "status", status_names[p->status]);
		cJSON_AddBoolToObject(object, "probed", p->probed);
		cJSON_AddNumberToObject(object, "count", p->count);
		cJSON_AddNumberToObject(object, "repeat", p->first_repeat);
		cJSON_AddStringToObject(object, "reason", p->reason);
		if (p->worst)
			cJSON_AddStringToObject(object, "worst", p->worst);
		fputs(i ? ",\n" : "\n", out);
		err = put(out, object);
	}
	fputs("]", out);
	return err;
}

static int put_notes(const struct summary *s, FILE *out)
{
	int err = 0;

	fputs(",\n\"notes\":[", out);
	for (size_t i = 0; !err && i < s->n_notes; i++) {
		cJSON *object = cJSON_CreateObject();

		cJSON_AddStringToObject(object, "text", s->notes[i].text);
		if (s->notes[i].worst)
			cJSON_AddStringToObject(object, "worst", s->notes[i].worst);
		cJSON_AddNumberToObject(object, "count", s->notes[i].count);
		cJSON_AddStringToObject(object, "cell", s->notes[i].cell->id);
		fputs(i ? ",\n" : "\n", out);
		err = put(out, object);
	}
	fputs("]}\n", out);
	return err;
}

static int put_document(const struct summary *s, const struct groups *groups, FILE *out)
{
	cJSON *runs = cJSON_CreateObject();
	int err;

	fprintf(out, "{\"schema\":%d,\n\"manifest\":", DOCUMENT_SCHEMA);
	err = put(out, cJSON_Duplicate(s->manifest, 1));
	fprintf(out, ",\n\"emulated\":%s,\n\"complete\":%s,\n\"runs\":",
		host_emulated(get(s->manifest, "host")) ? "true" : "false",
		s->n_runs >= s->expected ? "true" : "false");
	cJSON_AddNumberToObject(runs, "expected", s->expected);
	cJSON_AddNumberToObject(runs, "recorded", s->n_runs);
	add_statuses(runs, s->runs);
	err = err ? err : put(out, runs);
	err = err ? err : put_cells(groups, out);
	err = err ? err : put_problems(s, out);
	return err ? err : put_notes(s, out);
}

int report_json(const struct report_options *options, FILE *out, struct err *err)
{
	_cleanup_(cleanup_summary) struct summary *s = NULL;
	_cleanup_(cleanup_groups) struct groups groups = {0};
	int code = summary_load(options->dir, false, &s, err);

	if (code)
		return code;
	code = groups_make(s, &groups);
	code = code ? code : put_document(s, &groups, out);
	return code ? err_sys(err, code, "%s", options->dir) : 0;
}

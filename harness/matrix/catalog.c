// SPDX-License-Identifier: MIT
/* The tables of plugins as JSON. Nothing is said here that is not in a row. */
#include "harness/matrix/catalog.h"

#include <stdio.h>
#include <string.h>

#include "harness/matrix/matrix.h"
#include "harness/util/cleanup.h"

static const struct probe_info procstat = {
	.name = "procstat",
	.help = "portable, always on: CPU time, switches, faults and run-queue wait of each role; "
		"steal, PSI and foreign CPU time of the host"};

static const struct metric no_metrics[] = {METRIC_END};
static const struct param no_knobs[] = {PARAM_END};

/* Text, or null for NULL. */
static void add_text(cJSON *o, const char *key, const char *text)
{
	cJSON_AddItemToObject(o, key, text ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static const char *text_of(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return text ? text : "";
}

static cJSON *knob(const struct param *row)
{
	cJSON *o = cJSON_CreateObject(), *choices;

	add_text(o, "name", row->name);
	add_text(o, "type", param_type_names[row->type]);
	cJSON_AddItemToObject(o, "default", param_default_json(row));
	if (row->def && param_is_number(row) && row->type != PARAM_INT)
		add_text(o, "default_text", row->def);
	if (param_is_number(row)) {
		cJSON_AddNumberToObject(o, "min", (double)row->min);
		cJSON_AddNumberToObject(o, "max", (double)param_max(row));
	}
	if (row->type == PARAM_ENUM) {
		choices = cJSON_AddArrayToObject(o, "choices");
		for (size_t i = 0; row->choices[i]; i++)
			cJSON_AddItemToArray(choices, cJSON_CreateString(row->choices[i]));
	}
	add_text(o, "unit", row->unit);
	add_text(o, "help", row->help);
	cJSON_AddBoolToObject(o, "fault", row->fault);
	return o;
}

static void add_knobs(cJSON *o, const char *key, const struct param *rows)
{
	cJSON *list = cJSON_AddArrayToObject(o, key);

	for (rows = rows ? rows : no_knobs; rows->name; rows++)
		cJSON_AddItemToArray(list, knob(rows));
}

/* No row of a table: an object with a list of CPUs for each role. */
static void add_cpus(cJSON *axes)
{
	cJSON *o = cJSON_CreateObject(), *choices;

	cJSON_AddItemToArray(axes, o);
	add_text(o, "name", "cpus");
	add_text(o, "type", "cpus");
	add_text(o, "default", NULL);
	choices = cJSON_AddArrayToObject(o, "choices");
	for (size_t i = 0; i < ROLE_COUNT; i++)
		cJSON_AddItemToArray(choices, cJSON_CreateString(role_names[i]));
	add_text(o, "unit", NULL);
	add_text(o, "help", "CPUs that the threads of each role may run on: {\"driver\": \"0\"}");
	cJSON_AddBoolToObject(o, "fault", false);
}

static cJSON *metric(const struct metric *row)
{
	cJSON *o = cJSON_CreateObject();

	add_text(o, "name", row->name);
	add_text(o, "unit", row->unit);
	add_text(o, "better", better_names[row->better]);
	add_text(o, "help", row->help);
	return o;
}

static void add_metrics(cJSON *o, const struct metric *rows)
{
	cJSON *list = cJSON_AddArrayToObject(o, "metrics");

	for (rows = rows ? rows : no_metrics; rows->name; rows++)
		cJSON_AddItemToArray(list, metric(rows));
}

static void add_workload(cJSON *list, const struct workload_ops *w)
{
	cJSON *o = cJSON_CreateObject(), *payload;

	cJSON_AddItemToArray(list, o);
	add_text(o, "name", w->name);
	add_text(o, "help", w->help);
	add_text(o, "operation", w->op_name);
	if (w->payload_max) {
		payload = cJSON_AddObjectToObject(o, "payload");
		cJSON_AddNumberToObject(payload, "default", (double)w->payload_default);
		cJSON_AddNumberToObject(payload, "min", (double)w->payload_min);
		cJSON_AddNumberToObject(payload, "max", (double)w->payload_max);
	} else {
		cJSON_AddNullToObject(o, "payload");
	}
	add_knobs(o, "knobs", w->params);
	add_metrics(o, w->metrics);
}

static void add_target(cJSON *list, const struct target_ops *t)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddItemToArray(list, o);
	add_text(o, "workload", t->workload);
	add_text(o, "name", t->name);
	add_text(o, "help", t->help);
	add_knobs(o, "knobs", t->params);
	add_metrics(o, t->metrics);
}

static void add_probe(cJSON *list, const struct probe_info *p)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddItemToArray(list, o);
	add_text(o, "name", p->name);
	add_text(o, "help", p->help);
	add_text(o, "needs", p->needs);
}

static void add_probes(cJSON *o, const struct prober_ops *ops)
{
	cJSON *list = cJSON_AddArrayToObject(o, "probes");

	add_probe(list, &procstat);
	for (size_t i = 0; ops && ops->probes[i].name; i++)
		add_probe(list, &ops->probes[i]);
	if (ops && ops->params)
		add_knobs(o, "probe_knobs", ops->params);
}

/* A row that targets of one workload share is told once, for all of them. */
static cJSON *shared_metric(cJSON *list, const struct metric *row, const char *workload)
{
	cJSON *o;

	cJSON_ArrayForEach (o, list) {
		const char *name = text_of(o, "name"), *owner = text_of(o, "workload");

		if (*text_of(o, "target") && !strcmp(name, row->name) && !strcmp(owner, workload) &&
		    !strcmp(text_of(o, "unit"), row->unit) &&
		    !strcmp(text_of(o, "help"), row->help))
			return o;
	}
	return NULL;
}

static void add_metrics_of(cJSON *list, const struct metric *rows, const char *workload,
			   const char *target)
{
	for (rows = rows ? rows : no_metrics; rows->name; rows++) {
		cJSON *o = target ? shared_metric(list, rows, workload) : NULL;
		char targets[256];

		if (o) {
			snprintf(targets, sizeof(targets), "%s, %s", text_of(o, "target"), target);
			cJSON_ReplaceItemInObjectCaseSensitive(o, "target",
							       cJSON_CreateString(targets));
			continue;
		}
		o = metric(rows);
		add_text(o, "workload", workload);
		add_text(o, "target", target);
		cJSON_AddItemToArray(list, o);
	}
}

static void add_all_metrics(cJSON *list, const struct registry *reg)
{
	add_metrics_of(list, common_metrics, NULL, NULL);
	for (size_t i = 0; reg->workloads[i]; i++)
		add_metrics_of(list, reg->workloads[i]->metrics, reg->workloads[i]->name, NULL);
	for (size_t i = 0; reg->targets[i]; i++)
		add_metrics_of(list, reg->targets[i]->metrics, reg->targets[i]->workload,
			       reg->targets[i]->name);
}

cJSON *catalog_make(const struct registry *reg)
{
	cJSON *o = cJSON_CreateObject(), *list;

	add_knobs(o, "matrix", matrix_params);
	add_knobs(o, "axes", axis_params);
	add_cpus(cJSON_GetObjectItemCaseSensitive(o, "axes"));
	list = cJSON_AddArrayToObject(o, "workloads");
	for (size_t i = 0; reg->workloads[i]; i++)
		add_workload(list, reg->workloads[i]);
	list = cJSON_AddArrayToObject(o, "targets");
	for (size_t i = 0; reg->targets[i]; i++)
		add_target(list, reg->targets[i]);
	add_probes(o, reg->prober);
	add_all_metrics(cJSON_AddArrayToObject(o, "metrics"), reg);
	return o;
}

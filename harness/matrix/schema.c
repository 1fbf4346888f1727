// SPDX-License-Identifier: MIT
/*
 * One definition for each workload's entries, chosen by "workload"; inside it one for the knobs of
 * each target, applied when "target" names it, so that an entry with several targets must satisfy
 * all of them, as in the parser. A skip rule may name a knob of any target.
 */
#include "harness/matrix/schema.h"

#include <stdio.h>
#include <string.h>

#include "harness/cell.h"
#include "harness/matrix/matrix.h"
#include "harness/matrix/matrix_gate.h"
#include "harness/role.h"

#define SIZE_PATTERN "^[0-9]+(\\.[0-9]+)?([kKMGT]i?)?B?$"
#define RATE_PATTERN "^[0-9]+(\\.[0-9]+)?[kKMG]?$"
#define TIME_PATTERN "^[0-9]+(\\.[0-9]+)?(ns|us|ms|s|min|m|h)$"
#define ZERO_PATTERN "^0$"
/* As in check_name of matrix.c. */
#define NAME_PATTERN "^(?![.])[^/\\u0000-\\u001f\\u007f]+(?![\\s\\S])"
#define HELP_MAX     512
#define CPUS_PATTERN "^([0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)?$"

static cJSON *add_object(cJSON *o, const char *key)
{
	return cJSON_AddObjectToObject(o, key);
}

/* An object without other keys than those added to what comes back. */
static cJSON *closed_object(cJSON *o)
{
	cJSON_AddStringToObject(o, "type", "object");
	cJSON_AddBoolToObject(o, "additionalProperties", false);
	return add_object(o, "properties");
}

static cJSON *of_type(const char *type)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "type", type);
	return o;
}

static cJSON *text_of(const char *pattern)
{
	cJSON *o = of_type("string");

	cJSON_AddStringToObject(o, "pattern", pattern);
	return o;
}

static cJSON *whole_number(const struct param *row)
{
	cJSON *o = of_type("integer");

	cJSON_AddNumberToObject(o, "minimum", (double)row->min);
	cJSON_AddNumberToObject(o, "maximum", (double)param_max(row));
	return o;
}

static cJSON *either(cJSON *a, cJSON *b)
{
	cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "anyOf");

	cJSON_AddItemToArray(list, a);
	cJSON_AddItemToArray(list, b);
	return o;
}

static cJSON *names(const char *const *words)
{
	cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "enum");

	for (; *words; words++)
		cJSON_AddItemToArray(list, cJSON_CreateString(*words));
	return o;
}

/* Text with a unit; 0 needs none, where it is not too short. */
static cJSON *time_value(const struct param *row)
{
	cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "anyOf");
	cJSON *zero = cJSON_CreateObject();

	cJSON_AddItemToArray(list, text_of(TIME_PATTERN));
	if (row->min) {
		cJSON_Delete(zero);
		return o;
	}
	cJSON_AddNumberToObject(zero, "const", 0);
	cJSON_AddItemToArray(list, zero);
	cJSON_AddItemToArray(list, text_of(ZERO_PATTERN));
	return o;
}

static cJSON *string_value(void)
{
	cJSON *o = of_type("string");

	cJSON_AddNumberToObject(o, "maxLength", PARAM_STRING_MAX - 1);
	return o;
}

static cJSON *bare_value(const struct param *row)
{
	switch (row->type) {
	case PARAM_SIZE:
		return either(whole_number(row), text_of(SIZE_PATTERN));
	case PARAM_RATE:
		return either(whole_number(row), text_of(RATE_PATTERN));
	case PARAM_TIME:
		return time_value(row);
	case PARAM_BOOL:
		return of_type("boolean");
	case PARAM_ENUM:
		return names(row->choices);
	case PARAM_STRING:
		return string_value();
	default:
		return whole_number(row);
	}
}

static cJSON *value(const struct param *row)
{
	cJSON *o = bare_value(row);
	char help[HELP_MAX];

	snprintf(help, sizeof(help), "%s%s", row->fault ? "FAULT: " : "", row->help);
	cJSON_AddStringToObject(o, "description", help);
	/* As people write it: "64k", "200ms". */
	if (row->def && param_is_number(row) && row->type != PARAM_INT && strcmp(row->def, "0"))
		cJSON_AddStringToObject(o, "default", row->def);
	else if (row->def)
		cJSON_AddItemToObject(o, "default", param_default_json(row));
	return o;
}

/* A value or a list of values. Takes `item`. */
static cJSON *one_or_list(cJSON *item)
{
	cJSON *list = of_type("array");

	cJSON_AddNumberToObject(list, "minItems", 1);
	cJSON_AddItemToObject(list, "items", cJSON_Duplicate(item, true));
	return either(item, list);
}

static void add_values(cJSON *properties, const struct param *rows)
{
	for (; rows && rows->name; rows++)
		cJSON_AddItemToObject(properties, rows->name, one_or_list(value(rows)));
}

static void add_probe_names(cJSON *words, const struct prober_ops *ops)
{
	for (size_t i = 0; ops && ops->probes[i].name; i++)
		cJSON_AddItemToArray(words, cJSON_CreateString(ops->probes[i].name));
}

/* "all", "none", a name, or a list of names: a set, and no values that multiply. */
static cJSON *probes_value(const struct prober_ops *ops)
{
	static const char *const none[] = {"none", NULL}, *const all[] = {"all", "none", NULL};
	cJSON *word = names(ops ? all : none), *list = of_type("array");

	add_probe_names(cJSON_GetObjectItemCaseSensitive(word, "enum"), ops);
	if (ops && ops->probes[0].name)
		add_probe_names(cJSON_AddArrayToObject(add_object(list, "items"), "enum"), ops);
	else
		cJSON_AddNumberToObject(list, "maxItems", 0);
	return either(word, list);
}

static void add_probes(cJSON *properties, const struct prober_ops *ops)
{
	cJSON *probes = probes_value(ops), *knobs;

	cJSON_AddStringToObject(probes, "description", "what watches the second of each two runs");
	cJSON_AddStringToObject(probes, "default", "none");
	cJSON_AddItemToObject(properties, "probes", probes);
	knobs = closed_object(add_object(properties, "probe_knobs"));
	for (const struct param *row = ops ? ops->params : NULL; row && row->name; row++)
		cJSON_AddItemToObject(knobs, row->name, value(row));
}

static bool has_word(const cJSON *words, const char *name)
{
	const cJSON *word;

	cJSON_ArrayForEach (word, words)
		if (!strcmp(word->valuestring, name))
			return true;
	return false;
}

static void add_metric_names(cJSON *words, const struct metric *rows)
{
	bool counts = rows == count_metrics;

	for (; rows && rows->name; rows++)
		if ((counts || gate_can_judge(rows)) && !has_word(words, rows->name))
			cJSON_AddItemToArray(words, cJSON_CreateString(rows->name));
}

/* Of a metric that a program tells; see metric_name_is_good and metric_unit_is_good. */
static cJSON *declaration(void)
{
	static const char *const better[] = {"higher", "lower", NULL};
	cJSON *o = cJSON_CreateObject(), *properties = closed_object(o);
	cJSON *required = cJSON_AddArrayToObject(o, "required");

	cJSON_AddItemToObject(properties, "metric", text_of("^[A-Za-z0-9_./-]{1,63}$"));
	cJSON_AddItemToObject(properties, "better", names(better));
	cJSON_AddItemToObject(properties, "unit", text_of("^[!#-%'-;=?-_a-{}~]{1,15}$"));
	cJSON_AddItemToArray(required, cJSON_CreateString("metric"));
	cJSON_AddItemToArray(required, cJSON_CreateString("better"));
	return o;
}

/* NULL: of any workload. */
static void add_gate(cJSON *properties, const struct registry *reg, const struct workload_ops *w)
{
	cJSON *name = cJSON_CreateObject(), *words = cJSON_AddArrayToObject(name, "enum"), *gate;
	cJSON *list = of_type("array");

	add_metric_names(words, common_metrics);
	add_metric_names(words, count_metrics);
	if (w)
		add_metric_names(words, w->metrics);
	for (size_t i = 0; !w && reg->workloads[i]; i++)
		add_metric_names(words, reg->workloads[i]->metrics);
	for (size_t i = 0; reg->targets[i]; i++)
		if (!w || !strcmp(reg->targets[i]->workload, w->name))
			add_metric_names(words, reg->targets[i]->metrics);
	if (!w || w->runs_programs)
		name = either(name, declaration());
	cJSON_AddItemToObject(list, "items", cJSON_Duplicate(name, true));
	gate = either(name, list);
	cJSON_AddStringToObject(
		gate, "description",
		"metrics that a gate judges beside the throughput and, under a rate, "
		"intended_p50");
	cJSON_AddItemToObject(properties, "gate", gate);
}

static void add_axes(cJSON *properties, const struct workload_ops *w)
{
	for (const struct param *row = axis_params; row->name; row++) {
		bool payload = !strcmp(row->name, "payload");
		struct param bounded = payload ? cell_payload_row(w) : *row;

		if (!payload || w->payload_max)
			cJSON_AddItemToObject(properties, row->name, one_or_list(value(&bounded)));
	}
}

static void add_cpus(cJSON *properties)
{
	cJSON *roles = closed_object(add_object(properties, "cpus"));

	for (size_t i = 0; i < ROLE_COUNT; i++)
		cJSON_AddItemToObject(roles, role_names[i], one_or_list(text_of(CPUS_PATTERN)));
}

/* Calls fn for every target of a workload. */
static void each_target(const struct registry *reg, const struct workload_ops *w, cJSON *arg,
			void (*fn)(cJSON *arg, const struct workload_ops *w,
				   const struct target_ops *t))
{
	for (size_t i = 0; reg->targets[i]; i++)
		if (!strcmp(reg->targets[i]->workload, w->name))
			fn(arg, w, reg->targets[i]);
}

static void add_name(cJSON *list, const struct workload_ops *w, const struct target_ops *t)
{
	(void)w;
	cJSON_AddItemToArray(list, cJSON_CreateString(t->name));
}

static void add_targets(cJSON *properties, const struct registry *reg, const struct workload_ops *w)
{
	cJSON *item = cJSON_CreateObject();

	each_target(reg, w, cJSON_AddArrayToObject(item, "enum"), add_name);
	cJSON_AddItemToObject(properties, "target", one_or_list(item));
}

/* {"if": the entry names the target, "then": only knobs of it and of the workload} */
static void add_condition(cJSON *list, const struct workload_ops *w, const struct target_ops *t)
{
	cJSON *o = cJSON_CreateObject(), *is = cJSON_CreateObject(), *has = of_type("array");
	cJSON *knobs;

	cJSON_AddItemToArray(list, o);
	cJSON_AddStringToObject(is, "const", t->name);
	cJSON_AddItemToObject(has, "contains", cJSON_Duplicate(is, true));
	cJSON_AddItemToObject(add_object(add_object(o, "if"), "properties"), "target",
			      either(is, has));
	knobs = closed_object(add_object(add_object(add_object(o, "then"), "properties"), "with"));
	add_values(knobs, w->params);
	add_values(knobs, t->params);
}

/* Knobs of the same name may differ from target to target: a rule may mean any of them. */
static void add_rule_knobs(cJSON *knobs, const struct workload_ops *w, const struct target_ops *t)
{
	(void)w;
	for (const struct param *row = t->params; row && row->name; row++) {
		cJSON *known = cJSON_GetObjectItemCaseSensitive(knobs, row->name);
		cJSON *variant = one_or_list(value(row));

		if (known)
			cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(known, "anyOf"),
					     variant);
		else
			cJSON_AddItemToObject(knobs, row->name, variant);
	}
}

static void add_rules(cJSON *properties, const struct registry *reg, const struct workload_ops *w)
{
	cJSON *skip = add_object(properties, "skip"), *rule, *keys, *knobs;

	cJSON_AddStringToObject(skip, "type", "array");
	cJSON_AddStringToObject(skip, "description",
				"a cell that matches every key of one of these rules is dropped");
	rule = add_object(skip, "items");
	keys = closed_object(rule);
	cJSON_AddNumberToObject(rule, "minProperties", 1);
	add_targets(keys, reg, w);
	add_axes(keys, w);
	add_cpus(keys);
	knobs = closed_object(add_object(keys, "with"));
	add_values(knobs, w->params);
	each_target(reg, w, knobs, add_rule_knobs);
}

static void add_required(cJSON *o, const char *const *words)
{
	cJSON *list = cJSON_AddArrayToObject(o, "required");

	for (; *words; words++)
		cJSON_AddItemToArray(list, cJSON_CreateString(*words));
}

static void add_entry(cJSON *defs, const struct registry *reg, const struct workload_ops *w)
{
	static const char *const required[] = {"workload", "target", NULL};
	cJSON *o = add_object(defs, w->name), *properties = closed_object(o);

	cJSON_AddStringToObject(o, "description", w->help);
	add_required(o, required);
	cJSON_AddStringToObject(add_object(properties, "workload"), "const", w->name);
	add_targets(properties, reg, w);
	add_axes(properties, w);
	add_cpus(properties);
	cJSON_AddStringToObject(add_object(properties, "with"), "type", "object");
	add_rules(properties, reg, w);
	cJSON_AddItemToObject(properties, "probes", probes_value(reg->prober));
	add_gate(properties, reg, w);
	each_target(reg, w, cJSON_AddArrayToObject(o, "allOf"), add_condition);
}

static void add_choice(cJSON *list, const struct workload_ops *w)
{
	static const char *const required[] = {"workload", NULL};
	cJSON *o = cJSON_CreateObject(), *condition = add_object(o, "if");
	char ref[128];

	cJSON_AddItemToArray(list, o);
	cJSON_AddStringToObject(add_object(add_object(condition, "properties"), "workload"),
				"const", w->name);
	add_required(condition, required);
	snprintf(ref, sizeof(ref), "#/$defs/%s", w->name);
	cJSON_AddStringToObject(add_object(o, "then"), "$ref", ref);
}

static void add_cells(cJSON *properties, const struct registry *reg)
{
	static const char *const required[] = {"workload", "target", NULL};
	cJSON *cells = add_object(properties, "cells"), *items, *known, *choices;

	cJSON_AddStringToObject(cells, "type", "array");
	cJSON_AddNumberToObject(cells, "minItems", 1);
	items = add_object(cells, "items");
	cJSON_AddStringToObject(items, "type", "object");
	add_required(items, required);
	known = cJSON_AddArrayToObject(add_object(add_object(items, "properties"), "workload"),
				       "enum");
	choices = cJSON_AddArrayToObject(items, "allOf");
	for (size_t i = 0; reg->workloads[i]; i++) {
		cJSON_AddItemToArray(known, cJSON_CreateString(reg->workloads[i]->name));
		add_choice(choices, reg->workloads[i]);
	}
}

static void bound_name(cJSON *name)
{
	cJSON_AddStringToObject(name, "pattern", NAME_PATTERN);
	cJSON_ReplaceItemInObjectCaseSensitive(name, "maxLength",
					       cJSON_CreateNumber(MATRIX_NAME_MAX));
}

cJSON *schema_make(const struct registry *reg)
{
	static const char *const required[] = {"cells", NULL};
	cJSON *o = cJSON_CreateObject(), *properties, *defs;

	cJSON_AddStringToObject(o, "$schema", "https://json-schema.org/draft/2020-12/schema");
	cJSON_AddStringToObject(o, "title", "uhbench matrix");
	properties = closed_object(o);
	add_required(o, required);
	for (const struct param *row = matrix_params; row->name; row++)
		cJSON_AddItemToObject(properties, row->name, value(row));
	bound_name(cJSON_GetObjectItemCaseSensitive(properties, "name"));
	cJSON_AddItemToObject(properties, "$schema", of_type("string"));
	add_probes(properties, reg->prober);
	add_gate(properties, reg, NULL);
	add_cells(properties, reg);
	defs = add_object(o, "$defs");
	for (size_t i = 0; reg->workloads[i]; i++)
		add_entry(defs, reg, reg->workloads[i]);
	return o;
}

// SPDX-License-Identifier: MIT
/*
 * Checking an entry value by value. Each mistake is told where it stands and nothing is multiplied
 * yet: the size of the product is arithmetic on the lengths of the lists. What can only be judged
 * for a whole cell comes later, in entry_expand.
 */
#include "harness/matrix/matrix_entry.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/matrix/hint.h"
#include "harness/matrix/matrix_gate.h"
#include "harness/matrix/matrix_probes.h"
#include "harness/util/cleanup.h"
#include "harness/util/cpuset.h"
#include "harness/util/fs.h"
#include "harness/util/nearest.h"

const char *const matrix_entry_words[] = {"workload", "target", "cpus", "with",
					  "skip",     "probes", "gate", NULL};
static const char *const rule_words[] = {"target", "cpus", "with", NULL};
static const struct param *const axis_tables[] = {axis_params, NULL};
_Static_assert(HINT_MAX >= NEAREST_HINT_MAX, "one buffer serves both kinds of hint");
static const struct param *const no_tables[] = {NULL};

static const char *entry_hint(const struct entry *e, const struct nearest *n, char *buf)
{
	return hint_entry(e->reg, e->workload, n, buf);
}

static const struct keys entry_keys = {matrix_entry_words, axis_tables, entry_hint};
static const struct keys rule_keys = {rule_words, axis_tables, entry_hint};
static const struct keys role_keys = {role_names, no_tables, NULL};

/* Judges one value: 0, or -EINVAL with err. `arg` is the caller's. */
typedef int (*value_fn)(const struct entry *e, const void *arg, const cJSON *value,
			struct err *err);

static const char *word_of(const cJSON *value)
{
	return cJSON_GetStringValue(value);
}

static bool known(const char *key, const char *const *words, const struct param *const *tables,
		  struct nearest *nearest)
{
	for (; *words; words++) {
		nearest_offer(nearest, *words);
		if (!strcmp(*words, key))
			return true;
	}
	for (; *tables; tables++)
		for (const struct param *row = *tables; row->name; row++) {
			nearest_offer(nearest, row->name);
			if (!strcmp(row->name, key))
				return true;
		}
	return false;
}

void keys_check(struct diag *diag, const cJSON *object, struct json_path *path,
		const struct keys *keys, const struct entry *e)
{
	size_t len = path->len;
	const cJSON *member;
	char hint[HINT_MAX]; /* room for nearest_hint() too */

	cJSON_ArrayForEach (member, object) {
		struct nearest n = nearest_to(member->string);

		if (known(member->string, keys->words, keys->tables, &n))
			continue;
		json_path_key(path, member->string);
		diag_error_key(diag, path->text, "unknown key%s",
			       keys->hint ? keys->hint(e, &n, hint) : nearest_hint(&n, hint));
		json_path_cut(path, len);
	}
}

static void check_one(struct entry *e, const cJSON *value, value_fn fn, const void *arg)
{
	struct err err;

	if (fn(e, arg, value, &err) < 0)
		diag_error(e->diag, e->path->text, "%s", err.text);
}

/* A value or each of a list of values, at e->path. */
static void check_values(struct entry *e, const cJSON *values, value_fn fn, const void *arg)
{
	size_t len = e->path->len, i = 0;
	const cJSON *value;

	if (!cJSON_IsArray(values)) {
		check_one(e, values, fn, arg);
		return;
	}
	if (!values->child)
		diag_error(e->diag, e->path->text, "the list is empty: no cell would be left");
	cJSON_ArrayForEach (value, values) {
		json_path_index(e->path, i++);
		check_one(e, value, fn, arg);
		json_path_cut(e->path, len);
	}
}

static int target_value(const struct entry *e, const void *arg, const cJSON *value, struct err *err)
{
	char shown[JSON_SHOW_MAX], hint[HINT_MAX];

	(void)arg;
	if (!cJSON_IsString(value))
		return err_set(err, -EINVAL, "found %s, expected the name of a target",
			       json_show(value, shown));
	if (registry_target(e->reg, e->workload->name, word_of(value)))
		return 0;
	return err_set(err, -EINVAL, "workload \"%s\" has no target %s%s", e->workload->name,
		       json_quote(word_of(value), shown),
		       hint_target(e->reg, e->workload, word_of(value), hint));
}

static int axis_value(const struct entry *e, const void *arg, const cJSON *value, struct err *err)
{
	const struct param *axis = arg;
	struct param row = *axis;

	if (!strcmp(axis->name, "payload") && e->workload) {
		row = cell_payload_row(e->workload);
		if (!row.max)
			return err_set(err, -EINVAL,
				       "operations of workload \"%s\" carry no payload",
				       e->workload->name);
	}
	return param_check_json(&row, value, err);
}

/* The CPUs of the machine; where sysfs is not mounted, those this process may use. */
static void machine_cpus(cpu_set_t *set)
{
	char text[256];

	if (fs_read("/sys/devices/system/cpu/online", text, sizeof(text)) > 0) {
		text[strcspn(text, "\n")] = 0;
		if (!cpuset_parse(text, set))
			return;
	}
	sched_getaffinity(0, sizeof(*set), set);
}

static int cpus_value(const struct entry *e, const void *arg, const cJSON *value, struct err *err)
{
	char shown[JSON_SHOW_MAX], list[CPUS_TEXT_MAX];
	cpu_set_t wanted, there;

	(void)e;
	(void)arg;
	if (!cJSON_IsString(value))
		return err_set(err, -EINVAL,
			       "found %s, expected a list of CPUs in quotes (\"0-1\")",
			       json_show(value, shown));
	if (cell_parse_cpus(word_of(value), list, err) < 0)
		return -EINVAL;
	if (!list[0] || cpuset_parse(list, &wanted) < 0)
		return 0;
	machine_cpus(&there);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &wanted) && !CPU_ISSET(cpu, &there)) {
			if (cpuset_format(&there, list, sizeof(list)) < 0)
				strcpy(list, "many");
			return err_set(err, -EINVAL, "this machine has no CPU %d (it has %s)", cpu,
				       list);
		}
	return 0;
}

/* Targets of the entry that are targets of its workload, one after another; NULL at the end. */
static const struct target_ops *next_target(const struct entry *e, const cJSON **at)
{
	const cJSON *targets = cJSON_GetObjectItemCaseSensitive(e->json, "target");
	const struct target_ops *target = NULL;

	while (!target) {
		*at = *at ? values_next(targets, *at) : values_first(targets);
		if (!*at)
			return NULL;
		if (cJSON_IsString(*at))
			target = registry_target(e->reg, e->workload->name, word_of(*at));
	}
	return target;
}

/* A knob of the workload, or of those targets of the entry that have it. */
static int knob_value(const struct entry *e, const void *arg, const cJSON *value, struct err *err)
{
	const struct param *row = param_find(e->workload->params, arg);
	const struct target_ops *target;
	const cJSON *at = NULL;

	if (row)
		return param_check_json(row, value, err);
	while ((target = next_target(e, &at))) {
		row = param_find(target->params, arg);
		if (row && param_check_json(row, value, err) < 0)
			return -EINVAL;
	}
	return 0;
}

static void tell_missing_knob(struct entry *e, const struct target_ops *target, const char *knob)
{
	char hint[HINT_MAX];

	diag_error_key(e->diag, e->path->text, "%s/%s has no such knob%s", e->workload->name,
		       target->name, hint_knob(e->reg, target, knob, hint));
}

/* Every target of the entry must have a knob that is set, one of them a knob in a skip rule. */
static void check_knob_exists(struct entry *e, const char *knob, bool every)
{
	const struct target_ops *target, *lacking = NULL;
	const cJSON *at = NULL;
	bool found = false;

	if (param_find(e->workload->params, knob))
		return;
	while ((target = next_target(e, &at))) {
		if (param_find(target->params, knob)) {
			found = true;
			continue;
		}
		lacking = target;
		if (every)
			tell_missing_knob(e, target, knob);
	}
	if (lacking && !found && !every)
		tell_missing_knob(e, lacking, knob);
}

static void check_knobs(struct entry *e, const cJSON *with, bool every)
{
	size_t len = e->path->len;
	const cJSON *member;

	cJSON_ArrayForEach (member, with) {
		json_path_key(e->path, member->string);
		check_knob_exists(e, member->string, every);
		check_values(e, member, knob_value, member->string);
		json_path_cut(e->path, len);
	}
}

static void check_cpus(struct entry *e, const cJSON *cpus)
{
	size_t len = e->path->len;
	const cJSON *member;

	keys_check(e->diag, cpus, e->path, &role_keys, e);
	cJSON_ArrayForEach (member, cpus) {
		json_path_key(e->path, member->string);
		check_values(e, member, cpus_value, NULL);
		json_path_cut(e->path, len);
	}
}

static bool is_object_like(struct entry *e, const cJSON *value, const char *what)
{
	char shown[JSON_SHOW_MAX];

	if (cJSON_IsObject(value))
		return true;
	diag_error(e->diag, e->path->text, "found %s, expected %s", json_show(value, shown), what);
	return false;
}

static bool is_object(struct entry *e, const cJSON *value)
{
	return is_object_like(e, value, "an object");
}

/* Lists multiply at each role, not around them: an object has no place in a list of values. */
static bool is_cpus_object(struct entry *e, const cJSON *value)
{
	return is_object_like(
		e, value,
		cJSON_IsArray(value) ? "one object, with lists inside: {\"driver\": [\"0\", \"1\"]}"
				     : "an object: {\"driver\": \"0\"}");
}

/* What an entry and a skip rule have in common. */
static void check_member(struct entry *e, const cJSON *member, bool rule)
{
	const struct param *axis = param_find(axis_params, member->string);

	if (axis)
		check_values(e, member, axis_value, axis);
	else if (!strcmp(member->string, "target") && e->workload)
		check_values(e, member, target_value, NULL);
	else if (!strcmp(member->string, "cpus") && is_cpus_object(e, member))
		check_cpus(e, member);
	else if (!strcmp(member->string, "with") && is_object(e, member) && e->workload)
		check_knobs(e, member, !rule);
	else if (!strcmp(member->string, "probes") && !rule)
		probes_read(e->reg->prober, e->diag, member, e->path, &e->probes);
	else if (!strcmp(member->string, "gate") && !rule && e->workload && !e->gate)
		gate_names_read(e->reg, e->workload,
				cJSON_GetObjectItemCaseSensitive(e->json, "target"), e->diag,
				member, e->path, &e->gate);
}

static void check_members(struct entry *e, const cJSON *object, bool rule)
{
	size_t len = e->path->len;
	const cJSON *member;

	keys_check(e->diag, object, e->path, rule ? &rule_keys : &entry_keys, e);
	cJSON_ArrayForEach (member, object) {
		json_path_key(e->path, member->string);
		check_member(e, member, rule);
		json_path_cut(e->path, len);
	}
}

static void check_rules(struct entry *e)
{
	const cJSON *rules = cJSON_GetObjectItemCaseSensitive(e->json, "skip"), *rule;
	char shown[JSON_SHOW_MAX];
	size_t len = e->path->len, len_rules, i = 0;

	if (!rules)
		return;
	json_path_key(e->path, "skip");
	len_rules = e->path->len;
	if (!cJSON_IsArray(rules))
		diag_error(e->diag, e->path->text, "found %s, expected a list of rules",
			   json_show(rules, shown));
	else
		cJSON_ArrayForEach (rule, rules) {
			json_path_index(e->path, i++);
			if (is_object(e, rule) && !rule->child)
				diag_error(e->diag, e->path->text, "a rule without keys drops all");
			else if (cJSON_IsObject(rule))
				check_members(e, rule, true);
			json_path_cut(e->path, len_rules);
		}
	json_path_cut(e->path, len);
}

static void find_workload(struct entry *e)
{
	const cJSON *workload = cJSON_GetObjectItemCaseSensitive(e->json, "workload");
	char shown[JSON_SHOW_MAX], hint[NEAREST_HINT_MAX];
	size_t len = e->path->len;
	struct nearest n;

	if (!workload) {
		diag_error(e->diag, e->path->text, "\"workload\" is missing");
		return;
	}
	json_path_key(e->path, "workload");
	if (!cJSON_IsString(workload)) {
		diag_error(e->diag, e->path->text, "found %s, expected the name of a workload",
			   json_show(workload, shown));
	} else if (!(e->workload = registry_workload(e->reg, word_of(workload)))) {
		n = nearest_to(word_of(workload));
		for (size_t i = 0; e->reg->workloads[i]; i++)
			nearest_offer(&n, e->reg->workloads[i]->name);
		diag_error(e->diag, e->path->text, "workload %s is unknown%s",
			   json_quote(word_of(workload), shown), nearest_hint(&n, hint));
	}
	json_path_cut(e->path, len);
}

static void add_dims(struct entry *e, const char *group, const cJSON *object)
{
	const cJSON *member;

	cJSON_ArrayForEach (member, object) {
		if (!group &&
		    (!strcmp(member->string, "cpus") || !strcmp(member->string, "with"))) {
			add_dims(e, member->string, member);
			continue;
		}
		if (!group &&
		    (!strcmp(member->string, "skip") || !strcmp(member->string, "probes") ||
		     !strcmp(member->string, "gate")))
			continue;
		e->dims[e->n_dims++] = (struct dim){group, member->string, member};
	}
}

static int make_dims(struct entry *e)
{
	const cJSON *cpus = cJSON_GetObjectItemCaseSensitive(e->json, "cpus");
	const cJSON *with = cJSON_GetObjectItemCaseSensitive(e->json, "with");

	e->dims = calloc((size_t)(cJSON_GetArraySize(e->json) + cJSON_GetArraySize(cpus) +
				  cJSON_GetArraySize(with)),
			 sizeof(*e->dims));
	if (!e->dims)
		return -ENOMEM;
	add_dims(e, NULL, e->json);
	e->product = 1;
	for (size_t i = 0; i < e->n_dims; i++) {
		const cJSON *values = e->dims[i].values;
		uint64_t n = cJSON_IsArray(values) ? (uint64_t)cJSON_GetArraySize(values) : 1;

		if (__builtin_mul_overflow(e->product, n, &e->product))
			e->product = UINT64_MAX;
	}
	return 0;
}

int entry_read(struct entry *e)
{
	size_t errors = e->diag->errors.told;

	if (!is_object(e, e->json))
		return -EINVAL;
	find_workload(e);
	if (!cJSON_GetObjectItemCaseSensitive(e->json, "target"))
		diag_error(e->diag, e->path->text, "\"target\" is missing");
	check_members(e, e->json, false);
	check_rules(e);
	if (e->diag->errors.told != errors)
		return -EINVAL;
	return make_dims(e);
}

void entry_clear(struct entry *e)
{
	free(e->dims);
	cJSON_Delete(e->gate);
	e->dims = NULL;
	e->gate = NULL;
}

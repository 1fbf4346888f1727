// SPDX-License-Identifier: MIT
/*
 * A gate compares by ratio, or for counts by what is done for one operation: so a metric is gated
 * if it is a time, a rate or a size, and not the doing of a single operation, as a maximum is.
 */
#include "harness/matrix/matrix_gate.h"

#include <errno.h>
#include <string.h>

#include "harness/cell.h"
#include "harness/matrix/matrix_entry.h"
#include "harness/metric.h"
#include "harness/target.h"
#include "harness/util/cleanup.h"
#include "harness/util/nearest.h"
#include "harness/workload.h"

static const struct metric *find(const struct metric *rows, const char *name)
{
	for (; rows && rows->name; rows++)
		if (!strcmp(rows->name, name))
			return rows;
	return NULL;
}

const struct metric *gate_metric(const struct workload_ops *workload,
				 const struct target_ops *target, const char *name, bool *ret_count)
{
	const struct metric *m = find(count_metrics, name);

	*ret_count = m != NULL;
	if (!m)
		m = find(common_metrics, name);
	if (!m && workload)
		m = find(workload->metrics, name);
	if (!m && target)
		m = find(target->metrics, name);
	return m;
}

static const char *text_at(const cJSON *o, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
}

const char *gate_name(const cJSON *item)
{
	const char *name =
		cJSON_IsObject(item) ? text_at(item, "metric") : cJSON_GetStringValue(item);

	return name ? name : "";
}

static bool read_better(const cJSON *item, enum better *ret)
{
	const char *better = text_at(item, "better");

	for (int i = 0; better && i < BETTER_NONE; i++)
		if (!strcmp(better, better_names[i])) {
			*ret = (enum better)i;
			return true;
		}
	return false;
}

bool gate_find(const struct workload_ops *workload, const struct target_ops *target,
	       const cJSON *item, struct metric *ret, bool *ret_count)
{
	const struct metric *m = gate_metric(workload, target, gate_name(item), ret_count);
	const char *unit = text_at(item, "unit");

	if (m)
		*ret = *m;
	if (m || !cJSON_IsObject(item))
		return m;
	*ret = (struct metric){.name = gate_name(item), .unit = unit ? unit : "1", .help = ""};
	return workload && workload->runs_programs && read_better(item, &ret->better);
}

/* Whose metrics an item may be: of a workload and some of its targets, or of all. */
struct scope {
	const struct registry *reg;
	const struct workload_ops *workload; /* NULL: any */
	const cJSON *targets;
};

static bool is_in_scope(const struct scope *s, const struct target_ops *t)
{
	const cJSON *name;

	if (!s->workload)
		return true;
	if (strcmp(t->workload, s->workload->name))
		return false;
	for (name = values_first(s->targets); name; name = values_next(s->targets, name))
		if (cJSON_IsString(name) && !strcmp(name->valuestring, t->name))
			return true;
	return false;
}

static void offer(struct nearest *n, const struct metric *rows)
{
	for (; rows && rows->name; rows++)
		nearest_offer(n, rows->name);
}

/* An entry's must be known to all of its targets (*ret_lacks: one to which it is not), those at the
 * top level to any. */
static const struct metric *of_targets(const struct scope *s, const char *name, struct nearest *n,
				       const struct target_ops **ret_lacks)
{
	const struct target_ops *lacks = NULL;
	const struct metric *found = NULL;

	for (size_t i = 0; s->reg->targets[i]; i++) {
		const struct target_ops *t = s->reg->targets[i];
		const struct metric *m;

		if (!is_in_scope(s, t))
			continue;
		m = find(t->metrics, name);
		offer(n, t->metrics);
		found = m ? m : found;
		lacks = m || !s->workload ? lacks : t;
	}
	*ret_lacks = found ? lacks : NULL;
	return lacks ? NULL : found;
}

static const struct metric *look_up(const struct scope *s, const char *name, bool *ret_count,
				    struct nearest *n, const struct target_ops **ret_lacks)
{
	const struct metric *m = gate_metric(s->workload, NULL, name, ret_count);

	*ret_lacks = NULL;
	offer(n, common_metrics);
	offer(n, count_metrics);
	for (size_t i = 0; s->reg->workloads[i]; i++) {
		const struct workload_ops *w = s->reg->workloads[i];

		if (s->workload && s->workload != w)
			continue;
		m = m ? m : gate_metric(w, NULL, name, ret_count);
		offer(n, w->metrics);
	}
	return m ? m : of_targets(s, name, n, ret_lacks);
}

static bool is_maximum(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && !strcmp(name + len - 4, "_max");
}

bool gate_can_judge(const struct metric *m)
{
	return m->better != BETTER_NONE && !is_maximum(m->name) &&
	       (!strcmp(m->unit, "ns") || !strcmp(m->unit, "1/s") || !strcmp(m->unit, "bytes"));
}

static bool runs_programs(const struct scope *s)
{
	for (size_t i = 0; s->reg->workloads[i]; i++)
		if (s->reg->workloads[i]->runs_programs &&
		    (!s->workload || s->workload == s->reg->workloads[i]))
			return true;
	return false;
}

static int check_name(const struct scope *s, const char *name, struct err *err)
{
	char shown[JSON_SHOW_MAX], hint[NEAREST_HINT_MAX];
	struct nearest n = nearest_to(name);
	bool count;
	const struct target_ops *lacks;
	const struct metric *m = look_up(s, name, &count, &n, &lacks);

	if (lacks)
		return err_set(err, -EINVAL, "%s/%s has no metric %s", lacks->workload, lacks->name,
			       json_quote(name, shown));
	if (!m && runs_programs(s))
		return err_set(err, -EINVAL,
			       "metric %s is unknown%s; one that a program tells is declared: "
			       "{\"metric\": NAME, \"better\": \"lower\", \"unit\": \"ms\"}",
			       json_quote(name, shown), nearest_hint(&n, hint));
	if (!m)
		return err_set(err, -EINVAL, "metric %s is unknown%s", json_quote(name, shown),
			       nearest_hint(&n, hint));
	if (!count && !gate_can_judge(m))
		return err_set(err, -EINVAL,
			       "\"%s\" cannot be gated: it is no time, rate or size of many "
			       "operations of which less or more is better",
			       name);
	return 0;
}

/* Tells what else the declaration has. */
static int check_keys(const cJSON *item, struct err *err)
{
	const cJSON *member;
	char shown[JSON_SHOW_MAX];

	cJSON_ArrayForEach (member, item)
		if (strcmp(member->string, "metric") && strcmp(member->string, "better") &&
		    strcmp(member->string, "unit"))
			return err_set(err, -EINVAL,
				       "unknown key %s: a metric is declared by \"metric\", "
				       "\"better\" and \"unit\"",
				       json_quote(member->string, shown));
	return 0;
}

static int check_declaration(const struct scope *s, const cJSON *item, struct err *err)
{
	const cJSON *unit = cJSON_GetObjectItemCaseSensitive(item, "unit");
	struct nearest n = nearest_to("");
	const struct target_ops *lacks;
	char shown[JSON_SHOW_MAX];
	enum better better;
	bool count;

	if (!runs_programs(s))
		return err_set(err, -EINVAL,
			       "only what a program tells can be declared: name the metric alone");
	if (!metric_name_is_good(gate_name(item)))
		return err_set(err, -EINVAL,
			       "\"metric\" should be a name of up to %d letters, digits and _.-/",
			       METRIC_NAME_MAX - 1);
	if (look_up(s, gate_name(item), &count, &n, &lacks) || lacks)
		return err_set(err, -EINVAL, "%s is known: name it alone", gate_name(item));
	if (!read_better(item, &better))
		return err_set(err, -EINVAL, "\"better\" should be \"higher\" or \"lower\"");
	if (unit && (!cJSON_IsString(unit) || !metric_unit_is_good(unit->valuestring)))
		return err_set(err, -EINVAL,
			       "\"unit\" is %s, and should be a text of 1 to %d letters, digits "
			       "and other characters of ASCII, but none of \"<>&|`",
			       json_show(unit, shown), METRIC_UNIT_MAX - 1);
	return check_keys(item, err);
}

static int check_item(const struct scope *s, const cJSON *item, struct err *err)
{
	char shown[JSON_SHOW_MAX];

	if (cJSON_IsObject(item))
		return check_declaration(s, item, err);
	if (cJSON_IsString(item))
		return check_name(s, item->valuestring, err);
	return err_set(err, -EINVAL, "found %s, expected the name of a metric",
		       json_show(item, shown));
}

static const cJSON *find_item(const cJSON *list, const char *name)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, list)
		if (!strcmp(gate_name(item), name))
			return item;
	return NULL;
}

/* Adds an item, unless it is there. */
static int add_item(cJSON *items, const cJSON *item, struct err *err)
{
	const cJSON *known = find_item(items, gate_name(item));

	if (known && !cJSON_Compare(known, item, true))
		return err_set(err, -EINVAL, "%s is declared twice, and not alike",
			       gate_name(item));
	if (!known)
		cJSON_AddItemToArray(items, cJSON_Duplicate(item, true));
	return 0;
}

void gate_names_read(const struct registry *reg, const struct workload_ops *workload,
		     const cJSON *targets, struct diag *diag, const cJSON *value,
		     struct json_path *path, cJSON **ret)
{
	const struct scope scope = {reg, workload, targets};
	_cleanup_json_ cJSON *items = cJSON_CreateArray();
	size_t errors = diag->errors.told, len = path->len, i = 0;
	struct err err;

	for (const cJSON *v = values_first(value); v; v = values_next(value, v)) {
		int r = check_item(&scope, v, &err);

		if (cJSON_IsArray(value))
			json_path_index(path, i++);
		if (!r)
			r = add_item(items, v, &err);
		if (r)
			diag_error(diag, path->text, "%s", err.text);
		json_path_cut(path, len);
	}
	if (diag->errors.told == errors)
		*ret = take_ptr(items);
}

cJSON *gate_names_for(const cJSON *items, const struct cell *cell)
{
	cJSON *list = items ? cJSON_CreateArray() : NULL;
	const cJSON *item;
	struct metric m;
	bool count;

	cJSON_ArrayForEach (item, items)
		if (gate_find(cell->workload, cell->target, item, &m, &count))
			cJSON_AddItemToArray(list, cJSON_Duplicate(item, true));
	return list;
}

static const cJSON *first_but_counts(const cJSON *items)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, items)
		if (!find(count_metrics, gate_name(item)))
			return item;
	return NULL;
}

cJSON *gate_all(const struct target_ops *target, bool open_loop, const cJSON *listed)
{
	bool told = target && target->own_ops; /* and it heeds a rate as it likes */
	cJSON *all = cJSON_CreateArray();
	const cJSON *item = told ? first_but_counts(listed) : NULL;

	if (open_loop && !told)
		cJSON_AddItemToArray(all, cJSON_CreateStringReference("intended_p50"));
	/* The first is what the control goes by: never a count. */
	if (item)
		cJSON_AddItemReferenceToArray(all, (cJSON *)item);
	else
		cJSON_AddItemToArray(all, cJSON_CreateStringReference("throughput"));
	cJSON_ArrayForEach (item, listed)
		if (!find_item(all, gate_name(item)))
			cJSON_AddItemReferenceToArray(all, (cJSON *)item);
	return all;
}

// SPDX-License-Identifier: MIT
/*
 * A gate compares by ratio, or for counts by what is done for one operation: so a metric is gated
 * if it is a time, a rate or a size, and not the doing of a single operation, as a maximum is.
 */
#include "harness/matrix/matrix_gate.h"

#include <errno.h>
#include <string.h>

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

const struct metric *gate_metric(const struct workload_ops *workload, const char *name,
				 bool *ret_count)
{
	const struct metric *m = find(count_metrics, name);

	*ret_count = m != NULL;
	if (!m)
		m = find(common_metrics, name);
	if (!m && workload)
		m = find(workload->metrics, name);
	return m;
}

static void offer(struct nearest *n, const struct metric *rows)
{
	for (; rows && rows->name; rows++)
		nearest_offer(n, rows->name);
}

/* At the top level a metric of any workload is one. */
static const struct metric *look_up(const struct registry *reg, const struct workload_ops *workload,
				    const char *name, bool *ret_count, struct nearest *n)
{
	const struct metric *m = gate_metric(workload, name, ret_count);

	offer(n, common_metrics);
	offer(n, count_metrics);
	offer(n, workload ? workload->metrics : NULL);
	for (size_t i = 0; !m && !workload && reg->workloads[i]; i++) {
		m = gate_metric(reg->workloads[i], name, ret_count);
		offer(n, reg->workloads[i]->metrics);
	}
	return m;
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

static int check_name(const struct registry *reg, const struct workload_ops *workload,
		      const cJSON *value, struct err *err)
{
	const char *name = cJSON_GetStringValue(value);
	char shown[JSON_SHOW_MAX], hint[NEAREST_HINT_MAX];
	struct nearest n = nearest_to(name ? name : "");
	const struct metric *m;
	bool count;

	if (!name)
		return err_set(err, -EINVAL, "found %s, expected the name of a metric",
			       json_show(value, shown));
	m = look_up(reg, workload, name, &count, &n);
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

static bool has_name(const cJSON *list, const char *name)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, list)
		if (!strcmp(item->valuestring, name))
			return true;
	return false;
}

void gate_names_read(const struct registry *reg, const struct workload_ops *workload,
		     struct diag *diag, const cJSON *value, struct json_path *path, cJSON **ret)
{
	_cleanup_json_ cJSON *names = cJSON_CreateArray();
	size_t errors = diag->errors.told, len = path->len, i = 0;
	struct err err;

	for (const cJSON *v = values_first(value); v; v = values_next(value, v)) {
		if (cJSON_IsArray(value))
			json_path_index(path, i++);
		if (check_name(reg, workload, v, &err) < 0)
			diag_error(diag, path->text, "%s", err.text);
		else if (!has_name(names, v->valuestring))
			cJSON_AddItemToArray(names, cJSON_CreateString(v->valuestring));
		json_path_cut(path, len);
	}
	if (diag->errors.told == errors)
		*ret = take_ptr(names);
}

cJSON *gate_names_for(const cJSON *names, const struct workload_ops *workload)
{
	cJSON *list = names ? cJSON_CreateArray() : NULL;
	const cJSON *item;
	bool count;

	cJSON_ArrayForEach (item, names)
		if (gate_metric(workload, item->valuestring, &count))
			cJSON_AddItemToArray(list, cJSON_CreateString(item->valuestring));
	return list;
}

cJSON *gate_all(const struct target_ops *target, bool open_loop, const cJSON *listed)
{
	/* A program that makes its own load heeds a rate as it likes. */
	bool intended = open_loop && !(target && target->own_ops);
	cJSON *all = cJSON_CreateArray();
	const cJSON *item;

	if (intended)
		cJSON_AddItemToArray(all, cJSON_CreateStringReference("intended_p50"));
	cJSON_AddItemToArray(all, cJSON_CreateStringReference("throughput"));
	cJSON_ArrayForEach (item, listed)
		if (!has_name(all, item->valuestring))
			cJSON_AddItemReferenceToArray(all, (cJSON *)item);
	return all;
}

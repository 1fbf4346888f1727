// SPDX-License-Identifier: MIT
/*
 * A cell is built in two steps. Reading gives every axis and knob its value; checking asks what no
 * value alone can tell. Between them the matrix applies its skip rules, which may drop what the
 * check would refuse.
 */
#include "harness/cell.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/registry.h"
#include "harness/util/cleanup.h"
#include "harness/util/cpuset.h"
#include "harness/util/json.h"

static const char *const arrival_names[] = {
	[ARRIVAL_FIXED] = "fixed", [ARRIVAL_POISSON] = "poisson", NULL};

const struct param axis_params[] = {
	{.name = "threads",
	 .type = PARAM_INT,
	 .offset = offsetof(struct axes, threads),
	 .def = "1",
	 .min = 1,
	 .max = 1024,
	 .unit = "lanes",
	 .help = "lanes, each with a thread of its own"},
	{.name = "depth",
	 .type = PARAM_INT,
	 .offset = offsetof(struct axes, depth),
	 .min = 1,
	 .max = 32768,
	 .unit = "operations",
	 .help = "operations in flight per lane; the batch unless given"},
	{.name = "batch",
	 .type = PARAM_INT,
	 .offset = offsetof(struct axes, batch),
	 .def = "1",
	 .min = 1,
	 .max = 32768,
	 .unit = "operations",
	 .help = "operations submitted at once, at most depth"},
	{.name = "rate",
	 .type = PARAM_RATE,
	 .offset = offsetof(struct axes, rate),
	 .def = "0",
	 .max = 1000000000,
	 .unit = "1/s",
	 .help = "operations offered per second by all lanes together; 0 = closed loop"},
	{.name = "arrival",
	 .type = PARAM_ENUM,
	 .offset = offsetof(struct axes, arrival),
	 .def = "fixed",
	 .choices = arrival_names,
	 .help = "spacing of the intended starts under a rate"},
	{.name = "payload",
	 .type = PARAM_SIZE,
	 .offset = offsetof(struct axes, payload),
	 .help = "bytes of one operation, headers of the workload included"},
	PARAM_END,
};

struct param cell_payload_row(const struct workload_ops *workload)
{
	struct param row = *param_find(axis_params, "payload");

	row.min = workload->payload_min;
	row.max = workload->payload_max;
	return row;
}

int cell_parse_cpus(const char *text, char ret[static CPUS_TEXT_MAX], struct err *err)
{
	char shown[JSON_SHOW_MAX], list[CPUS_TEXT_MAX];
	cpu_set_t set;
	int rc;

	if (!*text) {
		ret[0] = 0;
		return 0;
	}
	rc = cpuset_parse(text, &set);
	if (rc == -ERANGE)
		return err_set(err, -EINVAL, "%s names a CPU above %d", json_quote(text, shown),
			       CPU_SETSIZE - 1);
	if (rc < 0)
		return err_set(err, -EINVAL, "%s is not a list of CPUs (\"0-1,3\")",
			       json_quote(text, shown));
	if (cpuset_format(&set, list, sizeof(list)) < 0)
		return err_set(err, -EINVAL, "%s takes more than %d characters",
			       json_quote(text, shown), CPUS_TEXT_MAX - 1);
	strcpy(ret, list);
	return 0;
}

const struct param *cell_find(const struct cell *cell, const char *name, const void **ret_config)
{
	const struct {
		const struct param *rows;
		const void *config;
	} tables[] = {{axis_params, &cell->axes},
		      {cell->workload->params, cell->workload_config},
		      {cell->target->params, cell->target_config}};

	for (size_t i = 0; i < array_size(tables); i++) {
		const struct param *row = param_find(tables[i].rows, name);

		if (row) {
			*ret_config = tables[i].config;
			return row;
		}
	}
	return NULL;
}

static int read_axis(struct cell *cell, const cJSON *entry, const struct param *axis,
		     struct err *err)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(entry, axis->name);
	bool payload = !strcmp(axis->name, "payload");
	struct param row = payload ? cell_payload_row(cell->workload) : *axis;

	if (!value)
		return 0;
	if (payload && !row.max)
		return err_set(err, -EINVAL, "payload: operations of workload \"%s\" carry none",
			       cell->workload->name);
	if (param_set_json(&row, value, &cell->axes, err) < 0)
		return err_wrap(err, -EINVAL, "%s", axis->name);
	return 0;
}

static int read_axes(struct cell *cell, const cJSON *entry, struct err *err)
{
	int rc = param_defaults(axis_params, &cell->axes);

	cell->axes.payload = cell->workload->payload_default;
	for (const struct param *axis = axis_params; !rc && axis->name; axis++)
		rc = read_axis(cell, entry, axis, err);
	if (!rc && !cJSON_GetObjectItemCaseSensitive(entry, "depth"))
		cell->axes.depth = cell->axes.batch;
	return rc;
}

static int read_cpus(struct cell *cell, const cJSON *entry, struct err *err)
{
	const cJSON *cpus = cJSON_GetObjectItemCaseSensitive(entry, "cpus"), *value;
	char shown[JSON_SHOW_MAX];

	for (size_t i = 0; i < ROLE_COUNT; i++) {
		value = cJSON_GetObjectItemCaseSensitive(cpus, role_names[i]);
		if (!value)
			continue;
		if (!cJSON_IsString(value))
			return err_set(err, -EINVAL, "cpus.%s: found %s, expected a text",
				       role_names[i], json_show(value, shown));
		if (cell_parse_cpus(value->valuestring, cell->axes.cpus[i], err) < 0)
			return err_wrap(err, -EINVAL, "cpus.%s", role_names[i]);
	}
	return 0;
}

static int read_knobs(struct cell *cell, const cJSON *entry, struct err *err)
{
	const cJSON *with = cJSON_GetObjectItemCaseSensitive(entry, "with"), *value;

	if (param_defaults(cell->workload->params, cell->workload_config) < 0 ||
	    param_defaults(cell->target->params, cell->target_config) < 0)
		return err_set(err, -EINVAL, "a knob of %s/%s has a bad default",
			       cell->workload->name, cell->target->name);
	cJSON_ArrayForEach (value, with) {
		const struct param *row = param_find(cell->workload->params, value->string);
		void *config = cell->workload_config;

		if (!row) {
			row = param_find(cell->target->params, value->string);
			config = cell->target_config;
		}
		if (!row)
			return err_set(err, -EINVAL, "with.%s: %s/%s has no such knob",
				       value->string, cell->workload->name, cell->target->name);
		if (param_set_json(row, value, config, err) < 0)
			return err_wrap(err, -EINVAL, "with.%s", value->string);
	}
	return 0;
}

/* A cell may come from another build: what this one does not know must not be dropped unseen. */
static int check_keys(const cJSON *entry, struct err *err)
{
	const cJSON *cpus = cJSON_GetObjectItemCaseSensitive(entry, "cpus"), *member;

	cJSON_ArrayForEach (member, entry) {
		if (strcmp(member->string, "workload") && strcmp(member->string, "target") &&
		    strcmp(member->string, "cpus") && strcmp(member->string, "with") &&
		    !param_find(axis_params, member->string))
			return err_set(err, -EINVAL, "%s: unknown key", member->string);
	}
	cJSON_ArrayForEach (member, cpus) {
		size_t i = 0;

		while (i < ROLE_COUNT && strcmp(role_names[i], member->string))
			i++;
		if (i == ROLE_COUNT)
			return err_set(err, -EINVAL, "cpus.%s: unknown key", member->string);
	}
	return 0;
}

static int find_plugins(const struct registry *reg, const cJSON *entry, struct cell *cell,
			struct err *err)
{
	const cJSON *workload = cJSON_GetObjectItemCaseSensitive(entry, "workload");
	const cJSON *target = cJSON_GetObjectItemCaseSensitive(entry, "target");

	if (!cJSON_IsString(workload) || !cJSON_IsString(target))
		return err_set(err, -EINVAL, "workload and target must both be given");
	cell->workload = registry_workload(reg, workload->valuestring);
	if (!cell->workload)
		return err_set(err, -EINVAL, "workload \"%s\" is unknown", workload->valuestring);
	cell->target = registry_target(reg, workload->valuestring, target->valuestring);
	if (!cell->target)
		return err_set(err, -EINVAL, "workload \"%s\" has no target \"%s\"",
			       workload->valuestring, target->valuestring);
	return 0;
}

static void cleanup_cell(struct cell **cell)
{
	cell_free(*cell);
}

int cell_read(const struct registry *reg, const cJSON *entry, struct err *err, struct cell **ret)
{
	_cleanup_(cleanup_cell) struct cell *cell = calloc(1, sizeof(*cell));
	int rc;

	if (!cell)
		return err_sys(err, -ENOMEM, "cell");
	if (!cJSON_IsObject(entry))
		return err_set(err, -EINVAL, "a cell must be an object");
	rc = check_keys(entry, err);
	if (!rc)
		rc = find_plugins(reg, entry, cell, err);
	if (rc)
		return rc;
	/* One byte more: a plugin without knobs has a config all the same. */
	cell->workload_config = calloc(1, cell->workload->config_size + 1);
	cell->target_config = calloc(1, cell->target->config_size + 1);
	cell->stated = cJSON_Duplicate(entry, true);
	if (!cell->workload_config || !cell->target_config || !cell->stated)
		return err_sys(err, -ENOMEM, "cell");
	rc = read_axes(cell, entry, err);
	if (!rc)
		rc = read_cpus(cell, entry, err);
	if (!rc)
		rc = read_knobs(cell, entry, err);
	if (rc)
		return rc;
	if (cell_identify(cell) < 0)
		return err_sys(err, -ENOMEM, "cell");
	*ret = take_ptr(cell);
	return 0;
}

int cell_check(const struct cell *cell, struct err *err)
{
	int rc = 0;

	if (cell->axes.batch > cell->axes.depth)
		return err_set(err, -EINVAL, "batch %" PRIu64 " is above depth %" PRIu64,
			       cell->axes.batch, cell->axes.depth);
	if (cell->axes.arrival != ARRIVAL_FIXED && !cell->axes.rate)
		return err_set(err, -EINVAL, "arrival %s needs a rate",
			       arrival_names[cell->axes.arrival]);
	if (cell->workload->check_cell)
		rc = cell->workload->check_cell(cell, err);
	if (!rc && cell->target->check_cell)
		rc = cell->target->check_cell(cell, err);
	return rc;
}

int cell_from_json(const struct registry *reg, const cJSON *entry, struct err *err,
		   struct cell **ret)
{
	_cleanup_(cleanup_cell) struct cell *cell = NULL;
	int rc = cell_read(reg, entry, err, &cell);

	if (!rc)
		rc = cell_check(cell, err);
	if (!rc)
		*ret = take_ptr(cell);
	return rc;
}

void cell_free(struct cell *cell)
{
	if (!cell)
		return;
	free(cell->workload_config);
	free(cell->target_config);
	cJSON_Delete(cell->gate);
	cJSON_Delete(cell->stated);
	free(cell);
}

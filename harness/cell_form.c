// SPDX-License-Identifier: MIT
/*
 * A cell told to others: its identity, its description in records, its label for people.
 *
 * The canonical form behind the identity is "workload/target" and the sorted lines "key=value" of
 * everything that differs from its default, values plain. Adding a knob whose default is the old
 * behaviour therefore changes no identity.
 */
#include "harness/cell.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/registry.h"
#include "harness/util/cleanup.h"
#include "harness/util/fnv.h"

/* Calls fn for every axis that this cell has, then for every knob. */
static int each_param(const struct cell *cell, void *arg,
		      int (*fn)(void *arg, const struct cell *cell, const struct param *row,
				const void *config))
{
	const struct param *knobs[] = {cell->workload->params, cell->target->params};
	const void *configs[] = {cell->workload_config, cell->target_config};
	int rc = 0;

	for (const struct param *row = axis_params; !rc && row->name; row++)
		rc = fn(arg, cell, row, &cell->axes);
	for (size_t i = 0; i < array_size(knobs); i++)
		for (const struct param *row = knobs[i]; !rc && row && row->name; row++)
			rc = fn(arg, cell, row, configs[i]);
	return rc;
}

static bool is_default(const struct cell *cell, const struct param *row, const void *config)
{
	if (row->offset == offsetof(struct axes, depth) && config == &cell->axes)
		return cell->axes.depth == cell->axes.batch;
	if (row->offset == offsetof(struct axes, payload) && config == &cell->axes)
		return cell->axes.payload == cell->workload->payload_default;
	return param_is_default(row, config);
}

struct lines {
	char **items;
	size_t n, room;
};

static int lines_add(struct lines *lines, const char *key, const char *value)
{
	if (lines->n == lines->room) {
		size_t room = lines->room ? 2 * lines->room : 16;
		char **items = realloc(lines->items, room * sizeof(*items));

		if (!items)
			return -ENOMEM;
		lines->items = items;
		lines->room = room;
	}
	if (asprintf(&lines->items[lines->n], "%s=%s", key, value) < 0)
		return -ENOMEM;
	lines->n++;
	return 0;
}

static void lines_free(struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		free(lines->items[i]);
	free(lines->items);
}

static int lines_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_line(void *arg, const struct cell *cell, const struct param *row, const void *config)
{
	char value[PARAM_STRING_MAX];

	if (is_default(cell, row, config))
		return 0;
	return lines_add(arg, row->name, param_text(row, config, true, value));
}

int cell_identify(struct cell *cell)
{
	_cleanup_(lines_free) struct lines lines = {0};
	uint64_t hash = FNV_START;
	char key[32];
	int rc = each_param(cell, &lines, add_line);

	for (size_t i = 0; !rc && i < ROLE_COUNT; i++) {
		snprintf(key, sizeof(key), "cpus.%s", role_names[i]);
		if (cell->axes.cpus[i][0])
			rc = lines_add(&lines, key, cell->axes.cpus[i]);
	}
	if (rc)
		return rc;
	if (lines.n)
		qsort(lines.items, lines.n, sizeof(*lines.items), lines_compare);
	hash = fnv_text(hash, cell->workload->name);
	hash = fnv_text(hash, "/");
	hash = fnv_text(hash, cell->target->name);
	for (size_t i = 0; i < lines.n; i++) {
		hash = fnv_text(hash, "\n");
		hash = fnv_text(hash, lines.items[i]);
	}
	snprintf(cell->id, sizeof(cell->id), "%012" PRIx64, hash >> 16);
	return 0;
}

static int add_to(cJSON *object, const char *key, cJSON *value)
{
	if (value && cJSON_AddItemToObject(object, key, value))
		return 0;
	cJSON_Delete(value);
	return -ENOMEM;
}

struct description {
	cJSON *axes, *knobs;
};

static int describe_param(void *arg, const struct cell *cell, const struct param *row,
			  const void *config)
{
	struct description *d = arg;

	return add_to(config == &cell->axes ? d->axes : d->knobs, row->name,
		      param_get_json(row, config));
}

cJSON *cell_describe(const struct cell *cell)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	struct description d;
	cJSON *cpus;
	int rc;

	cJSON_AddStringToObject(o, "id", cell->id);
	cJSON_AddStringToObject(o, "workload", cell->workload->name);
	cJSON_AddStringToObject(o, "target", cell->target->name);
	d.axes = cJSON_AddObjectToObject(o, "axes");
	d.knobs = cJSON_AddObjectToObject(o, "knobs");
	rc = each_param(cell, &d, describe_param);
	cpus = cJSON_AddObjectToObject(d.axes, "cpus");
	for (size_t i = 0; !rc && i < ROLE_COUNT; i++)
		rc = add_to(cpus, role_names[i], cJSON_CreateString(cell->axes.cpus[i]));
	return rc ? NULL : take_ptr(o);
}

static int label_param(void *arg, const struct cell *cell, const struct param *row,
		       const void *config)
{
	bool depth = config == &cell->axes && row->offset == offsetof(struct axes, depth);
	char value[PARAM_STRING_MAX];

	/* People look for the depth even where it follows from the batch. */
	if (depth ? cell->axes.depth == 1 : is_default(cell, row, config))
		return 0;
	param_text(row, config, false, value);
	for (char *c = value; *c; c++) /* a label is one line */
		if (iscntrl((unsigned char)*c))
			*c = ' ';
	fprintf(arg, " %s=%s", row->name, value);
	return 0;
}

char *cell_label(const struct cell *cell)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fprintf(out, "%s/%s", cell->workload->name, cell->target->name);
	each_param(cell, out, label_param);
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (cell->axes.cpus[i][0])
			fprintf(out, " cpus.%s=%s", role_names[i], cell->axes.cpus[i]);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

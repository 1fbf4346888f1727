// SPDX-License-Identifier: MIT
/*
 * Probes are a set, not an axis: a list of them does not multiply, and a cell is the same cell
 * whether it is watched or not. So they are read beside the dims of an entry, and the hash of a
 * matrix without them is what it was before there were any.
 */
#include "harness/matrix/matrix_probes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/matrix/matrix_entry.h"
#include "harness/util/cleanup.h"
#include "harness/util/fnv.h"

static bool stands_alone(const char *name)
{
	return !strcmp(name, "all") || !strcmp(name, "none");
}

static int add_name(const struct prober_ops *ops, const cJSON *value, bool in_list, unsigned *set,
		    struct err *err)
{
	const char *name = cJSON_GetStringValue(value);
	char shown[JSON_SHOW_MAX];

	if (!name)
		return err_set(err, -EINVAL, "found %s, expected %s", json_show(value, shown),
			       in_list ? "the name of a probe"
				       : "\"all\", \"none\" or a list of probes");
	if (in_list && stands_alone(name))
		return err_set(err, -EINVAL, "\"%s\" stands alone, not in a list", name);
	return probe_set_add(ops, name, set, err);
}

void probes_read(const struct prober_ops *ops, struct diag *diag, const cJSON *value,
		 struct json_path *path, unsigned *set)
{
	size_t errors = diag->errors.told, len = path->len, i = 0;
	bool list = cJSON_IsArray(value);
	unsigned found = 0;
	struct err err;

	for (const cJSON *v = values_first(value); v; v = values_next(value, v)) {
		if (list)
			json_path_index(path, i++);
		if (add_name(ops, v, list, &found, &err) < 0)
			diag_error(diag, path->text, "%s", err.text);
		json_path_cut(path, len);
	}
	if (diag->errors.told == errors)
		*set = found;
}

void probe_knobs_read(const struct prober_ops *ops, struct diag *diag, const cJSON *knobs,
		      struct matrix *m)
{
	static const char *const no_words[] = {NULL};
	const struct param *const tables[] = {ops ? ops->params : NULL, NULL};
	const struct keys keys = {no_words, tables, NULL};
	_cleanup_free_ struct json_path *path = calloc(1, sizeof(*path));
	char shown[JSON_SHOW_MAX];
	const cJSON *member;
	struct err err;

	if (!knobs)
		return;
	if (!path || !cJSON_IsObject(knobs)) {
		diag_error(diag, "probe_knobs", "found %s, expected an object",
			   json_show(knobs, shown));
		return;
	}
	json_path_key(path, "probe_knobs");
	keys_check(diag, knobs, path, &keys, NULL);
	cJSON_ArrayForEach (member, knobs) {
		const struct param *row = param_find(tables[0], member->string);
		size_t len = path->len;

		json_path_key(path, member->string);
		if (row && param_set_json(row, member, m->probe_config, &err) < 0)
			diag_error(diag, path->text, "%s", err.text);
		json_path_cut(path, len);
	}
}

static uint64_t hash_set(const struct prober_ops *ops, unsigned set, uint64_t hash)
{
	for (size_t i = 0; ops->probes[i].name; i++)
		if (set & 1u << i)
			hash = fnv_text(fnv_text(hash, ops->probes[i].name), "\n");
	return hash;
}

uint64_t probes_hash(const struct prober_ops *ops, const struct matrix *m, uint64_t hash)
{
	char value[PARAM_STRING_MAX];

	for (size_t i = 0; i < m->n_cells; i++)
		if (m->cells[i]->probes)
			hash = hash_set(ops, m->cells[i]->probes, fnv_text(hash, m->cells[i]->id));
	for (const struct param *row = ops ? ops->params : NULL; row && row->name; row++) {
		if (param_is_default(row, m->probe_config))
			continue;
		hash = fnv_text(fnv_text(hash, row->name), "=");
		hash = fnv_text(hash, param_text(row, m->probe_config, true, value));
		hash = fnv_text(hash, "\n");
	}
	return hash;
}

void matrix_set_probes(struct matrix *m, unsigned set)
{
	m->probes = set;
	for (size_t i = 0; i < m->n_cells; i++)
		m->cells[i]->probes = set;
}

uint64_t matrix_probed_runs(const struct matrix *m, uint64_t repeats)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->n_cells; i++)
		n += m->cells[i]->probes != 0;
	return n * repeats;
}

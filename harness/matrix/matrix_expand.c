// SPDX-License-Identifier: MIT
/*
 * Multiplying an entry out, like an odometer: one finger per dim points at its current value, the
 * last dim turns fastest. Each position is written down as an entry in which everything has one
 * value, and becomes a cell the same way as in a child process, by cell_read and cell_check.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/matrix/matrix_entry.h"
#include "harness/matrix/matrix_gate.h"
#include "harness/util/cleanup.h"

struct odometer {
	const struct entry *entry;
	const cJSON **at; /* [entry->n_dims] */
};

static bool turn(struct odometer *o)
{
	for (size_t i = o->entry->n_dims; i-- > 0;) {
		const cJSON *values = o->entry->dims[i].values;

		o->at[i] = values_next(values, o->at[i]);
		if (o->at[i])
			return true;
		o->at[i] = values_first(values);
	}
	return false;
}

static cJSON *state_entry(const struct odometer *o)
{
	_cleanup_json_ cJSON *stated = cJSON_CreateObject();

	for (size_t i = 0; stated && i < o->entry->n_dims; i++) {
		const struct dim *dim = &o->entry->dims[i];
		cJSON *object = stated, *value = cJSON_Duplicate(o->at[i], true);

		if (dim->group) {
			object = cJSON_GetObjectItemCaseSensitive(stated, dim->group);
			if (!object)
				object = cJSON_AddObjectToObject(stated, dim->group);
		}
		if (!object || !value || !cJSON_AddItemToObject(object, dim->name, value)) {
			cJSON_Delete(value);
			return NULL;
		}
	}
	return take_ptr(stated);
}

static bool any_value(const cJSON *values, bool (*is)(const void *, const cJSON *), const void *arg)
{
	for (const cJSON *v = values_first(values); v; v = values_next(values, v))
		if (is(arg, v))
			return true;
	return false;
}

static bool is_text(const void *arg, const cJSON *value)
{
	return cJSON_IsString(value) && !strcmp(arg, value->valuestring);
}

static bool is_cpus(const void *arg, const cJSON *value)
{
	char list[CPUS_TEXT_MAX];

	return cJSON_IsString(value) && !cell_parse_cpus(value->valuestring, list, NULL) &&
	       !strcmp(arg, list);
}

struct setting {
	const struct param *row;
	const void *config;
};

static bool is_setting(const void *arg, const cJSON *value)
{
	const struct setting *s = arg;

	return param_is_json(s->row, s->config, value);
}

static bool param_matches(const struct cell *cell, const cJSON *member)
{
	struct setting s;
	struct param payload;

	s.row = cell_find(cell, member->string, &s.config);
	if (!s.row)
		return false;
	if (s.config == &cell->axes && !strcmp(s.row->name, "payload")) {
		payload = cell_payload_row(cell->workload);
		s.row = &payload;
	}
	return any_value(member, is_setting, &s);
}

static bool cpus_match(const struct cell *cell, const cJSON *cpus)
{
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		const cJSON *values = cJSON_GetObjectItemCaseSensitive(cpus, role_names[i]);

		if (values && !any_value(values, is_cpus, cell->axes.cpus[i]))
			return false;
	}
	return true;
}

/* Does the cell match every key of the rule? */
static bool rule_matches(const struct cell *cell, const cJSON *rule)
{
	const cJSON *member, *knob;

	cJSON_ArrayForEach (member, rule) {
		if (!strcmp(member->string, "target")) {
			if (!any_value(member, is_text, cell->target->name))
				return false;
		} else if (!strcmp(member->string, "cpus")) {
			if (!cpus_match(cell, member))
				return false;
		} else if (!strcmp(member->string, "with")) {
			cJSON_ArrayForEach (knob, member)
				if (!param_matches(cell, knob))
					return false;
		} else if (!param_matches(cell, member)) {
			return false;
		}
	}
	return true;
}

/* Asks all rules, so that one that never matches is known: hits[i] counts for rule i. */
static bool skipped(const struct entry *e, const struct cell *cell, uint64_t *hits)
{
	const cJSON *rules = cJSON_GetObjectItemCaseSensitive(e->json, "skip"), *rule;
	bool any = false;
	size_t i = 0;

	cJSON_ArrayForEach (rule, rules) {
		if (rule_matches(cell, rule)) {
			hits[i]++;
			any = true;
		}
		i++;
	}
	return any;
}

static void note_rules(struct entry *e, const uint64_t *hits, uint64_t n_skipped)
{
	const cJSON *rules = cJSON_GetObjectItemCaseSensitive(e->json, "skip");
	size_t len = e->path->len, len_rules, n = (size_t)cJSON_GetArraySize(rules);

	if (n_skipped)
		diag_note(e->diag, e->path->text,
			  "skip rules drop %" PRIu64 " of %" PRIu64 " cells", n_skipped,
			  e->product);
	json_path_key(e->path, "skip");
	len_rules = e->path->len;
	for (size_t i = 0; i < n; i++) {
		json_path_index(e->path, i);
		if (!hits[i])
			diag_note(e->diag, e->path->text, "this rule matches no cell");
		json_path_cut(e->path, len_rules);
	}
	json_path_cut(e->path, len);
}

/* Tells what cell_check found, at the batch when that is what is wrong. */
static void tell_check(struct odometer *o, struct entry *e, const struct cell *cell,
		       const char *text)
{
	size_t len = e->path->len, index = 0;

	for (size_t i = 0; cell->axes.batch > cell->axes.depth && i < e->n_dims; i++) {
		if (e->dims[i].group || strcmp(e->dims[i].name, "batch"))
			continue;
		json_path_key(e->path, "batch");
		for (const cJSON *v = values_first(e->dims[i].values); v != o->at[i]; v = v->next)
			index++;
		if (cJSON_IsArray(e->dims[i].values))
			json_path_index(e->path, index);
	}
	diag_error(e->diag, e->path->text, "%s/%s: %s", cell->workload->name, cell->target->name,
		   text);
	json_path_cut(e->path, len);
}

/* The cell at the odometer's position: into m->cells, dropped by a rule, or told to be wrong. */
static int add_cell(struct odometer *o, struct entry *e, struct matrix *m, uint64_t *hits,
		    uint64_t *n_skipped)
{
	_cleanup_json_ cJSON *stated = state_entry(o);
	struct cell *cell;
	struct err err;
	int rc;

	if (!stated)
		return -ENOMEM;
	rc = cell_read(e->reg, stated, &err, &cell);
	if (rc) {
		diag_error(e->diag, e->path->text, "%s", err.text);
		return rc;
	}
	if (skipped(e, cell, hits)) {
		(*n_skipped)++;
		cell_free(cell);
		return 0;
	}
	if (cell_check(cell, &err) < 0) {
		tell_check(o, e, cell, err.text);
		cell_free(cell);
		return 0;
	}
	cell->probes = e->probes;
	cell->gate = e->gate ? cJSON_Duplicate(e->gate, true) : gate_names_for(m->gate, cell);
	if ((e->gate || m->gate) && !cell->gate) {
		cell_free(cell);
		return -ENOMEM;
	}
	m->cells[m->n_cells++] = cell;
	return 0;
}

int entry_expand(struct entry *e, struct matrix *m)
{
	const cJSON *rules = cJSON_GetObjectItemCaseSensitive(e->json, "skip");
	_cleanup_free_ uint64_t *hits =
		calloc((size_t)cJSON_GetArraySize(rules) + 1, sizeof(*hits));
	_cleanup_free_ const cJSON **at = calloc(e->n_dims, sizeof(*at));
	struct odometer o = {.entry = e, .at = at};
	size_t errors = e->diag->errors.told;
	uint64_t n_skipped = 0;
	int rc;

	if (!hits || !at)
		return -ENOMEM;
	for (size_t i = 0; i < e->n_dims; i++)
		at[i] = values_first(e->dims[i].values);
	do {
		rc = add_cell(&o, e, m, hits, &n_skipped);
		if (rc)
			return rc;
	} while (turn(&o));
	note_rules(e, hits, n_skipped);
	m->n_skipped += n_skipped;
	return e->diag->errors.told == errors ? 0 : -EINVAL;
}

// SPDX-License-Identifier: MIT
/*
 * An override is written into a copy of what the matrix states, and the cell is read from that like
 * any other: the same values are legal, and a combination that makes no sense is refused. The
 * identity that is told to others stays that of the matrix's cell.
 */
#include "harness/paired/overrides.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/registry.h"
#include "harness/util/cleanup.h"
#include "harness/util/nearest.h"

#define WORD_MAX 64

struct override {
	char workload[WORD_MAX], target[WORD_MAX], knob[WORD_MAX]; /* target "": any */
	const char *value;
};

static int cut_word(const char *from, size_t len, char to[static WORD_MAX])
{
	if (!len || len >= WORD_MAX)
		return -EINVAL;
	memcpy(to, from, len);
	to[len] = 0;
	return 0;
}

static int parse(const char *text, struct override *ret, struct err *err)
{
	const char *dot = strchr(text, '.'), *equals = strchr(text, '='), *slash;
	struct override o = {.target = ""};
	int r = dot && equals && dot < equals ? 0 : -EINVAL;

	slash = r ? NULL : memchr(text, '/', (size_t)(dot - text));
	if (!r)
		r = cut_word(text, (size_t)((slash ? slash : dot) - text), o.workload);
	if (!r && slash)
		r = cut_word(slash + 1, (size_t)(dot - slash - 1), o.target);
	if (!r)
		r = cut_word(dot + 1, (size_t)(equals - dot - 1), o.knob);
	if (r)
		return err_set(err, r, "\"%s\" is not WORKLOAD[/TARGET].KNOB=VALUE", text);
	o.value = equals + 1;
	*ret = o;
	return 0;
}

static bool is_for(const struct override *o, const struct cell *cell)
{
	return !strcmp(o->workload, cell->workload->name) &&
	       (!o->target[0] || !strcmp(o->target, cell->target->name));
}

/* As it would stand in a matrix. The text is one that the row takes. */
static cJSON *value_json(const struct param *row, const char *text)
{
	if (row->type == PARAM_INT)
		return cJSON_CreateNumber((double)strtoull(text, NULL, 10));
	if (row->type == PARAM_BOOL)
		return cJSON_CreateBool(!strcmp(text, "true"));
	return cJSON_CreateString(text);
}

static void put(cJSON *object, const char *key, cJSON *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	cJSON_AddItemToObject(object, key, value);
}

/* A set for a whole workload is for those of its targets that have the knob. */
static int apply(const struct override *o, const struct cell *cell, const char *text, cJSON *stated,
		 bool *used, struct err *err)
{
	const void *config;
	const struct param *row = cell_find(cell, o->knob, &config);
	struct param payload;
	cJSON *with;
	int r;

	if (!row && !o->target[0])
		return 0;
	*used = true;
	if (!row)
		return err_set(err, -EINVAL, "\"%s\": %s/%s has no knob and no axis \"%s\"", text,
			       cell->workload->name, cell->target->name, o->knob);
	if (config == &cell->axes && !strcmp(row->name, "payload")) {
		payload = cell_payload_row(cell->workload);
		row = &payload;
	}
	r = param_check_text(row, o->value, err);
	if (r)
		return err_wrap(err, -EINVAL, "\"%s\"", text);
	if (config == &cell->axes) {
		put(stated, o->knob, value_json(row, o->value));
		return 0;
	}
	with = cJSON_GetObjectItemCaseSensitive(stated, "with");
	if (!with)
		with = cJSON_AddObjectToObject(stated, "with");
	put(with, o->knob, value_json(row, o->value));
	return 0;
}

/* used[i]: set i was of use. */
static int make_cell(const struct registry *reg, const char *const *sets, unsigned n_sets,
		     const struct cell *cell, bool *used, struct cell **ret, struct err *err)
{
	_cleanup_json_ cJSON *stated = cJSON_Duplicate(cell->stated, true);
	_cleanup_free_ char *label = cell_label(cell);
	struct override o;
	int r = 0;

	for (unsigned i = 0; !r && i < n_sets; i++) {
		r = parse(sets[i], &o, err);
		if (r || !is_for(&o, cell))
			continue;
		r = apply(&o, cell, sets[i], stated, &used[i], err);
	}
	if (r)
		return r;
	r = cell_from_json(reg, stated, err, ret);
	if (r)
		return err_wrap(err, r, "%s", label ? label : cell->id);
	(*ret)->probes = cell->probes;
	return 0;
}

static void offer_rows(struct nearest *n, const struct param *row)
{
	for (; row && row->name; row++)
		nearest_offer(n, row->name);
}

/* Either the matrix has no such cells, or these have no such knob: then the nearest is told. */
static int of_no_use(const char *set, struct cell *const *cells, size_t n, struct err *err)
{
	char hint[NEAREST_HINT_MAX];
	struct nearest nearest;
	struct override o;
	bool found = false;
	int r = parse(set, &o, err);

	if (r)
		return r;
	nearest = nearest_to(o.knob);
	for (size_t i = 0; i < n; i++) {
		if (!is_for(&o, cells[i]))
			continue;
		found = true;
		offer_rows(&nearest, axis_params);
		offer_rows(&nearest, cells[i]->workload->params);
		offer_rows(&nearest, cells[i]->target->params);
	}
	if (!found)
		return err_set(err, -EINVAL, "\"%s\" is for no cell of the matrix", set);
	return err_set(err, -EINVAL, "\"%s\": no cell of %s has a knob or an axis \"%s\"%s", set,
		       o.workload, o.knob, nearest_hint(&nearest, hint));
}

/* Which of the two is meant? */
static int check_twice(const char *const *sets, unsigned n_sets, struct err *err)
{
	struct override a, b;

	for (unsigned i = 1; i < n_sets; i++)
		for (unsigned k = 0; k < i; k++) {
			int r = parse(sets[i], &a, err);

			if (!r)
				r = parse(sets[k], &b, err);
			if (r)
				return r;
			if (!strcmp(a.workload, b.workload) && !strcmp(a.target, b.target) &&
			    !strcmp(a.knob, b.knob))
				return err_set(err, -EINVAL, "\"%s\" and \"%s\" set the same",
					       sets[k], sets[i]);
		}
	return 0;
}

int overrides_apply(const struct registry *reg, const char *const *sets, unsigned n_sets,
		    struct cell *const *cells, size_t n, struct cell ***ret, struct err *err)
{
	_cleanup_free_ bool *used = calloc(n_sets + 1, sizeof(*used));
	struct cell **made = calloc(n + 1, sizeof(*made));
	int r = used && made ? check_twice(sets, n_sets, err) : err_sys(err, -ENOMEM, "cells");

	for (size_t i = 0; !r && i < n; i++)
		r = make_cell(reg, sets, n_sets, cells[i], used, &made[i], err);
	for (unsigned i = 0; !r && i < n_sets; i++)
		if (!used[i])
			r = of_no_use(sets[i], cells, n, err);
	if (r) {
		overrides_free(made, n);
		return r;
	}
	*ret = made;
	return 0;
}

void overrides_free(struct cell **cells, size_t n)
{
	for (size_t i = 0; cells && i < n; i++)
		cell_free(cells[i]);
	free(cells);
}

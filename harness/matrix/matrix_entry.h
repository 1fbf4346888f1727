/* SPDX-License-Identifier: MIT */
/*
 * One entry of `cells`, in two steps: every value is checked by itself and told with its place; an
 * entry without an error is then multiplied out. Belongs to matrix.c.
 */
#pragma once

#include "harness/matrix/matrix.h"

/* One axis, role or knob of an entry, or its targets: the values it takes in turn. */
struct dim {
	const char *group; /* the object of the entry it is in: "cpus" or "with"; NULL: the entry */
	const char *name;
	const cJSON *values; /* one value, or a list of them */
};

struct entry {
	const struct registry *reg;
	struct diag *diag;
	const cJSON *json;
	struct json_path *path; /* "cells[2]"; shared by all entries */
	const struct workload_ops *workload;
	unsigned probes;  /* the matrix's, until the entry says otherwise */
	cJSON *gate;	  /* as the entry says; NULL: as the matrix does */
	struct dim *dims; /* what multiplies, in the order of the text */
	size_t n_dims;
	uint64_t product; /* cells before skip rules; UINT64_MAX: that many or more */
};

/* reg, diag, json and path are given. 0, -EINVAL with errors told, -ENOMEM. */
int entry_read(struct entry *e);
/* Appends the cells to m->cells, which has room. 0, -EINVAL with errors told, -ENOMEM. */
int entry_expand(struct entry *e, struct matrix *m);
void entry_clear(struct entry *e);

/* The values of a dim or of a key of a skip rule, one by one: a list's, or the value itself. */
static inline const cJSON *values_first(const cJSON *values)
{
	return cJSON_IsArray(values) ? values->child : values;
}

static inline const cJSON *values_next(const cJSON *values, const cJSON *value)
{
	return cJSON_IsArray(values) ? value->next : NULL;
}

/* The keys of an entry that are no axis, ended by NULL. */
extern const char *const matrix_entry_words[];

struct nearest;

/* The keys that an object may have, and what to say of one that it may not. */
struct keys {
	const char *const *words;	   /* ended by NULL */
	const struct param *const *tables; /* ended by NULL */
	/* See hint.h; NULL: the nearest of the words and rows. `e` is NULL at the top level. */
	const char *(*hint)(const struct entry *e, const struct nearest *n, char *buf);
};

/* Tells every key of `object` that is none of `keys`. */
void keys_check(struct diag *diag, const cJSON *object, struct json_path *path,
		const struct keys *keys, const struct entry *e);

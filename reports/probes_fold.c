// SPDX-License-Identifier: MIT
/*
 * Objects are added key by key, so that a figure a later version adds is summed without a change
 * here. Rows of a table are the same row when their names agree (table `tables`). Addresses differ
 * in every run: locks and rings are matched by their place among those that look alike, that is the
 * n-th slowest futex of one waiter's stack by the n-th of the next run.
 *
 * `from` is taken over part by part; what is left of it is the caller's to delete.
 */
#include "reports/probes_fold.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/get.h"

#define KEYS_MAX 6

struct keyed_table {
	const char *name;
	const char *keys[KEYS_MAX];
};

static const struct keyed_table tables[] = {
	{"programs", {"name", "hook"}},
	{"wakers", {"from", "to", "class", "stack"}}, /* of sched, and of a futex */
	{"waiters", {"stack"}},
	{"waits", {"role", "class", "syscall"}},
	{"stacks", {"role", "class", "syscall", "kernel", "user"}},
	{"kernel", {"type", "caller", "role", "stack"}},
	{"kernel_types", {"type", "role"}},
	{"futex_calls", {"role", "operation"}},
	{"futex", {"shown_as", "nth"}},
	{"rings", {"role", "sq_entries", "cq_entries", "nth"}},
	{"opcodes", {"opcode"}},
	{"calls", {"role", "syscall"}},
	{"devices", {"device", "operation", "by"}},
};

static const char *const maxima[] = {"max_ns", "max", "every", "threads", "addresses", NULL};
static const char *const minima[] = {"min", "share", NULL};
/* What names a row, or is a mean: kept as the first repeat has it. */
static const char *const kept[] = {"ring",    "sq_entries", "cq_entries", "nth",
				   "address", "pid",	    "shown_as",	  NULL};

/* How a probe worked: repeats may differ, and then the whole is neither. */
static const char *const modes[] = {"hooks", "timing", NULL};

static bool one_of(const char *name, const char *const *list)
{
	for (; name && *list; list++)
		if (!strcmp(name, *list))
			return true;
	return false;
}

static const struct keyed_table *find_table(const char *name)
{
	for (size_t i = 0; name && i < array_size(tables); i++)
		if (!strcmp(tables[i].name, name))
			return &tables[i];
	return NULL;
}

static bool same_row(const struct keyed_table *t, const cJSON *a, const cJSON *b)
{
	for (size_t i = 0; i < KEYS_MAX && t->keys[i]; i++) {
		const cJSON *x = get(a, t->keys[i]), *y = get(b, t->keys[i]);

		if (!x != !y || (x && !cJSON_Compare(x, y, 1)))
			return false;
	}
	return true;
}

static int fold_item(cJSON *into, cJSON *from);

/* Each row is added to its like, or moved over. */
static int fold_rows(const struct keyed_table *t, cJSON *into, cJSON *from)
{
	cJSON *row, *like;
	int err = 0;

	while (!err && (row = from->child)) {
		cJSON_DetachItemViaPointer(from, row);
		cJSON_ArrayForEach (like, into)
			if (same_row(t, like, row))
				break;
		if (!like) {
			cJSON_AddItemToArray(into, row);
			continue;
		}
		err = fold_item(like, row);
		cJSON_Delete(row);
	}
	return err;
}

/* [[index, count], ...], both ascending. */
static void fold_buckets(cJSON *into, cJSON *from)
{
	cJSON *at = into->child, *pair;

	while ((pair = from->child)) {
		double index = pair->child ? pair->child->valuedouble : -1;

		cJSON_DetachItemViaPointer(from, pair);
		while (at && at->child && at->child->valuedouble < index)
			at = at->next;
		if (!at) {
			cJSON_AddItemToArray(into, pair);
		} else if (at->child && at->child->valuedouble == index && at->child->next &&
			   pair->child->next) {
			cJSON_SetNumberValue(at->child->next,
					     at->child->next->valuedouble +
						     pair->child->next->valuedouble);
			cJSON_Delete(pair);
		} else { /* before `at`: linked by hand, an insert by index would count from the
			    start */
			pair->next = at;
			pair->prev = at->prev;
			if (at == into->child)
				into->child = pair;
			else
				at->prev->next = pair;
			at->prev = pair;
		}
	}
}

static int fold_array(cJSON *into, cJSON *from)
{
	const struct keyed_table *t = find_table(into->string);
	cJSON *b = from->child;

	if (t)
		return fold_rows(t, into, from);
	if (into->string && !strcmp(into->string, "buckets"))
		fold_buckets(into, from);
	else if (into->string && !strcmp(into->string, "slots"))
		for (cJSON *a = into->child; a && b; a = a->next, b = b->next)
			cJSON_SetNumberValue(a, a->valuedouble + b->valuedouble);
	return 0;
}

static void fold_number(cJSON *into, const cJSON *from)
{
	double a = into->valuedouble, b = from->valuedouble;

	if (one_of(into->string, kept))
		return;
	if (one_of(into->string, maxima))
		cJSON_SetNumberValue(into, fmax(a, b));
	else if (one_of(into->string, minima))
		cJSON_SetNumberValue(into, fmin(a, b));
	else
		cJSON_SetNumberValue(into, a + b);
}

/* A mean, weighted. What it becomes here plus the other mean, which probes_fold_object adds, is
 * right. */
static void fold_mean(cJSON *into, const cJSON *from, const char *key, const char *weight)
{
	cJSON *mean = cJSON_GetObjectItemCaseSensitive(into, key);
	double a = get_number(mean ? into : NULL, key), n = get_number(into, weight);
	double b = get_number(from, key), m = get_number(from, weight);

	if (isfinite(a) && isfinite(b) && n + m > 0)
		cJSON_SetNumberValue(mean, (a * n + b * m) / (n + m) - b);
}

static void fold_means(cJSON *into, const cJSON *from)
{
	fold_mean(into, from, "closure", "wall_ns");
	fold_mean(into, from, "cqes_per_wait", "waits");
	if (get(into, "hook"))
		fold_mean(into, from, "ns", "runs");
}

int probes_fold_object(cJSON *into, cJSON *from)
{
	cJSON *next;
	int err = 0;

	fold_means(into, from);
	for (cJSON *item = from->child; !err && item; item = next) {
		cJSON *mine = cJSON_GetObjectItemCaseSensitive(into, item->string);

		next = item->next;
		if (!mine) {
			cJSON_DetachItemViaPointer(from, item);
			if (!cJSON_AddItemToObject(into, item->string, item))
				return -ENOMEM;
		} else if ((cJSON_IsNull(item) && (cJSON_IsNumber(mine) || cJSON_IsArray(mine))) ||
			   (cJSON_IsString(item) && cJSON_IsNull(mine))) {
			cJSON_DetachItemViaPointer(from, item);
			cJSON_ReplaceItemInObjectCaseSensitive(into, mine->string, item);
		} else {
			err = fold_item(mine, item);
		}
	}
	return err;
}

/* Into something of the same type; what differs in type, and most texts, stay as they are. */
static int fold_item(cJSON *into, cJSON *from)
{
	if (cJSON_IsObject(into) && cJSON_IsObject(from))
		return probes_fold_object(into, from);
	if (cJSON_IsArray(into) && cJSON_IsArray(from))
		return fold_array(into, from);
	if (cJSON_IsNumber(into) && cJSON_IsNumber(from))
		fold_number(into, from);
	/* true: in every repeat */
	if (cJSON_IsTrue(into) && cJSON_IsFalse(from))
		into->type ^= cJSON_True ^ cJSON_False;
	if (cJSON_IsString(into) && cJSON_IsString(from) && one_of(into->string, modes) &&
	    strcmp(into->valuestring, from->valuestring) && !cJSON_SetValuestring(into, "mixed"))
		return -ENOMEM;
	return 0;
}

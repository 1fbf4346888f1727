// SPDX-License-Identifier: MIT
/*
 * Kernel lock waits by who wanted the lock. The kernel side keys them by return addresses; here
 * they are named, and rows whose first function outside the lock's own code is the same are one.
 * The stack that is shown is that of the row with the most time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "probes/lock/lock_json.h"
#include "probes/lock/lock_names.h"
#include "probes/plugin.h"
#include "probes/stacks/stacks.h"

#define ROWS_SHOWN 64

struct row {
	uint32_t role, type;
	const char *caller; /* in `stack`, or NULL */
	cJSON *stack;
	uint64_t stack_sum;
	struct tally tally;
};

/* The first function that is not a lock's own; NULL: all are. */
static const char *caller_of(const cJSON *stack)
{
	const cJSON *frame;

	cJSON_ArrayForEach (frame, stack)
		if (!lock_is_own(frame->valuestring))
			return frame->valuestring;
	return NULL;
}

void lock_tally_merge(struct tally *into, const struct tally *t)
{
	into->count += t->count;
	into->sum += t->sum;
	into->max = max_of(into->max, t->max);
	for (unsigned i = 0; i < SLOTS32; i++)
		into->slots[i] += t->slots[i];
}

static bool same(const struct row *a, const struct row *b)
{
	return a->role == b->role && a->type == b->type && !a->caller == !b->caller &&
	       (!a->caller || !strcmp(a->caller, b->caller));
}

/* Takes the stack of `from`. */
static void merge(struct row *into, struct row *from)
{
	lock_tally_merge(&into->tally, &from->tally);
	if (from->stack_sum > into->stack_sum) {
		cJSON *smaller = into->stack;

		into->stack = from->stack;
		into->stack_sum = from->stack_sum;
		into->caller = from->caller;
		from->stack = smaller;
	}
	cJSON_Delete(from->stack);
}

static unsigned fold(struct row *rows, unsigned n, struct row *one)
{
	for (unsigned i = 0; i < n; i++)
		if (same(&rows[i], one)) {
			merge(&rows[i], one);
			return n;
		}
	rows[n] = *one;
	return n + 1;
}

static int by_time(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->tally.sum != y->tally.sum)
		return x->tally.sum < y->tally.sum ? 1 : -1;
	return x->tally.count < y->tally.count ? 1 : x->tally.count > y->tally.count ? -1 : 0;
}

static cJSON *row_json(struct row *r)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "type", lock_type_names[r->type]);
	if (r->caller)
		cJSON_AddStringToObject(o, "caller", r->caller);
	else
		cJSON_AddNullToObject(o, "caller");
	cJSON_AddStringToObject(o, "role", probe_role_names[r->role]);
	probe_tally_json(o, &r->tally);
	cJSON_AddItemToObject(o, "stack", r->stack ? r->stack : cJSON_CreateArray());
	r->stack = NULL;
	return o;
}

cJSON *lock_fold(const struct lock_wait *waits, unsigned n,
		 cJSON *(*frames)(void *arg, const uint64_t *ips), void *arg)
{
	_cleanup_free_ struct row *rows = calloc(n + 1, sizeof(*rows));
	cJSON *list = cJSON_CreateArray();
	unsigned n_rows = 0;

	for (unsigned i = 0; rows && i < n; i++) {
		struct row one = {.role = waits[i].key.role,
				  .type = waits[i].key.type,
				  .tally = waits[i].tally,
				  .stack_sum = waits[i].tally.sum};

		if (one.role >= PROBE_ROLE_COUNT || one.type >= LOCK_TYPES)
			continue;
		one.stack = frames(arg, waits[i].key.ips);
		one.caller = caller_of(one.stack);
		n_rows = fold(rows, n_rows, &one);
	}
	if (rows)
		qsort(rows, n_rows, sizeof(*rows), by_time);
	for (unsigned i = 0; i < n_rows; i++)
		cJSON_AddItemToArray(list, row_json(&rows[i]));
	return list;
}

/* Rows are many only where something is odd; nothing of them vanishes. */
static void cut(cJSON *into, cJSON *list)
{
	double n = 0, count = 0, sum = 0;
	cJSON *rest;

	while (cJSON_GetArraySize(list) > ROWS_SHOWN) {
		_cleanup_json_ cJSON *item =
			cJSON_DetachItemFromArray(list, cJSON_GetArraySize(list) - 1);

		n++;
		count += cJSON_GetObjectItem(item, "count")->valuedouble;
		sum += cJSON_GetObjectItem(item, "sum_ns")->valuedouble;
	}
	if (n == 0)
		return;
	rest = cJSON_AddObjectToObject(into, "kernel_rest");
	cJSON_AddNumberToObject(rest, "rows", n);
	cJSON_AddNumberToObject(rest, "count", count);
	cJSON_AddNumberToObject(rest, "sum_ns", sum);
}

struct naming {
	struct stacks *stacks;
	struct err err;
};

static cJSON *name_frames(void *arg, const uint64_t *ips)
{
	struct naming *n = arg;

	return stacks_kernel_frames(n->stacks, ips, LOCK_FRAMES, &n->err);
}

void lock_callers_json(cJSON *into, int fd, struct stacks *stacks)
{
	_cleanup_free_ struct lock_caller *keys = NULL;
	_cleanup_free_ struct lock_wait *waits = NULL;
	_cleanup_free_ struct tally *tallies = NULL;
	struct naming naming = {.stacks = stacks};
	struct err why = {""};
	unsigned n = 0;
	cJSON *list;
	int r = part_read_table(fd, (void **)&keys, (void **)&tallies, &n);

	waits = r ? NULL : calloc(n + 1, sizeof(*waits));
	if (!waits) {
		err_sys(&why, r ? r : -ENOMEM, "reading the table of callers");
		cJSON_AddNullToObject(into, "kernel");
		cJSON_AddStringToObject(into, "reason_kernel", why.text);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		waits[i] = (struct lock_wait){.key = keys[i], .tally = tallies[i]};
	list = lock_fold(waits, n, name_frames, &naming);
	cut(into, list);
	cJSON_AddItemToObject(into, "kernel", list);
	if (naming.err.text[0])
		cJSON_AddStringToObject(into, "reason_caller", naming.err.text);
}

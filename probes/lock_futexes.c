// SPDX-License-Identifier: MIT
/*
 * Futexes by address: which were waited for longest, and where in the program. The stacks are those
 * that were sampled of long waits (probes/stacks.h), so an address with short waits has none.
 */
#include <stdlib.h>

#include "harness/util/cleanup.h"
#include "probes/lock_json.h"
#include "probes/plugin.h"
#include "probes/stacks.h"

#define ADDRESSES_SHOWN 64u
#define STACKS_SHOWN	8 /* for each address and kind */

struct futex {
	struct futex_key key;
	struct futex_sum sum;
};

struct samples {
	struct stack_group *groups;
	size_t n;
};

static int by_time(const void *a, const void *b)
{
	const struct futex_sum *x = &((const struct futex *)a)->sum;
	const struct futex_sum *y = &((const struct futex *)b)->sum;
	uint64_t nx = x->calls + x->wakes, ny = y->calls + y->wakes;

	if (x->slept.sum != y->slept.sum)
		return x->slept.sum < y->slept.sum ? 1 : -1;
	return nx < ny ? 1 : nx > ny ? -1 : 0;
}

static const cJSON *stack_of(const struct stack_group *g)
{
	return g->user ? g->user : g->kernel;
}

static void add_stacks(cJSON *into, const char *name, const struct futex_key *key,
		       enum sample_kind kind, const struct samples *s)
{
	cJSON *list = cJSON_AddArrayToObject(into, name);

	for (size_t i = 0; i < s->n && cJSON_GetArraySize(list) < STACKS_SHOWN; i++) {
		const struct stack_group *g = &s->groups[i];
		cJSON *item;

		if (g->kind != kind || g->cls != CLASS_FUTEX || g->address != key->address ||
		    g->wait_tgid != key->tgid || !stack_of(g))
			continue;
		item = cJSON_CreateObject();
		cJSON_AddItemToObject(item, "stack", cJSON_Duplicate(stack_of(g), true));
		cJSON_AddNumberToObject(item, "count", (double)g->count);
		cJSON_AddNumberToObject(item, "sum_ns", (double)g->sum_ns);
		cJSON_AddItemToArray(list, item);
	}
}

static void add_counts(cJSON *o, const struct futex_sum *f, bool sleeps)
{
	cJSON_AddNumberToObject(o, "calls", (double)f->calls);
	cJSON_AddItemToObject(o, "slept",
			      sleeps ? cJSON_CreateNumber((double)f->slept.count)
				     : cJSON_CreateNull());
	cJSON_AddNumberToObject(o, "again", (double)f->again);
	cJSON_AddNumberToObject(o, "wakes", (double)f->wakes);
	cJSON_AddNumberToObject(o, "woke", (double)f->woke);
}

static cJSON *futex_json(const struct futex *f, const struct samples *s, bool sleeps)
{
	cJSON *o = cJSON_CreateObject();
	char address[24];

	snprintf(address, sizeof(address), "0x%llx", (unsigned long long)f->key.address);
	cJSON_AddStringToObject(o, "address", address);
	cJSON_AddNumberToObject(o, "pid", f->key.tgid);
	add_counts(o, &f->sum, sleeps);
	probe_tally_json(o, &f->sum.slept);
	add_stacks(o, "waiters", &f->key, SAMPLE_WAITER, s);
	add_stacks(o, "wakers", &f->key, SAMPLE_WAKER, s);
	return o;
}

static void add_rest(cJSON *into, const struct futex *futexes, unsigned n, bool sleeps)
{
	struct futex_sum sum = {.calls = 0};
	cJSON *o;

	if (n <= ADDRESSES_SHOWN)
		return;
	for (unsigned i = ADDRESSES_SHOWN; i < n; i++) {
		sum.calls += futexes[i].sum.calls;
		sum.again += futexes[i].sum.again;
		sum.wakes += futexes[i].sum.wakes;
		sum.woke += futexes[i].sum.woke;
		sum.slept.count += futexes[i].sum.slept.count;
		sum.slept.sum += futexes[i].sum.slept.sum;
	}
	o = cJSON_AddObjectToObject(into, "futex_rest");
	cJSON_AddNumberToObject(o, "addresses", n - ADDRESSES_SHOWN);
	add_counts(o, &sum, sleeps);
	cJSON_AddNumberToObject(o, "sum_ns", (double)sum.slept.sum);
}

static struct futex *read_futexes(int fd, unsigned *ret_n)
{
	_cleanup_free_ struct futex_key *keys = NULL;
	_cleanup_free_ struct futex_sum *sums = NULL;
	struct futex *all;
	unsigned n = 0;

	part_read_table(fd, (void **)&keys, (void **)&sums, &n);
	all = calloc(n + 1, sizeof(*all));
	for (unsigned i = 0; all && i < n; i++)
		all[i] = (struct futex){.key = keys[i], .sum = sums[i]};
	*ret_n = all ? n : 0;
	if (all)
		qsort(all, n, sizeof(*all), by_time);
	return all;
}

void lock_futexes_json(cJSON *into, int fd, struct stacks *stacks, bool sleeps)
{
	cJSON *list = cJSON_AddArrayToObject(into, "futex");
	_cleanup_free_ struct futex *all = NULL;
	struct samples s = {.n = 0};
	unsigned n;

	all = read_futexes(fd, &n);
	if (n && stacks_groups(stacks, true, &s.groups, &s.n))
		s.n = 0;
	for (unsigned i = 0; i < min_of(n, ADDRESSES_SHOWN); i++)
		cJSON_AddItemToArray(list, futex_json(&all[i], &s, sleeps));
	add_rest(into, all, n, sleeps);
	stacks_groups_free(s.groups, s.n);
}

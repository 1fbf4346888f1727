// SPDX-License-Identifier: MIT
/*
 * Futexes by address: which were waited for longest, and where in the program. The stacks are those
 * that were sampled of long waits (probes/stacks/stacks.h), so an address with short waits has
 * none.
 *
 * Where a program has a futex for each waiter or object (a condition variable alone has two), the
 * same wait has many addresses: those of a process whose longest waits were in the same place of
 * the program, by the whole stack, are one row; one with no sample of a waiter goes by its waker.
 * A row names the address with the most time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "probes/lock/lock_json.h"
#include "probes/plugin.h"
#include "probes/stacks/stacks.h"

#define ROWS_SHOWN   64u
#define STACKS_SHOWN 8 /* for each row and kind */

struct futex {
	struct futex_key key;
	struct futex_sum sum;
	const cJSON *waiter, *waker; /* stacks of its longest waits; NULL: none was sampled */
	struct futex *row;	     /* whose row it is in */
	uint64_t own_ns;	     /* of `sum`, at this address */
	unsigned addresses;
};

struct samples {
	struct stack_group *groups;
	struct futex **futexes; /* which each of them is of, or NULL */
	size_t n;
};

struct futexes {
	struct futex *all;   /* by key */
	struct futex **rows; /* by time */
	unsigned n, n_rows;
};

static int by_key(const void *a, const void *b)
{
	return memcmp(&((const struct futex *)a)->key, &((const struct futex *)b)->key,
		      sizeof(struct futex_key));
}

static int by_time(const void *a, const void *b)
{
	const struct futex_sum *x = &(*(struct futex *const *)a)->sum;
	const struct futex_sum *y = &(*(struct futex *const *)b)->sum;
	uint64_t nx = x->calls + x->wakes, ny = y->calls + y->wakes;

	if (x->slept.sum != y->slept.sum)
		return x->slept.sum < y->slept.sum ? 1 : -1;
	return nx < ny ? 1 : nx > ny ? -1 : 0;
}

static const cJSON *stack_of(const struct stack_group *g)
{
	return g->user ? g->user : g->kernel;
}

/* Groups come by time, so the first of an address is the longest. */
static void match_samples(struct samples *s, const struct futexes *f)
{
	s->futexes = calloc(s->n + 1, sizeof(struct futex *));
	for (size_t i = 0; s->futexes && i < s->n; i++) {
		const struct stack_group *g = &s->groups[i];
		struct futex wanted = {.key = {.address = g->address, .tgid = g->wait_tgid}};

		if (g->cls != CLASS_FUTEX || !stack_of(g))
			continue;
		s->futexes[i] = bsearch(&wanted, f->all, f->n, sizeof(wanted), by_key);
		if (s->futexes[i] && g->kind == SAMPLE_WAITER && !s->futexes[i]->waiter)
			s->futexes[i]->waiter = stack_of(g);
		if (s->futexes[i] && g->kind == SAMPLE_WAKER && !s->futexes[i]->waker)
			s->futexes[i]->waker = stack_of(g);
	}
}

/* Those whose waiter is known come first: the others may turn out to be like them. */
static int by_waiter(const void *a, const void *b)
{
	bool x = (*(struct futex *const *)a)->waiter, y = (*(struct futex *const *)b)->waiter;

	return x == y ? by_time(a, b) : y - x;
}

static void merge(struct futex *into, const struct futex *f)
{
	into->sum.calls += f->sum.calls;
	into->sum.again += f->sum.again;
	into->sum.wakes += f->sum.wakes;
	into->sum.woke += f->sum.woke;
	into->addresses += f->addresses;
	if (f->own_ns > into->own_ns) {
		into->own_ns = f->own_ns;
		into->key = f->key;
	}
	lock_tally_merge(&into->sum.slept, &f->sum.slept);
}

static bool same_place(const struct futex *row, const struct futex *one)
{
	if (row->key.tgid != one->key.tgid)
		return false;
	if (one->waiter)
		return row->waiter && cJSON_Compare(row->waiter, one->waiter, true);
	return one->waker && row->waker && cJSON_Compare(row->waker, one->waker, true);
}

static struct futex *row_of(const struct futexes *f, const struct futex *one)
{
	for (unsigned i = 0; (one->waiter || one->waker) && i < f->n_rows; i++)
		if (same_place(f->rows[i], one))
			return f->rows[i];
	return NULL;
}

/* Rows take their places from the front of the list that is gone through. */
static void fold(struct futexes *f)
{
	qsort(f->rows, f->n, sizeof(*f->rows), by_waiter);
	for (unsigned i = 0; i < f->n; i++) {
		struct futex *one = f->rows[i], *row = row_of(f, one);

		one->row = row ? row : one;
		if (row)
			merge(row, one);
		else
			f->rows[f->n_rows++] = one;
	}
	qsort(f->rows, f->n_rows, sizeof(*f->rows), by_time);
}

static void raise_number(cJSON *o, const char *key, double by)
{
	cJSON *n = cJSON_GetObjectItemCaseSensitive(o, key);

	cJSON_SetNumberValue(n, n->valuedouble + by);
}

static void add_stack(cJSON *list, const struct stack_group *g)
{
	cJSON *item;

	cJSON_ArrayForEach (item, list)
		if (cJSON_Compare(cJSON_GetObjectItem(item, "stack"), stack_of(g), true)) {
			raise_number(item, "count", (double)g->count);
			raise_number(item, "sum_ns", (double)g->sum_ns);
			return;
		}
	if (cJSON_GetArraySize(list) >= STACKS_SHOWN)
		return;
	item = cJSON_CreateObject();
	cJSON_AddItemToObject(item, "stack", cJSON_Duplicate(stack_of(g), true));
	cJSON_AddNumberToObject(item, "count", (double)g->count);
	cJSON_AddNumberToObject(item, "sum_ns", (double)g->sum_ns);
	cJSON_AddItemToArray(list, item);
}

static void add_stacks(cJSON *into, const char *name, const struct futex *row,
		       enum sample_kind kind, const struct samples *s)
{
	cJSON *list = cJSON_AddArrayToObject(into, name);

	for (size_t i = 0; s->futexes && i < s->n; i++)
		if (s->groups[i].kind == kind && s->futexes[i] && s->futexes[i]->row == row)
			add_stack(list, &s->groups[i]);
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
	cJSON_AddNumberToObject(o, "addresses", f->addresses);
	cJSON_AddItemToObject(o, "address_ns",
			      sleeps ? cJSON_CreateNumber((double)f->own_ns) : cJSON_CreateNull());
	add_counts(o, &f->sum, sleeps);
	probe_tally_json(o, &f->sum.slept);
	add_stacks(o, "waiters", f, SAMPLE_WAITER, s);
	add_stacks(o, "wakers", f, SAMPLE_WAKER, s);
	return o;
}

static void add_rest(cJSON *into, const struct futexes *f, bool sleeps)
{
	struct futex rest = {.addresses = 0};
	cJSON *o;

	if (f->n_rows <= ROWS_SHOWN)
		return;
	for (unsigned i = ROWS_SHOWN; i < f->n_rows; i++)
		merge(&rest, f->rows[i]);
	o = cJSON_AddObjectToObject(into, "futex_rest");
	cJSON_AddNumberToObject(o, "addresses", rest.addresses);
	add_counts(o, &rest.sum, sleeps);
	cJSON_AddNumberToObject(o, "sum_ns", (double)rest.sum.slept.sum);
}

static int read_futexes(int fd, struct futexes *f)
{
	_cleanup_free_ struct futex_key *keys = NULL;
	_cleanup_free_ struct futex_sum *sums = NULL;
	unsigned n = 0;
	int r = part_read_table(fd, (void **)&keys, (void **)&sums, &n);

	f->all = calloc(n + 1, sizeof(*f->all));
	f->rows = calloc(n + 1, sizeof(struct futex *));
	if (r || !f->all || !f->rows)
		return r ? r : -ENOMEM;
	f->n = n;
	for (unsigned i = 0; i < n; i++) {
		f->rows[i] = &f->all[i];
		f->all[i] = (struct futex){.key = keys[i],
					   .sum = sums[i],
					   .own_ns = sums[i].slept.sum,
					   .addresses = 1};
	}
	if (n)
		qsort(f->all, n, sizeof(*f->all), by_key);
	return 0;
}

static void add_rows(cJSON *into, struct futexes *f, const struct samples *s, bool sleeps)
{
	cJSON *list = cJSON_AddArrayToObject(into, "futex");

	if (f->n)
		fold(f);
	for (unsigned i = 0; i < min_of(f->n_rows, ROWS_SHOWN); i++)
		cJSON_AddItemToArray(list, futex_json(f->rows[i], s, sleeps));
	add_rest(into, f, sleeps);
}

void lock_futexes_json(cJSON *into, int fd, struct stacks *stacks, bool sleeps)
{
	struct samples s = {.n = 0};
	struct futexes f = {.n = 0};
	int r = read_futexes(fd, &f);

	if (r) {
		struct err why = {""};

		err_sys(&why, r, "reading the table of futexes");
		cJSON_AddNullToObject(into, "futex");
		cJSON_AddStringToObject(into, "reason_futex", why.text);
	} else {
		if (f.n && !stacks_groups(stacks, true, &s.groups, &s.n))
			match_samples(&s, &f);
		add_rows(into, &f, &s, sleeps);
	}
	stacks_groups_free(s.groups, s.n);
	free(s.futexes);
	free(f.all);
	free(f.rows);
}

// SPDX-License-Identifier: MIT
/*
 * Stacks of long waits. Kernel stacks are taken evenly of all threads when they run again, user
 * stacks of fewer waits, when they begin. So time is counted by kernel stack; of it each user stack
 * gets what its own samples waited, and what is left has none: whose it was nobody knows.
 */
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "harness/util/cleanup.h"
#include "harness/util/syscall_name.h"
#include "probes/sched/sched_probe.h"
#include "probes/stacks/stacks.h"

/* Frames of the scheduler above the first other one, at most. */
#define SCHED_FRAMES 8

struct row {
	uint32_t role, key;
	cJSON *kernel;
	const struct stack_group *group; /* whose user stack; NULL: none was sampled */
	struct sched_sum sum;
};

struct rows {
	struct row *rows;
	size_t n, room;
	uint64_t taken; /* kernel stacks */
};

void sched_add_syscall(cJSON *into, int nr)
{
	const char *name = nr < 0 ? "none" : syscall_name(nr);
	char number[32];

	snprintf(number, sizeof(number), "%d", nr);
	cJSON_AddStringToObject(into, "syscall", name ? name : number);
}

void sched_add_sum(cJSON *into, const struct sched_sum *sum)
{
	cJSON_AddNumberToObject(into, "count", (double)sum->count);
	cJSON_AddNumberToObject(into, "sum_ns", (double)sum->sum);
	cJSON_AddNumberToObject(into, "max_ns", (double)sum->max);
}

static struct row *add_row(struct rows *all)
{
	struct row *bigger;

	if (all->n == all->room) {
		bigger = realloc(all->rows, (all->room * 2 + 64) * sizeof(*bigger));
		if (!bigger)
			return NULL;
		all->rows = bigger;
		all->room = all->room * 2 + 64;
	}
	all->rows[all->n] = (struct row){.role = 0};
	return &all->rows[all->n++];
}

/* Equal as far as both go. */
static bool same_frames(const cJSON *a, const cJSON *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (strcmp(a->valuestring, b->valuestring))
			return false;
	return true;
}

/* Of a thread that does not run the kernel leaves out what belongs to the scheduler
 * (kernel/stacktrace.c, stack_trace_consume_entry_nosched), which is there in a sample. */
static bool same_kernel(const cJSON *taken, const cJSON *sampled)
{
	const cJSON *first = taken ? taken->child : NULL;
	const cJSON *frame = sampled ? sampled->child : NULL;

	if (!first || !frame)
		return !first && !frame;
	for (unsigned i = 0; frame && i < SCHED_FRAMES; i++, frame = frame->next)
		if (!strcmp(frame->valuestring, first->valuestring))
			return same_frames(first, frame);
	return false;
}

static bool same_wait(const struct row *row, const struct stack_group *g)
{
	return g->kind == SAMPLE_WAITER && g->role == row->role &&
	       wait_key(g->cls, g->nr) == row->key && same_kernel(row->kernel, g->kernel);
}

/* Addresses differ where names do not: one row for the same frames. */
static struct row *row_of(struct rows *all, uint32_t role, uint32_t key, cJSON *kernel)
{
	struct row *row;

	for (size_t i = 0; i < all->n; i++) {
		row = &all->rows[i];
		if (row->role == role && row->key == key &&
		    cJSON_Compare(row->kernel, kernel, true)) {
			cJSON_Delete(kernel);
			return row;
		}
	}
	row = add_row(all);
	if (!row) {
		cJSON_Delete(kernel);
		return NULL;
	}
	row->role = role;
	row->key = key;
	row->kernel = kernel;
	return row;
}

static void read_kernel(struct sched *s, struct rows *all)
{
	struct sched_stack_key key, *last = NULL;
	struct sched_sum sum;
	int fd = sched_map_fd(s, "stacks");

	while (fd >= 0 && !bpf_map_get_next_key(fd, last, &key)) {
		unsigned n = 0;
		struct row *row;

		last = &key;
		if (bpf_map_lookup_elem(fd, &key, &sum))
			continue;
		while (n < KSTACK_MAX && key.ips[n])
			n++;
		row = row_of(all, key.role, key.key,
			     stacks_kernel_frames(s->env->stacks, key.ips, n, NULL));
		if (!row)
			continue;
		row->sum.count += sum.count;
		row->sum.sum += sum.sum;
		row->sum.max = max_of(row->sum.max, sum.max);
		all->taken += sum.count;
	}
}

/* What of a row belongs to no sample stays in it; the others become rows of their own. */
static void divide(struct rows *all, size_t i, const struct stack_group *groups, size_t n)
{
	struct row rest = all->rows[i];

	for (size_t j = 0; j < n; j++) {
		const struct stack_group *g = &groups[j];
		struct row *row = same_wait(&rest, g) ? add_row(all) : NULL;

		if (!row)
			continue;
		*row = rest;
		row->kernel = cJSON_Duplicate(rest.kernel, true);
		row->group = g;
		row->sum = (struct sched_sum){g->count, g->sum_ns, g->max_ns};
		rest.sum.count -= min_of(g->count, rest.sum.count);
		rest.sum.sum -= min_of(g->sum_ns, rest.sum.sum);
	}
	/* A sample's kernel stack may not have been taken, so the two need not fit to the last. */
	if (!rest.sum.count || !rest.sum.sum)
		rest.sum = (struct sched_sum){.count = 0};
	rest.sum.max = min_of(rest.sum.max, rest.sum.sum);
	all->rows[i] = rest;
}

/* A sampled wait whose kernel stack was never taken stands for itself. */
static void add_lonely(struct rows *all, size_t n_kernel, const struct stack_group *g)
{
	struct row *row;

	for (size_t i = 0; i < n_kernel; i++)
		if (same_wait(&all->rows[i], g))
			return;
	row = g->kind == SAMPLE_WAITER ? add_row(all) : NULL;
	if (!row)
		return;
	*row = (struct row){.role = g->role,
			    .key = wait_key(g->cls, g->nr),
			    .kernel = cJSON_Duplicate(g->kernel, true),
			    .group = g,
			    .sum = {g->count, g->sum_ns, g->max_ns}};
}

static int by_time(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->sum.sum < y->sum.sum ? 1 : x->sum.sum > y->sum.sum ? -1 : 0;
}

static cJSON *row_json(struct row *row)
{
	const cJSON *user = row->group ? row->group->user : NULL;
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "role", probe_role_names[row->role]);
	cJSON_AddStringToObject(o, "class", time_class_names[wait_key_class(row->key)]);
	sched_add_syscall(o, wait_key_nr(row->key));
	cJSON_AddItemToObject(o, "kernel", row->kernel ? row->kernel : cJSON_CreateArray());
	cJSON_AddItemToObject(o, "user", user ? cJSON_Duplicate(user, true) : cJSON_CreateNull());
	sched_add_sum(o, &row->sum);
	return o;
}

static void add_rows(struct rows *all, cJSON *list)
{
	if (all->n)
		qsort(all->rows, all->n, sizeof(*all->rows), by_time);
	for (size_t i = 0; i < all->n; i++)
		if (all->rows[i].sum.count)
			cJSON_AddItemToArray(list, row_json(&all->rows[i]));
		else
			cJSON_Delete(all->rows[i].kernel);
	free(all->rows);
}

void sched_read_stacks(struct sched *s, cJSON *into)
{
	cJSON *list = cJSON_AddArrayToObject(into, "stacks"), *stacked;
	struct stack_group *groups = NULL;
	struct rows all = {.rows = NULL};
	size_t n = 0, n_kernel;

	read_kernel(s, &all);
	n_kernel = all.n;
	if (stacks_groups(s->env->stacks, false, &groups, &n))
		n = 0;
	for (size_t i = 0; i < n; i++)
		add_lonely(&all, n_kernel, &groups[i]);
	for (size_t i = 0; i < n_kernel; i++)
		divide(&all, i, groups, n);
	add_rows(&all, list);
	stacks_groups_free(groups, n);
	stacked = cJSON_AddObjectToObject(into, "stacked");
	cJSON_AddNumberToObject(stacked, "kernel", (double)all.taken);
	stacks_counts_json(s->env->stacks, stacked);
}

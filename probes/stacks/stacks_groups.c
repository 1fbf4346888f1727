// SPDX-License-Identifier: MIT
/*
 * From samples to groups: what each became (its fate), its frames, and the sum over equal ones. A
 * sample is worked out once; samples of one process, or of processes with the same maps, are
 * unwound together, and then their files are closed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "probes/stacks/stacks_impl.h"

static char *text_of(cJSON *frames)
{
	char *text = frames ? cJSON_PrintUnformatted(frames) : NULL;

	cJSON_Delete(frames);
	return text;
}

/* A wake-up by an interrupt has nothing to do with the thread that was interrupted. */
static bool from_interrupt(const char *kernel)
{
	return kernel &&
	       (strstr(kernel, "\"asm_sysvec_") || strstr(kernel, "\"asm_common_interrupt\"") ||
		strstr(kernel, "\"el1h_64_irq\"") || strstr(kernel, "\"el0t_64_irq\""));
}

static enum sample_fate fate_of(const struct stacks *s, const struct taken *t)
{
	if (!t->wait_ns)
		return FATE_UNFINISHED;
	if (t->wait_ns < s->long_ns)
		return FATE_SHORTER;
	if (t->sample.kind == SAMPLE_WAKER && from_interrupt(t->kernel))
		return FATE_INTERRUPT;
	if (!t->sample.user_bytes)
		return FATE_NO_COPY;
	return t->process && t->process->maps ? FATE_OPEN : FATE_NO_MAPS;
}

static void judge(struct stacks *s, struct taken *t)
{
	const struct sample *sample = &t->sample;

	t->wait_ns = sample->kind == SAMPLE_WAKER ? sample->wait_ns
						  : s->waits[sample->seq % SAMPLE_WAITS];
	if (!t->kernel)
		t->kernel =
			text_of(stacks_kernel_frames(s, sample->kernel, sample->n_kernel, NULL));
	t->fate = fate_of(s, t);
}

static void unwind(struct unwinder *u, struct taken *t)
{
	struct unwind_sample sample = {
		.regs = t->sample.regs,
		.stack = t->sample.stack,
		.stack_base = t->sample.stack_base,
		.stack_bytes = t->sample.user_bytes,
	};

	t->fate = FATE_NO_UNWINDER;
	if (!u)
		return;
	t->user = text_of(unwinder_frames(u, &sample, &t->end));
	if (t->user)
		t->fate = FATE_UNWOUND;
}

/* All that share the maps of the sample at `first`. */
static void unwind_alike(struct stacks *s, size_t first)
{
	const char *maps = s->taken[first]->process->maps;
	struct unwinder *u = NULL;

	if (unwinder_open(maps, &u, &s->unwinder_err))
		u = NULL; /* counted with each sample */
	for (size_t i = first; i < s->n_taken; i++) {
		struct taken *t = s->taken[i];

		if (t->fate == FATE_OPEN && strcmp(t->process->maps, maps) == 0)
			unwind(u, t);
	}
	unwinder_close(u);
}

static void work_out(struct stacks *s)
{
	for (size_t i = 0; i < s->n_taken; i++)
		if (s->taken[i]->fate != FATE_UNWOUND)
			judge(s, s->taken[i]);
	for (size_t i = 0; i < s->n_taken; i++)
		if (s->taken[i]->fate == FATE_OPEN)
			unwind_alike(s, i);
}

struct keyed {
	const struct taken *taken;
	struct stack_group key;
};

static void fill_key(struct keyed *k, const struct taken *t, bool by_address)
{
	const struct sample *s = &t->sample;

	k->taken = t;
	k->key = (struct stack_group){
		.kind = s->kind,
		.role = t->fate == FATE_INTERRUPT ? ROLE_OUTSIDE : s->role,
		.wait_role = s->wait_role,
		.cls = s->cls,
		.nr = s->nr,
		.wait_tgid = by_address ? s->wait_tgid : 0,
		.address = by_address ? s->address : 0,
	};
}

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

#define COMPARE(a, b)                              \
	do {                                       \
		if ((a) != (b))                    \
			return (a) < (b) ? -1 : 1; \
	} while (0)

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int r;

	COMPARE(x->key.kind, y->key.kind);
	COMPARE(x->key.role, y->key.role);
	COMPARE(x->key.wait_role, y->key.wait_role);
	COMPARE(x->key.cls, y->key.cls);
	COMPARE(x->key.nr, y->key.nr);
	COMPARE(x->key.wait_tgid, y->key.wait_tgid);
	COMPARE(x->key.address, y->key.address);
	r = compare_text(x->taken->user, y->taken->user);
	return r ? r : compare_text(x->taken->kernel, y->taken->kernel);
}

static int by_time(const void *a, const void *b)
{
	const struct stack_group *x = a, *y = b;

	COMPARE(y->sum_ns, x->sum_ns);
	COMPARE(y->count, x->count);
	return 0;
}

static cJSON *frames_of(const char *text)
{
	return text && strcmp(text, "[]") != 0 ? cJSON_Parse(text) : NULL;
}

static size_t fold(const struct keyed *keyed, size_t n, struct stack_group *groups)
{
	size_t n_groups = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t ns = keyed[i].taken->wait_ns;
		struct stack_group *g;

		if (!i || by_key(&keyed[i - 1], &keyed[i]) != 0) {
			g = &groups[n_groups++];
			*g = keyed[i].key;
			g->user = frames_of(keyed[i].taken->user);
			g->kernel = frames_of(keyed[i].taken->kernel);
		}
		g = &groups[n_groups - 1];
		g->count++;
		g->sum_ns += ns;
		g->max_ns = max_of(g->max_ns, ns);
	}
	qsort(groups, n_groups, sizeof(*groups), by_time);
	return n_groups;
}

int stacks_groups(struct stacks *s, bool by_address, struct stack_group **ret, size_t *ret_n)
{
	_cleanup_free_ struct keyed *keyed = calloc(s->n_taken + 1, sizeof(*keyed));
	struct stack_group *groups = calloc(s->n_taken + 1, sizeof(*groups));
	size_t n = 0;

	if (!keyed || !groups) {
		free(groups);
		return -ENOMEM;
	}
	work_out(s);
	for (size_t i = 0; i < s->n_taken; i++)
		if (s->taken[i]->fate != FATE_SHORTER && s->taken[i]->fate != FATE_UNFINISHED)
			fill_key(&keyed[n++], s->taken[i], by_address);
	qsort(keyed, n, sizeof(*keyed), by_key);
	*ret_n = fold(keyed, n, groups);
	*ret = groups;
	return 0;
}

void stacks_groups_free(struct stack_group *groups, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cJSON_Delete(groups[i].user);
		cJSON_Delete(groups[i].kernel);
	}
	free(groups);
}

struct stacks_counts stacks_counts(const struct stacks *s)
{
	struct stacks_counts c = {.sampled = s->n_taken, .no_memory = s->no_memory};
	uint64_t fates[FATE_COUNT] = {0};

	for (size_t i = 0; i < s->n_taken; i++) {
		fates[s->taken[i]->fate]++;
		if (s->taken[i]->fate == FATE_UNWOUND)
			c.ends[s->taken[i]->end]++;
	}
	c.shorter = fates[FATE_SHORTER];
	c.unfinished = fates[FATE_UNFINISHED];
	c.interrupts = fates[FATE_INTERRUPT];
	c.no_copy = fates[FATE_NO_COPY];
	c.no_maps = fates[FATE_NO_MAPS];
	c.no_unwinder = fates[FATE_NO_UNWINDER];
	c.unwound = fates[FATE_UNWOUND];
	if (s->state) {
		c.ring_full = s->state->ring_full;
		c.over_budget = s->state->seq > SAMPLES_MAX ? s->state->seq - SAMPLES_MAX : 0;
	}
	return c;
}

static void add_reason(cJSON *into, const char *reason, uint64_t n)
{
	if (n)
		cJSON_AddNumberToObject(into, reason, (double)n);
}

void stacks_counts_json(const struct stacks *s, cJSON *into)
{
	struct stacks_counts c = stacks_counts(s);
	cJSON *dropped, *failed, *truncated;

	cJSON_AddNumberToObject(into, "user", (double)c.sampled);
	cJSON_AddNumberToObject(into, "shorter", (double)c.shorter);
	cJSON_AddNumberToObject(into, "unfinished", (double)c.unfinished);
	cJSON_AddNumberToObject(into, "interrupts", (double)c.interrupts);
	cJSON_AddNumberToObject(into, "unwound", (double)c.unwound);
	dropped = cJSON_AddObjectToObject(into, "dropped");
	add_reason(dropped, "there were as many as are taken in a run", c.over_budget);
	add_reason(dropped, "no room in the ring buffer", c.ring_full);
	add_reason(dropped, "no memory", c.no_memory);
	failed = cJSON_AddObjectToObject(into, "failed");
	add_reason(failed, "no user memory could be copied", c.no_copy);
	add_reason(failed, "the process was gone before its maps were read", c.no_maps);
	add_reason(failed,
		   s->unwinder_err.text[0] ? s->unwinder_err.text
					   : "its mapped files could not be read",
		   c.no_unwinder);
	truncated = cJSON_AddObjectToObject(into, "truncated");
	for (unsigned i = UNWIND_COMPLETE + 1; i < UNWIND_ENDS; i++)
		add_reason(truncated, unwind_end_text[i], c.ends[i]);
}

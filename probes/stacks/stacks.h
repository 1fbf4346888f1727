/* SPDX-License-Identifier: MIT */
/*
 * Stacks of waits: drains the samples that probes/stacks/sample.bpf.h takes, keeps the memory maps
 * of their processes, and turns them into frames afterwards. Life: open, then per run reset, poll
 * now and then, and groups; close.
 *
 * Process ids are those of the initial PID namespace: /proc must be its.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/util/err.h"
#include "probes/stacks/sample.h"
#include "probes/stacks/unwind.h"

/* Descriptors of the maps of sample.bpf.h; they are not kept beyond stacks_open(). */
struct stacks_maps {
	int samples, waits, state;
};

struct stacks;

/* `maps` may be NULL: kernel frames only. `long_ns`: the knob stack_wait. */
int stacks_open(const struct stacks_maps *maps, uint64_t long_ns, struct stacks **ret,
		struct err *err);
void stacks_close(struct stacks *s);

/* Before a run, with nothing attached: forgets all samples. Kernel symbols are kept. */
int stacks_reset(struct stacks *s, struct err *err);
/* Drains the ring buffer and saves the maps of processes that are new. `late`: saves those of all
 * again, once towards the end of the window, since libraries may have been loaded meanwhile. */
void stacks_poll(struct stacks *s, bool late);

/* Frames of a kernel stack, innermost first; frames of the tracing itself are left out. NULL with
 * the reason when kernel symbols cannot be read (`err` may be NULL). */
cJSON *stacks_kernel_frames(struct stacks *s, const uint64_t *ips, unsigned n, struct err *err);

struct stack_group {
	enum sample_kind kind;
	uint32_t role;	    /* of the thread whose stack it is; ROLE_OUTSIDE: an interrupt woke */
	uint32_t wait_role; /* of the one that waited */
	uint32_t cls;
	int32_t nr; /* system call of the wait */
	/* Only by address: the process that waited and the futex there; else 0. */
	uint32_t wait_tgid;
	uint64_t address;
	uint64_t count, sum_ns, max_ns; /* waits of at least long_ns */
	cJSON *user;			/* frames; NULL: no user stack, or not one frame of it */
	cJSON *kernel;			/* frames; NULL without kernel symbols */
};

/* Samples with equal kind, roles, class, system call and stacks (and process and address, when
 * `by_address`), most time first. Unwinds what has not been unwound yet. */
int stacks_groups(struct stacks *s, bool by_address, struct stack_group **ret, size_t *ret_n);
void stacks_groups_free(struct stack_group *groups, size_t n);

struct stacks_counts {
	uint64_t sampled;     /* taken by the programs and read here */
	uint64_t over_budget; /* not taken: SAMPLES_MAX */
	uint64_t ring_full;   /* not taken: no room */
	uint64_t shorter;     /* taken, but that wait was shorter than long_ns: not in groups */
	uint64_t unfinished;  /* taken, but that wait was not over at the end: not in groups */
	uint64_t interrupts;  /* wake-ups by an interrupt: no user stack is theirs */
	uint64_t no_copy;     /* no user memory could be read (or not on this architecture) */
	uint64_t no_maps;     /* the process was gone before its maps were read */
	uint64_t no_unwinder; /* its maps name no file that can be read */
	uint64_t no_memory;   /* taken, but could not be kept here */
	uint64_t unwound;     /* user stacks with at least one frame */
	uint64_t ends[UNWIND_ENDS]; /* of `unwound`; the first is complete */
};

/* After stacks_groups(). */
struct stacks_counts stacks_counts(const struct stacks *s);
/* The same as keys of `stacked` (results/README.md): user, shorter, unfinished, interrupts,
 * unwound, dropped, failed and truncated, the last three by reason. */
void stacks_counts_json(const struct stacks *s, cJSON *into);

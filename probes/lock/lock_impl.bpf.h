/* SPDX-License-Identifier: MIT */
/*
 * What both halves of the probe `lock` share: their programs by number, and their own losses.
 * Kernel locks are in lock_kernel.bpf.h, futex calls in lock_futex.bpf.h.
 */
#pragma once

#include <asm/errno.h>

#include "probes/hist.bpf.h"
#include "probes/lock/lock.h"
#include "probes/track.bpf.h"

enum {
	HIT_CONTENTION_BEGIN,
	HIT_CONTENTION_END,
	HIT_ENTER_FUTEX,
	HIT_EXIT_FUTEX,
	HIT_ENTER_WAITV,
	HIT_EXIT_WAITV,
	HIT_ENTER_WAIT,
	HIT_EXIT_WAIT,
	HIT_ENTER_WAKE,
	HIT_EXIT_WAKE,
	HIT_ENTER_REQUEUE,
	HIT_EXIT_REQUEUE,
	HIT_SYS_EXIT,
	HIT_ENTER_RESTART,
	HIT_EXIT_RESTART
};

struct lock_counts counts[HITS_CPUS];
/* Of waits below LOCK_STACK_NS; raised when the programs cost too much. */
uint32_t stack_every = LOCK_STACK_EVERY;
/* Nothing is taken out while we watch, so that a full table need not be tried again. */
uint32_t callers_are_full, addresses_are_full;

#define COUNT(what) __sync_fetch_and_add(&counts[bpf_get_smp_processor_id() % HITS_CPUS].what, 1)

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROBE_ROLE_COUNT *LOCK_HISTS);
	__type(key, u32);
	__type(value, struct bpf_hist);
} hists SEC(".maps");

static __always_inline void hist_add(const struct thread *t, u32 kind, u64 ns)
{
	u32 i = lock_hist_index(role_index(t), kind);
	struct bpf_hist *h = bpf_map_lookup_elem(&hists, &i);

	if (h)
		bpf_hist_add(h, ns);
}

/* Whoever is about to leave the kernel waits for no lock: if it seems to, an end was missed. */
static __always_inline void heal_nest(struct thread *t)
{
	if (!t->in_lock && !t->in_spin)
		return;
	__builtin_memset(t->nest, 0, sizeof(t->nest));
	t->in_lock = t->in_spin = 0;
	COUNT(lost);
}

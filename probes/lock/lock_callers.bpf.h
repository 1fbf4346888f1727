/* SPDX-License-Identifier: MIT */
/* Who wanted a kernel lock: waits by return addresses, the short ones sampled. */
#pragma once

#include "probes/lock/lock_impl.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LOCK_CALLERS);
	__type(key, struct lock_caller);
	__type(value, struct tally);
} lock_callers SEC(".maps");

static __always_inline void tally_add_weighted(struct tally *t, u64 ns, u32 weight)
{
	__sync_fetch_and_add(&t->count, weight);
	__sync_fetch_and_add(&t->sum, ns * weight);
	__sync_fetch_and_add(&t->slots[log2_slot(ns)], weight);
	if (ns > t->max)
		t->max = ns;
}

/* Of whoever just got the lock. Which of the short waits tell is left to chance: a fixed distance
 * would fall in step with a loop of calls. */
static __always_inline void caller_add(void *ctx, u32 role, u32 type, u64 ns)
{
	static const struct tally none;
	struct lock_caller key = {.role = role, .type = type};
	u32 weight = ns < LOCK_STACK_NS ? stack_every : 1;
	struct tally *t;

	if (weight > 1 && bpf_get_prandom_u32() % weight)
		return;
	if (bpf_get_stack(ctx, key.ips, sizeof(key.ips), 0) < 0) {
		COUNT(lost);
		return;
	}
	t = bpf_map_lookup_elem(&lock_callers, &key);
	if (!t && !callers_are_full) {
		if (bpf_map_update_elem(&lock_callers, &key, &none, BPF_NOEXIST) == -E2BIG)
			callers_are_full = 1;
		t = bpf_map_lookup_elem(&lock_callers, &key);
	}
	if (t)
		tally_add_weighted(t, ns, weight);
	else
		COUNT(callers_full);
}

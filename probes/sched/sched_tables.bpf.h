/* SPDX-License-Identifier: MIT */
/* What `sched` counts into: histograms and wakers by role, waits by thread. */
#pragma once

#include "probes/track.bpf.h"

#include "probes/hist.bpf.h"
#include "probes/sched/sched_abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROBE_ROLE_COUNT *SCHED_HISTS);
	__type(key, u32);
	__type(value, struct bpf_hist);
} hists SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCHED_WAKERS);
	__type(key, u32);
	__type(value, struct sched_count);
} wakers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SCHED_MORE_WAITS);
	__type(key, struct sched_wait_key);
	__type(value, struct sched_sum);
} more_waits SEC(".maps");

/* Waits from this length on are long: the knob stack_wait. */
const volatile uint64_t long_ns = 100000;

uint64_t waits_full, stacks_full;

static __always_inline void sum_add_shared(struct sched_sum *s, u64 n, u64 ns)
{
	__sync_fetch_and_add(&s->count, n);
	__sync_fetch_and_add(&s->sum, ns);
	if (ns > s->max)
		s->max = ns;
}

static __always_inline void hist_add(struct thread *t, u32 kind, u64 ns)
{
	u32 i = sched_hist_index(role_index(t), kind);
	struct bpf_hist *h = bpf_map_lookup_elem(&hists, &i);

	if (h)
		bpf_hist_add(h, ns);
}

static __always_inline void waker_add(struct thread *t, u32 cls, u64 ns)
{
	u32 from = t->waker_role <= ROLE_OUTSIDE ? t->waker_role : ROLE_OUTSIDE;
	u32 i = sched_waker_index(from, role_index(t), cls);
	struct sched_count *c = bpf_map_lookup_elem(&wakers, &i);

	if (!c)
		return;
	c->count++;
	c->sum += ns;
}

static __always_inline void more_waits_add(struct thread *t, u32 key, u64 n, u64 ns)
{
	struct sched_wait_key k = {.role = role_index(t), .key = key};
	struct sched_sum *s = bpf_map_lookup_elem(&more_waits, &k);

	if (!s) {
		struct sched_sum empty = {};

		bpf_map_update_elem(&more_waits, &k, &empty, BPF_NOEXIST);
		s = bpf_map_lookup_elem(&more_waits, &k);
	}
	if (s)
		sum_add_shared(s, n, ns);
	else
		__sync_fetch_and_add(&waits_full, 1);
}

/* Threads have few kinds of waits, and one writer: their own rows need neither hash nor lock. */
static __always_inline void wait_add(struct thread *t, u32 key, u64 n, u64 ns)
{
#pragma unroll
	for (u32 i = 0; i < WAIT_ROWS; i++) {
		struct thread_wait *w = &t->waits[i];

		if (!w->key)
			w->key = key;
		if (w->key == key) {
			w->count += n;
			w->sum += ns;
			if (ns > w->max)
				w->max = ns;
			return;
		}
	}
	more_waits_add(t, key, n, ns);
}

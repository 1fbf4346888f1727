/* SPDX-License-Identifier: MIT */
/* Is it measured now, and is this request one that is timed? What a CPU notes for itself. */
#pragma once

#include "probes/cqe/cqe_table.bpf.h"

/* Of this CPU alone, however many there are: programs run with preemption off, and never in
 * interrupts. What two CPUs shared would mix their addresses. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cqe_cpu);
} cpus SEC(".maps");

static __always_inline struct cqe_cpu *cpu_own(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&cpus, &zero);
}

#define COARSE_NS 20000000ull /* how far behind the coarse clock can be: a tick, twice */

/* The time as it was when this CPU asked first in this tick of the kernel. */
static __always_inline u64 coarse_ns(void)
{
	struct cqe_cpu *c = cpu_own();
	u64 jiffies = bpf_jiffies64();

	if (!c)
		return 0;
	if (c->jiffies != jiffies) {
		c->jiffies = jiffies;
		c->ns = bpf_ktime_get_ns();
	}
	return c->ns;
}

/* Is it measured now? The clock is a third of the whole cost, and is asked only where the window
 * begins and ends, or when the caller has read it anyway (`now`, else 0). */
static __always_inline bool counted(u64 now)
{
	struct probe_window *w = window_get();
	u64 about;

	if (!w || !w->begin_ns || !shared.gate)
		return false;
	if (now)
		return in_window(w, now);
	about = coarse_ns();
	if (about >= w->begin_ns && about + COARSE_NS < w->end_ns)
		return true;
	if (about >= w->end_ns || about + COARSE_NS < w->begin_ns)
		return false;
	return in_window(w, bpf_ktime_get_ns());
}

/* At random distances, so that a place in every batch is not always the one that is looked at. */
static __always_inline bool sampled(struct cqe_ring *r)
{
	u32 every = shared.every, x = r->random;

	if (every <= 1)
		return true;
	if (r->skip) {
		r->skip--;
		return false;
	}
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	r->random = x;
	r->skip = x % (2 * every - 1);
	return true;
}

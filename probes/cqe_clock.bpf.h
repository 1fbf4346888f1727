/* SPDX-License-Identifier: MIT */
/* Is it measured now, and is this request one that is timed? */
#pragma once

#include "probes/cqe_table.bpf.h"

#define COARSE_NS 20000000ull /* how far behind the coarse clock can be: a tick, twice */

/* The time as it was when this CPU asked first in this tick of the kernel. */
static __always_inline u64 coarse_ns(void)
{
	struct cqe_cpu *c = &cpus[bpf_get_smp_processor_id() % HITS_CPUS];
	u64 jiffies = bpf_jiffies64();

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

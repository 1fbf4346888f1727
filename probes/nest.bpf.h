/* SPDX-License-Identifier: MIT */
/*
 * The kernel locks that a thread waits for. `lock` notes them; `sched` knows when a thread leaves
 * its CPU, and then it spins for none.
 */
#pragma once

#include "probes/track.bpf.h"

/* include/trace/events/lock.h */
#define LCB_F_SPIN   (1u << 0)
#define LCB_F_READ   (1u << 1)
#define LCB_F_WRITE  (1u << 2)
#define LCB_F_RT     (1u << 3)
#define LCB_F_PERCPU (1u << 4)
#define LCB_F_MUTEX  (1u << 5)

/* Can a thread that waits for such a lock leave the CPU? */
static __always_inline bool sleeps(u32 flags)
{
	return !(flags & LCB_F_SPIN) || flags & LCB_F_MUTEX;
}

static __always_inline void nest_forget(struct thread *t, u32 i)
{
	t->nest[i].lock = 0;
	if (sleeps(t->nest[i].flags))
		t->in_lock -= t->in_lock > 0;
	else
		t->in_spin -= t->in_spin > 0;
}

/* Of a thread that leaves its CPU: what it seems to spin for has an end that the kernel skipped,
 * and counted. */
static __always_inline void nest_heal_spins(struct thread *t)
{
	if (!t->in_spin)
		return;
#pragma unroll
	for (u32 i = 0; i < NEST_MAX; i++)
		if (t->nest[i].lock && !sleeps(t->nest[i].flags))
			nest_forget(t, i);
	t->in_spin = 0;
}

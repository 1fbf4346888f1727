/* SPDX-License-Identifier: MIT */
/*
 * Takes samples of waits (probes/stacks/sample.h). For the programs on sched_switch and
 * sched_waking: they run in the context of the thread that leaves or wakes. The including object
 * has the maps `samples`, `sample_waits` and `sample_state`, to be handed to stacks_open(), and the
 * constants sample_user_bytes and sample_long_ns, to be set before it is loaded.
 */
#pragma once

#include "probes/stacks/sample_take.bpf.h"

/* Kernel workers have nothing of their own in user memory. */
static __always_inline bool sample_has_user(const struct thread *t)
{
	return t->role != PROBE_ROLE_IOU_WRK && t->role != PROBE_ROLE_IOU_SQP;
}

/* `t` is the current thread, blocks, and is about to leave the CPU; its cls is known. */
static __always_inline void sample_wait_begins(struct thread *t, void *ctx)
{
	if (!sample_user_bytes)
		return;
	t->sample_seq = 0;
	if (t->cls >= CLASS_COUNT || !sample_has_user(t))
		return;
	if (t->long_wait & (1u << t->cls) || !t->by_class[t->cls].n)
		t->sample_seq = sample_take(ctx, SAMPLE_WAITER, t, t, 0);
}

/* The wait of `t` that began last is over, and lasted so long. Any context. */
static __always_inline void sample_wait_ends(struct thread *t, u64 wait_ns)
{
	u32 i = (u32)t->sample_seq, bit = 1u << (t->cls & 31);
	u64 *wait;

	if (!sample_user_bytes)
		return;
	if (wait_ns >= sample_long_ns)
		t->long_wait |= bit;
	else
		t->long_wait &= ~bit;
	if (!i)
		return;
	wait = bpf_map_lookup_elem(&sample_waits, &i);
	if (wait)
		*wait = wait_ns;
	t->sample_seq = 0;
}

/*
 * `waker` is the current thread and ends the wait of `wakee`, which has lasted so long. To be
 * called in sched_waking. Interrupts are recognised afterwards, by the kernel stack.
 */
static __always_inline void sample_waker(void *ctx, struct thread *waker, struct thread *wakee,
					 u64 wait_ns)
{
	if (!sample_user_bytes || wait_ns < sample_long_ns || !sample_has_user(waker))
		return;
	sample_take(ctx, SAMPLE_WAKER, waker, wakee, wait_ns);
}

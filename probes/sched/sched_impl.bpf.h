/* SPDX-License-Identifier: MIT */
/*
 * The life of a thread between two switches, whatever kind of tracepoint tells it:
 *
 *   ON -> BLOCKED -> RUNNABLE -> ON		blocked, woken, switched in
 *   ON -> RUNNABLE -> ON			preempted
 *
 * The scheduler holds the run queue's lock in sched_switch and sched_wakeup, so a thread has one
 * writer at a time. sched_waking alone can meet the sleeper's own switch on another CPU
 * (kernel/sched/core.c, try_to_wake_up: it is traced before the sleeper is known to be off its
 * CPU). It writes nothing but waking_ns and waker_role; the wake-up, which comes after both, sorts
 * out what of the wait was blocked and what was delivery.
 */
#pragma once

#include "probes/track.bpf.h"

#include "probes/nest.bpf.h"
#include "probes/sched/sched_tables.bpf.h"

/* Leaves the CPU. Returns whether it blocks: then its class is due. As __schedule() counts. */
static __always_inline bool thread_leaves(struct thread *t, const struct probe_window *w,
					  bool preempted, unsigned long state, u64 now)
{
	bool blocks = !preempted && state;

	nest_heal_spins(t);
	t->by_class[CLASS_ON_CPU].ns += clipped(w, t->since_ns, now);
	if (in_window(w, now))
		*(blocks ? &t->voluntary : &t->involuntary) += 1;
	t->blocked_ns = 0;
	/* In this order, for blocked_since(). */
	*(volatile u64 *)&t->since_ns = now;
	*(volatile u32 *)&t->state = blocks ? THREAD_BLOCKED : THREAD_RUNNABLE;
	return blocks;
}

/* For a waker, who may meet the switch: the time can be later than the waker's own. 0: not blocked.
 */
static __always_inline u64 blocked_since(const struct thread *t)
{
	if (*(const volatile u32 *)&t->state != THREAD_BLOCKED)
		return 0;
	return *(const volatile u64 *)&t->since_ns;
}

static __always_inline void thread_waking(struct thread *t, u32 waker_role, u64 now)
{
	t->waker_role = waker_role;
	t->waking_ns = now;
}

/* What is counted once the wait is over, as opposed to time, which is clipped. */
static __always_inline void wait_over(struct thread *t, u32 cls, u64 blocked, u64 clipped_ns)
{
	if (within(&cls, CLASS_COUNT))
		t->by_class[cls].n++;
	hist_add(t, SCHED_OFF_CPU, blocked);
	waker_add(t, cls, clipped_ns);
	if (blocked >= long_ns) {
		t->blocked_ns = clipped_ns;
		t->long_n++;
		t->long_ns += clipped_ns;
	}
}

/* A wake-up that has arrived. Returns how long the thread was blocked; 0 when it was not. */
static __always_inline u64 thread_woken(struct thread *t, const struct probe_window *w, u64 now)
{
	u64 from = t->since_ns, waking = t->waking_ns, blocked, ns;
	u32 cls = t->cls;

	t->waking_ns = 0;
	if (t->state != THREAD_BLOCKED)
		return 0;
	if (!waking || waking > now)
		waking = now; /* not seen */
	if (waking < from)
		waking = from;
	if (cls >= CLASS_COUNT)
		cls = CLASS_OTHER;
	blocked = waking - from;
	ns = clipped(w, from, waking);
	if (within(&cls, CLASS_COUNT))
		t->by_class[cls].ns += ns;
	t->by_class[CLASS_DELIVERY].ns += clipped(w, waking, now);
	if (ns)
		wait_add(t, wait_key(cls, t->nr), in_window(w, waking), ns);
	if (in_window(w, waking))
		wait_over(t, cls, blocked, ns);
	if (in_window(w, now)) {
		t->by_class[CLASS_DELIVERY].n++;
		hist_add(t, SCHED_DELIVERY, now - waking);
	}
	if (cls == CLASS_FUTEX) {
		t->futex_slept_ns += ns;
		t->futex_sleeps++;
	}
	t->since_ns = now;
	t->state = THREAD_RUNNABLE;
	return blocked;
}

/* Runs again. Its wake-up may not have been seen: the kernel skips plain tracepoints inside others,
 * and a thread with a signal that is due does not block (up to Linux 6.14 it seems to). */
static __always_inline void thread_arrives(struct thread *t, const struct probe_window *w, u64 now)
{
	if (t->state == THREAD_ON)
		return;
	if (t->state == THREAD_BLOCKED)
		thread_woken(t, w, now);
	t->by_class[CLASS_RUN_QUEUE].ns += clipped(w, t->since_ns, now);
	if (in_window(w, now)) {
		t->by_class[CLASS_RUN_QUEUE].n++;
		hist_add(t, SCHED_RUN_QUEUE, now - t->since_ns);
	}
	t->since_ns = now;
	t->state = THREAD_ON;
}

/* A new thread is on a run queue from here on; its life began a little before. */
static __always_inline void thread_born(struct thread *t, u64 now)
{
	t->waking_ns = 0;
	if (t->state != THREAD_RUNNABLE || t->begin_ns != t->since_ns)
		return;
	t->begin_ns = now;
	t->since_ns = now;
}

/*
 * Locks that threads sleep on, when the probe `lock` does not watch them. A thread waits for one
 * at a time; spinning locks, which can be waited for meanwhile, are left out
 * (include/trace/events/lock.h: LCB_F_SPIN, LCB_F_MUTEX).
 */
static __always_inline void lock_begins(struct thread *t, u64 lock, u32 flags)
{
	if ((flags & 1) && !(flags & 32))
		return;
	t->nest[0].lock = lock;
	t->in_lock = 1;
}

static __always_inline void lock_ends(struct thread *t, u64 lock)
{
	if (t->nest[0].lock == lock)
		t->in_lock = 0;
}

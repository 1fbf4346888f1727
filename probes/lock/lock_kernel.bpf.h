/* SPDX-License-Identifier: MIT */
/*
 * Waits for kernel locks, whatever kind of tracepoint tells them. They nest (an interrupt spins
 * while a mutex is waited for), so a thread keeps the few it is in, found again by the lock's
 * address.
 */
#pragma once

#include "probes/lock/lock_callers.bpf.h"
#include "probes/nest.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROBE_ROLE_COUNT *LOCK_TYPES);
	__type(key, u32);
	__type(value, struct tally);
} lock_types SEC(".maps");

static __always_inline u32 type_of(u32 flags)
{
	if (flags & LCB_F_MUTEX)
		return LOCK_MUTEX;
	if (flags & LCB_F_RT)
		return LOCK_RTMUTEX;
	if (flags & LCB_F_PERCPU)
		return flags & LCB_F_READ ? LOCK_PERCPU_READ : LOCK_PERCPU_WRITE;
	if (flags & LCB_F_SPIN)
		return flags & LCB_F_READ    ? LOCK_RWLOCK_READ
		       : flags & LCB_F_WRITE ? LOCK_RWLOCK_WRITE
					     : LOCK_SPIN;
	return flags & LCB_F_READ    ? LOCK_RWSEM_READ
	       : flags & LCB_F_WRITE ? LOCK_RWSEM_WRITE
				     : LOCK_SEMAPHORE;
}

static __always_inline void nest_put(struct thread *t, u32 i, u64 lock, u32 flags, u64 now)
{
	t->nest[i].since_ns = now;
	t->nest[i].flags = flags;
	t->nest[i].lock = lock;
	if (sleeps(flags))
		t->in_lock++;
	else
		t->in_spin++;
}

/* A thread spins for one lock in each kind of interrupt that came upon it: more means that the
 * kernel has skipped ends, and has counted them. The outermost makes room. */
static __always_inline void nest_add(struct thread *t, u64 lock, u32 flags, u64 now)
{
#pragma unroll
	for (u32 i = 0; i < NEST_MAX; i++) {
		if (t->nest[i].lock)
			continue;
		nest_put(t, i, lock, flags, now);
		return;
	}
	nest_forget(t, 0);
	nest_put(t, 0, lock, flags, now);
}

/* A mutex begins anew each time it turns from spinning to sleeping or back, and ends once
 * (kernel/locking/mutex.c): the first begin counts. Of any other lock the end was skipped by the
 * kernel, which counts that. */
static __always_inline void lock_begin(u64 lock, u32 flags)
{
	struct thread *t = thread_self();
	u64 now;

	if (!t)
		return;
	now = bpf_ktime_get_ns();
#pragma unroll
	for (u32 i = 0; i < NEST_MAX; i++) {
		if (t->nest[i].lock != lock)
			continue;
		if (!(flags & LCB_F_MUTEX))
			t->nest[i].since_ns = now;
		return;
	}
	nest_add(t, lock, flags, now);
}

static __always_inline void lock_wait_over(void *ctx, const struct thread *t, u32 flags, u64 ns)
{
	u32 type = type_of(flags), role = role_index(t), i = role * LOCK_TYPES + type;
	struct tally *sum = bpf_map_lookup_elem(&lock_types, &i);

	if (!sum)
		return;
	tally_add(sum, ns);
	hist_add(t, LOCK_HIST_KERNEL, ns);
	caller_add(ctx, role, type, ns);
}

static __always_inline void lock_end(void *ctx, u64 lock)
{
	struct thread *t = thread_self();
	struct probe_window *w = window_get();
	u64 now, since = 0;
	u32 flags = 0;

	if (!t || !w)
		return;
#pragma unroll
	for (u32 i = 0; i < NEST_MAX; i++) {
		if (since || t->nest[i].lock != lock)
			continue;
		since = t->nest[i].since_ns;
		flags = t->nest[i].flags;
		nest_forget(t, i);
	}
	now = bpf_ktime_get_ns();
	if (!in_window(w, now))
		return;
	COUNT(events);
	if (since)
		lock_wait_over(ctx, t, flags, clipped(w, since, now));
	else
		COUNT(untracked);
}

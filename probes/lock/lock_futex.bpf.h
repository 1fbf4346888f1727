/* SPDX-License-Identifier: MIT */
/*
 * Futex calls, whatever kind of tracepoint tells that one is over: all is counted there. How often
 * and how long (in the window) the thread really slept is what sched noted in it meanwhile.
 */
#pragma once

#include "probes/lock/lock_impl.bpf.h"

#define FUTEX_COMMANDS 0x7f	 /* without FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME */
#define TO_SPARE_NS    100000000 /* ten ticks or more */

/* include/linux/errno.h: a signal ends the call, which is then repeated or not. */
#define ERESTARTSYS	      512
#define ERESTART_RESTARTBLOCK 516

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROBE_ROLE_COUNT *FUTEX_OPS);
	__type(key, u32);
	__type(value, struct futex_calls);
} futex_calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LOCK_ADDRESSES);
	__type(key, struct futex_key);
	__type(value, struct futex_sum);
} futexes SEC(".maps");

static __always_inline u32 futex_operation(u32 op)
{
	op &= FUTEX_COMMANDS;
	return op < FUTEX_OP_OTHER ? op : FUTEX_OP_OTHER;
}

static __always_inline bool futex_wakes(u32 operation)
{
	const u32 wakers = 1u << FUTEX_OP_WAKE | 1u << FUTEX_OP_REQUEUE |
			   1u << FUTEX_OP_CMP_REQUEUE | 1u << FUTEX_OP_WAKE_OP |
			   1u << FUTEX_OP_UNLOCK_PI | 1u << FUTEX_OP_WAKE_BITSET |
			   1u << FUTEX_OP_CMP_REQUEUE_PI | 1u << FUTEX_OP_SYS_WAKE |
			   1u << FUTEX_OP_SYS_REQUEUE;

	return wakers >> (operation & 31) & 1;
}

static __always_inline bool interrupts(s64 ret)
{
	return ret == -EINTR || (ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK);
}

struct {
	uint64_t begin_ns, end_ns; /* of the window that this holds for */
	uint64_t last_tick;
} inside;

/* Not atomic: the kernel does not run a program twice at a time on a CPU. */
static __always_inline void futex_count(const struct thread *t, u32 operation, s64 ret)
{
	u32 i = role_index(t) * FUTEX_OPS + operation;
	struct futex_calls *c = bpf_map_lookup_elem(&futex_calls, &i);

	if (!c)
		return;
	c->calls++;
	if (t->futex_sleeps) {
		c->slept++;
		hist_add(t, LOCK_HIST_FUTEX, t->futex_slept_ns);
	}
	if (ret >= 0)
		c->woke += futex_wakes(operation) ? ret : 0;
	else if (ret == -EAGAIN)
		c->again++;
	else if (ret == -ETIMEDOUT)
		c->timed_out++;
	else if (interrupts(ret))
		c->interrupted++;
	else
		c->failed++;
}

static __always_inline struct futex_sum *futex_of(const struct thread *t, u64 address)
{
	static const struct futex_sum none;
	struct futex_key key = {.address = address, .tgid = t->tgid};
	struct futex_sum *f = bpf_map_lookup_elem(&futexes, &key);

	if (f || addresses_are_full)
		return f;
	if (bpf_map_update_elem(&futexes, &key, &none, BPF_NOEXIST) == -E2BIG)
		addresses_are_full = 1;
	return bpf_map_lookup_elem(&futexes, &key);
}

static __always_inline void futex_add(const struct thread *t, u64 address, u32 operation, s64 ret)
{
	struct futex_sum *f = futex_of(t, address);

	if (!f) {
		COUNT(addresses_full);
		return;
	}
	if (futex_wakes(operation)) {
		__sync_fetch_and_add(&f->wakes, 1);
		if (ret > 0)
			__sync_fetch_and_add(&f->woke, ret);
		return;
	}
	__sync_fetch_and_add(&f->calls, 1);
	if (ret == -EAGAIN)
		__sync_fetch_and_add(&f->again, 1);
	if (t->futex_sleeps)
		tally_add_shared(&f->slept, t->futex_slept_ns);
}

/* Is now in the window? The clock is asked once a tick only: who was inside then with time to spare
 * is inside until the next tick but one. */
static __always_inline bool inside_now(const struct probe_window *w)
{
	u64 tick = bpf_jiffies64(), now;

	if (tick <= inside.last_tick && inside.begin_ns == w->begin_ns &&
	    inside.end_ns == w->end_ns)
		return true;
	now = bpf_ktime_get_ns();
	if (!in_window(w, now))
		return false;
	if (now + TO_SPARE_NS < w->end_ns) {
		inside.begin_ns = w->begin_ns;
		inside.end_ns = w->end_ns;
		inside.last_tick = tick + 1;
	}
	return true;
}

static __always_inline void futex_over(struct thread *t, u64 address, u32 operation, s64 ret)
{
	struct probe_window *w = window_get();

	heal_nest(t);
	if (w && inside_now(w)) {
		futex_count(t, operation, ret);
		futex_add(t, address, operation, ret);
	}
	t->restart_addr = ret == -ERESTART_RESTARTBLOCK ? address : 0;
	t->futex_addr = t->futex_slept_ns = 0;
	t->futex_sleeps = 0;
}

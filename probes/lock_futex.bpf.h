/* SPDX-License-Identifier: MIT */
/*
 * Futex calls, whatever kind of tracepoint tells them: a thread is in one at a time. How long it
 * really slept is what sched notes in the thread meanwhile.
 */
#pragma once

#include "probes/lock_impl.bpf.h"

#define FUTEX_COMMANDS 0x7f /* without FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME */

/* include/linux/errno.h: a signal ends the call, which is then repeated or not. */
#define ERESTARTSYS	      512
#define ERESTART_RESTARTBLOCK 516

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
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

static __always_inline void futex_enter(struct thread *t, u64 address, u32 operation)
{
	struct probe_window *w = window_get();
	u64 now = bpf_ktime_get_ns();

	heal_nest(t);
	t->futex_addr = address;
	t->futex_op = operation;
	t->futex_slept_ns = 0;
	t->futex_sleeps = 0;
	t->futex_enter_ns = now;
	if (w && in_window(w, now))
		COUNT(events);
}

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

static __always_inline void futex_count(const struct thread *t, s64 ret)
{
	u32 i = role_index(t) * FUTEX_OPS + t->futex_op;
	struct futex_calls *c = bpf_map_lookup_elem(&futex_calls, &i);

	if (!c)
		return;
	__sync_fetch_and_add(&c->calls, 1);
	if (t->futex_sleeps)
		__sync_fetch_and_add(&c->slept, 1);
	if (ret == -EAGAIN)
		__sync_fetch_and_add(&c->again, 1);
	else if (ret == -ETIMEDOUT)
		__sync_fetch_and_add(&c->timed_out, 1);
	else if (interrupts(ret))
		__sync_fetch_and_add(&c->interrupted, 1);
	else if (ret < 0)
		__sync_fetch_and_add(&c->failed, 1);
	else if (ret && futex_wakes(t->futex_op))
		__sync_fetch_and_add(&c->woke, ret);
}

static __always_inline struct futex_sum *futex_of(const struct thread *t)
{
	static const struct futex_sum none;
	struct futex_key key = {.address = t->futex_addr, .tgid = t->tgid};
	struct futex_sum *f = bpf_map_lookup_elem(&futexes, &key);

	if (f || addresses_are_full)
		return f;
	if (bpf_map_update_elem(&futexes, &key, &none, BPF_NOEXIST) == -E2BIG)
		addresses_are_full = 1;
	return bpf_map_lookup_elem(&futexes, &key);
}

/* What of the sleep lies in the window: only that of a call from before it has to be cut. */
static __always_inline u64 slept_ns(const struct thread *t, const struct probe_window *w, u64 now)
{
	u64 most = clipped(w, t->futex_enter_ns, now);

	return t->futex_slept_ns < most ? t->futex_slept_ns : most;
}

static __always_inline void futex_add(const struct thread *t, const struct probe_window *w, u64 now,
				      s64 ret)
{
	struct futex_sum *f = futex_of(t);

	if (!f) {
		COUNT(addresses_full);
		return;
	}
	if (futex_wakes(t->futex_op)) {
		__sync_fetch_and_add(&f->wakes, 1);
		if (ret > 0)
			__sync_fetch_and_add(&f->woke, ret);
		return;
	}
	__sync_fetch_and_add(&f->calls, 1);
	if (ret == -EAGAIN)
		__sync_fetch_and_add(&f->again, 1);
	if (t->futex_sleeps)
		tally_add_shared(&f->slept, slept_ns(t, w, now));
}

static __always_inline void futex_exit(struct thread *t, s64 ret)
{
	struct probe_window *w = window_get();
	u64 now = bpf_ktime_get_ns();

	if (w && in_window(w, now)) {
		COUNT(events);
		if (t->futex_enter_ns) {
			futex_count(t, ret);
			futex_add(t, w, now, ret);
		} else {
			COUNT(untracked);
		}
	}
	t->futex_enter_ns = 0;
	t->futex_addr = 0;
}

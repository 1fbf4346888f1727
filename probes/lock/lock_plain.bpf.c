// SPDX-License-Identifier: MIT
/*
 * `lock` on plain tracepoints, for kernels without BTF: nothing here needs CO-RE. Where a futex
 * call ends nothing tells what it was given, so that is noted where it begins. Layouts are checked
 * against events/lock and events/syscalls before loading.
 */
#define UHBENCH_NO_CORE
#include "probes/lock/lock_calls.bpf.h"
#include "probes/lock/lock_kernel.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct contention_event {
	u64 common;
	u64 lock;
	u32 flags; /* contention_end: what waiting returned */
};

struct enter_event {
	u64 common;
	s32 nr;
	u32 pad;
	u64 args[6];
};

static __always_inline void futex_enter(struct thread *t, u64 address, u32 operation)
{
	t->futex_addr = address;
	t->futex_op = operation;
	t->futex_enter_ns = bpf_ktime_get_ns();
	t->futex_slept_ns = 0;
	t->futex_sleeps = 0;
}

static __always_inline void futex_exit(struct thread *t, s64 ret)
{
	struct probe_window *w = window_get();

	if (t->futex_enter_ns)
		futex_over(t, t->futex_addr, t->futex_op, ret);
	else if (w && inside_now(w))
		COUNT(untracked);
	t->futex_enter_ns = 0;
}

#define FUTEX_ENTER(name, number, address, operation)           \
	SEC("tracepoint/syscalls/sys_enter_" #name)             \
	int enter_##name(struct enter_event *e)                 \
	{                                                       \
		struct thread *t = thread_self();               \
                                                                \
		hit(number);                                    \
		if (t)                                          \
			futex_enter(t, (address), (operation)); \
		return PASS_ON;                                 \
	}

#define FUTEX_EXIT(name, number)                   \
	SEC("tracepoint/syscalls/sys_exit_" #name) \
	int exit_##name(struct exit_event *e)      \
	{                                          \
		struct thread *t = thread_self();  \
                                                   \
		hit(number);                       \
		if (t)                             \
			futex_exit(t, e->ret);     \
		return PASS_ON;                    \
	}

FUTEX_ENTER(futex, HIT_ENTER_FUTEX, e->args[0], futex_operation((u32)e->args[1]))
FUTEX_EXIT(futex, HIT_EXIT_FUTEX)
FUTEX_ENTER(futex_waitv, HIT_ENTER_WAITV, first_futex(e->args[0]), FUTEX_OP_SYS_WAITV)
FUTEX_EXIT(futex_waitv, HIT_EXIT_WAITV)
FUTEX_ENTER(futex_wait, HIT_ENTER_WAIT, e->args[0], FUTEX_OP_SYS_WAIT)
FUTEX_EXIT(futex_wait, HIT_EXIT_WAIT)
FUTEX_ENTER(futex_wake, HIT_ENTER_WAKE, e->args[0], FUTEX_OP_SYS_WAKE)
FUTEX_EXIT(futex_wake, HIT_EXIT_WAKE)
FUTEX_ENTER(futex_requeue, HIT_ENTER_REQUEUE, first_futex(e->args[0]), FUTEX_OP_SYS_REQUEUE)
FUTEX_EXIT(futex_requeue, HIT_EXIT_REQUEUE)

/* Nothing tells what is restarted, but that the call before was interrupted. When a signal handler
 * ended that one, another call's restart passes for it, once. */
SEC("tracepoint/syscalls/sys_enter_restart_syscall")
int enter_restart_syscall(void *e)
{
	struct thread *t = thread_self();

	hit(HIT_ENTER_RESTART);
	if (t && t->restart_addr)
		futex_enter(t, t->restart_addr, t->futex_op);
	return PASS_ON;
}

SEC("tracepoint/syscalls/sys_exit_restart_syscall")
int exit_restart_syscall(struct exit_event *e)
{
	struct thread *t = thread_self();

	hit(HIT_EXIT_RESTART);
	if (t && t->futex_enter_ns)
		futex_exit(t, e->ret);
	return PASS_ON;
}

SEC("tracepoint/lock/contention_begin")
int contention_begin(struct contention_event *e)
{
	hit(HIT_CONTENTION_BEGIN);
	lock_begin(e->lock, e->flags);
	return PASS_ON;
}

SEC("tracepoint/lock/contention_end")
int contention_end(struct contention_event *e)
{
	hit(HIT_CONTENTION_END);
	lock_end(e, e->lock);
	return PASS_ON;
}

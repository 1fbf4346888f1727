/* SPDX-License-Identifier: MIT */
/*
 * Entry to and exit from the futex system calls, by their own tracepoints: they cost other system
 * calls half of what sys_enter and sys_exit do. Their layout is a word for each argument behind
 * the call's number, checked against events/syscalls/NAME/format before loading.
 */
#pragma once

#include "probes/lock_futex.bpf.h"

struct enter_event {
	u64 common;
	s32 nr;
	u32 pad;
	u64 args[6];
};

struct exit_event {
	u64 common;
	s32 nr;
	u32 pad;
	s64 ret;
};

/* struct futex_waitv of uapi/linux/futex.h: val, uaddr, flags. */
static __always_inline u64 first_of(u64 waiters)
{
	u64 address = 0;

	bpf_probe_read_user(&address, sizeof(address), (void *)(waiters + sizeof(u64)));
	return address;
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
FUTEX_ENTER(futex_waitv, HIT_ENTER_WAITV, first_of(e->args[0]), FUTEX_OP_SYS_WAITV)
FUTEX_EXIT(futex_waitv, HIT_EXIT_WAITV)
FUTEX_ENTER(futex_wait, HIT_ENTER_WAIT, e->args[0], FUTEX_OP_SYS_WAIT)
FUTEX_EXIT(futex_wait, HIT_EXIT_WAIT)
FUTEX_ENTER(futex_wake, HIT_ENTER_WAKE, e->args[0], FUTEX_OP_SYS_WAKE)
FUTEX_EXIT(futex_wake, HIT_EXIT_WAKE)
FUTEX_ENTER(futex_requeue, HIT_ENTER_REQUEUE, first_of(e->args[0]), FUTEX_OP_SYS_REQUEUE)
FUTEX_EXIT(futex_requeue, HIT_EXIT_REQUEUE)

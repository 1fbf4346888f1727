// SPDX-License-Identifier: MIT
/*
 * `lock` on BTF-typed tracepoints where that is cheaper: kernel locks. Futex calls have tracepoints
 * of their own; only without tracefs are all system calls looked at instead.
 */
#include "probes/lock_calls.bpf.h"
#include "probes/lock_kernel.bpf.h"

#include <asm/unistd.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "probes/classes.h"

#ifndef __NR_futex_wake
#define __NR_futex_wake 454
#endif
#ifndef __NR_futex_requeue
#define __NR_futex_requeue 456
#endif

#ifdef __TARGET_ARCH_x86
#define SYSCALL_OF(regs) ((long)(regs)->orig_ax)
#else
#define SYSCALL_OF(regs) ((long)(regs)->syscallno)
#endif

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("tp_btf/contention_begin")
int BPF_PROG(contention_begin, void *lock, unsigned int flags)
{
	hit(HIT_CONTENTION_BEGIN);
	lock_begin((u64)lock, flags);
	return 0;
}

SEC("tp_btf/contention_end")
int BPF_PROG(contention_end, void *lock, int ret)
{
	hit(HIT_CONTENTION_END);
	lock_end(ctx, (u64)lock);
	return 0;
}

static __always_inline bool is_futex(long nr)
{
	return nr == __NR_futex || nr == __NR_futex_waitv || nr == __NR_futex_wait ||
	       nr == __NR_futex_wake || nr == __NR_futex_requeue;
}

static __always_inline u32 operation_of(long nr, u64 op)
{
	switch (nr) {
	case __NR_futex_waitv:
		return FUTEX_OP_SYS_WAITV;
	case __NR_futex_wait:
		return FUTEX_OP_SYS_WAIT;
	case __NR_futex_wake:
		return FUTEX_OP_SYS_WAKE;
	case __NR_futex_requeue:
		return FUTEX_OP_SYS_REQUEUE;
	default:
		return futex_operation((u32)op);
	}
}

SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter, struct pt_regs *regs, long nr)
{
	struct thread *t;
	u64 address;

	hit(HIT_SYS_ENTER);
	if (!is_futex(nr))
		return 0;
	t = thread_self();
	if (!t)
		return 0;
	address = PT_REGS_PARM1_CORE_SYSCALL(regs);
	if (nr == __NR_futex_waitv || nr == __NR_futex_requeue)
		address = first_of(address);
	futex_enter(t, address, operation_of(nr, PT_REGS_PARM2_CORE_SYSCALL(regs)));
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long ret)
{
	struct thread *t;

	hit(HIT_SYS_EXIT);
	if (!is_futex(SYSCALL_OF(regs)))
		return 0;
	t = thread_self();
	if (t)
		futex_exit(t, ret);
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * `lock` on BTF-typed tracepoints where that is cheaper: kernel locks. Futex calls have tracepoints
 * of their own; only without tracefs are all system calls looked at instead. What a call was given
 * is still in the thread's registers when it ends, so that nothing looks at where calls begin.
 */
#include "probes/lock/lock_calls.bpf.h"
#include "probes/lock/lock_kernel.bpf.h"

#include <asm/unistd.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "probes/classes.h"

#ifndef __NR_futex_wake
#define __NR_futex_wake 454
#endif
#ifndef __NR_futex_wait
#define __NR_futex_wait 455
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

static __always_inline u64 first_argument(struct pt_regs *regs)
{
#ifdef __TARGET_ARCH_x86
	return regs->di;
#else
	return regs->orig_x0; /* regs[0] is what the call returns */
#endif
}

static __always_inline u64 second_argument(struct pt_regs *regs)
{
#ifdef __TARGET_ARCH_x86
	return regs->si;
#else
	return regs->regs[1];
#endif
}

static __always_inline void call_over(struct thread *t, struct pt_regs *regs, long nr, s64 ret)
{
	u64 address = first_argument(regs);

	if (nr == __NR_futex_waitv || nr == __NR_futex_requeue)
		address = first_futex(address);
	futex_over(t, address, operation_of(nr, second_argument(regs)), ret);
}

#define FUTEX_EXIT(name, number)                                            \
	SEC("tracepoint/syscalls/sys_exit_" #name)                          \
	int exit_##name(struct exit_event *e)                               \
	{                                                                   \
		struct thread *t = thread_self();                           \
                                                                            \
		hit(number);                                                \
		if (t)                                                      \
			call_over(t, own_registers(), __NR_##name, e->ret); \
		return PASS_ON;                                             \
	}

static __always_inline struct pt_regs *own_registers(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

FUTEX_EXIT(futex, HIT_EXIT_FUTEX)
FUTEX_EXIT(futex_waitv, HIT_EXIT_WAITV)
FUTEX_EXIT(futex_wait, HIT_EXIT_WAIT)
FUTEX_EXIT(futex_wake, HIT_EXIT_WAKE)
FUTEX_EXIT(futex_requeue, HIT_EXIT_REQUEUE)

/* Goes on with a call of which it has the registers; others than futex calls do so, too. */
static __always_inline void restart_over(struct thread *t, struct pt_regs *regs, s64 ret)
{
	if (t->restart_addr && t->restart_addr == first_argument(regs))
		call_over(t, regs, __NR_futex, ret);
}

SEC("tracepoint/syscalls/sys_exit_restart_syscall")
int exit_restart_syscall(struct exit_event *e)
{
	struct thread *t = thread_self();

	hit(HIT_EXIT_RESTART);
	if (t)
		restart_over(t, own_registers(), e->ret);
	return PASS_ON;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long ret)
{
	long nr = SYSCALL_OF(regs);
	struct thread *t;

	hit(HIT_SYS_EXIT);
	if (!is_futex(nr) && nr != __NR_restart_syscall)
		return 0;
	t = thread_self();
	if (t && nr == __NR_restart_syscall)
		restart_over(t, regs, ret);
	else if (t)
		call_over(t, regs, nr, ret);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * What a task's registers and stack tell: the system call it is in, and whether it acts or an
 * interrupt. Needs BTF: fields are found by CO-RE.
 */
#pragma once

#include "probes/track.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "probes/classes.h"

/* include/linux/sched.h */
#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD   0x00200000
/* arch/.../include/asm/thread_info.h: THREAD_SIZE, at most */
#define STACK_BYTES 32768

/* -1: a fault, an interrupt or a kernel thread. */
static __always_inline s32 syscall_of(const struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return (s32)regs->orig_ax;
#else
	return regs->syscallno;
#endif
}

static __always_inline u64 first_argument(const struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->di;
#else
	return regs->regs[0];
#endif
}

/* Packets that a thread sends to this machine are received by a soft interrupt in its own call. */
static __always_inline bool sends(s32 nr)
{
	u32 cls = class_of_syscall(nr);

	return cls == CLASS_SOCKET || cls == CLASS_CQ || cls == CLASS_COUNT;
}

/* Do we run on the thread's own stack? The context of a program lies on the stack of its caller;
 * interrupts have a stack of their own, unless they come while no system call is on the thread's.
 * The preemption counter would tell as much, but not every kernel lets programs find it. */
static __always_inline bool on_own_stack(const void *ctx, const struct task_struct *task)
{
	u64 bottom = (u64)task->stack, top = bottom + STACK_BYTES, here = (u64)ctx;

	/* Two comparisons: programs may compare addresses, and not subtract them. */
	asm volatile("" : "+r"(here));
	if (here < bottom)
		return false;
	asm volatile("" : "+r"(here), "+r"(top));
	return here < top;
}

/* Does an interrupt wake, and not what the current thread does? */
static __always_inline bool interrupt_wakes(const void *ctx, struct task_struct *current)
{
	s32 nr;

	if (current->flags & (PF_KTHREAD | PF_IO_WORKER))
		return !on_own_stack(ctx, current);
	nr = syscall_of((struct pt_regs *)bpf_task_pt_regs(current));
	return nr < 0 || (!on_own_stack(ctx, current) && !sends(nr));
}

// SPDX-License-Identifier: MIT
/*
 * System calls as they begin and end. The number is taken at the end, so that calls are counted
 * when only their ends are looked at. Numbers are read as those of 64-bit programs.
 */
#include "probes/syscalls/syscalls_impl.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Kernel: syscall_get_nr() of arch/ARCH/include/asm/syscall.h. */
static __always_inline long number_of(const struct pt_regs *regs)
{
#ifdef __TARGET_ARCH_x86
	return (long)regs->orig_ax;
#else
	return regs->syscallno;
#endif
}

SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter, struct pt_regs *regs, long nr)
{
	hit(SYSCALLS_ENTER);
	syscall_enter();
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long ret)
{
	struct thread *t = thread_self();

	hit(SYSCALLS_EXIT);
	if (t)
		syscall_exit(t, number_of(regs), ret);
	return 0;
}

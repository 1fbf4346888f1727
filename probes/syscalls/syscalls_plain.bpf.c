// SPDX-License-Identifier: MIT
/*
 * `syscalls` on plain tracepoints, for kernels without BTF. The layouts are those of
 * events/raw_syscalls/sys_enter and sys_exit, checked before loading.
 */
#define UHBENCH_NO_CORE
#include "probes/syscalls/syscalls_impl.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct exit_event {
	u64 common;
	long nr, ret;
};

SEC("tracepoint/raw_syscalls/sys_enter")
int sys_enter(void *e)
{
	hit(SYSCALLS_ENTER);
	syscall_enter();
	return PASS_ON;
}

SEC("tracepoint/raw_syscalls/sys_exit")
int sys_exit(struct exit_event *e)
{
	struct thread *t = thread_self();

	hit(SYSCALLS_EXIT);
	if (t)
		syscall_exit(t, e->nr, e->ret);
	return PASS_ON;
}

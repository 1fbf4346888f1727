// SPDX-License-Identifier: MIT
/*
 * Who is watched: what a watched thread starts is watched, kernel workers of io_uring included
 * (kernel/fork.c, copy_process: task_newtask fires for create_io_thread too, sched_process_fork
 * does not). The role is the first name of its kind that a thread is given, so that renaming
 * itself later changes nothing.
 */
#include "probes/track.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "probes/track_impl.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("tp_btf/task_newtask")
int BPF_PROG(task_newtask, struct task_struct *task, u64 clone_flags)
{
	hit(TRACK_NEWTASK);
	track_new((u32)bpf_get_current_pid_tgid(), task->pid, task->tgid);
	return 0;
}

SEC("tp_btf/task_rename")
int BPF_PROG(task_rename, struct task_struct *task, const char *comm)
{
	char name[COMM_LEN] = {};

	hit(TRACK_RENAME);
	if (!thread_of(task->pid))
		return 0;
	bpf_probe_read_kernel_str(name, sizeof(name), comm);
	track_name(task->pid, name);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	struct thread *t = thread_of(task->pid);

	hit(TRACK_EXIT);
	if (t) {
		t->user_ns = task->utime;
		t->system_ns = task->stime;
	}
	track_exit(task->pid);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct *task, int old_pid)
{
	hit(TRACK_EXEC);
	track_exec(task->pid, old_pid);
	return 0;
}

/* Run by hand: under which id does the kernel know the caller? */
SEC("raw_tp/task_newtask")
int who_am_i(void *ctx)
{
	u32 zero = 0;
	struct control *c = bpf_map_lookup_elem(&control, &zero);

	if (c)
		c->caller = bpf_get_current_pid_tgid();
	return 0;
}

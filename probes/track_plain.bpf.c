// SPDX-License-Identifier: MIT
/*
 * The tracker on plain tracepoints, for kernels without BTF: nothing here needs CO-RE. The layouts
 * are those of events/task/task_newtask, task_rename and events/sched/sched_process_exit, checked
 * against the kernel's own `format` files before loading.
 */
#define UHBENCH_NO_CORE
#include "probes/track_impl.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct newtask_event {
	u64 common;
	s32 pid;
	char comm[16];
	u32 pad;
	unsigned long clone_flags;
};

struct exit_event {
	u64 common;
	char comm[16];
	s32 pid;
};

#define CLONE_THREAD 0x00010000

SEC("tracepoint/task/task_newtask")
int task_newtask(struct newtask_event *e)
{
	hit(TRACK_NEWTASK);
	track_new((u32)bpf_get_current_pid_tgid(), e->pid,
		  e->clone_flags & CLONE_THREAD ? 0 : e->pid);
	return PASS_ON;
}

/* Threads rename themselves; whoever renames another is not followed. By the time of the event
 * the old name still stands, so the new one is taken from the event. */
struct rename_event {
	u64 common;
	char names[40]; /* [pid,] oldcomm, newcomm: where, tells newcomm_at */
};

const volatile uint32_t newcomm_at = 28;

SEC("tracepoint/task/task_rename")
int task_rename(struct rename_event *e)
{
	char name[COMM_LEN] = {};
	u32 tid = (u32)bpf_get_current_pid_tgid();

	hit(TRACK_RENAME);
	if (!thread_of(tid))
		return PASS_ON;
	bpf_probe_read_kernel(name, sizeof(name), (char *)e + newcomm_at);
	name[COMM_LEN - 1] = 0;
	track_name(tid, name);
	return PASS_ON;
}

SEC("tracepoint/sched/sched_process_exit")
int sched_process_exit(struct exit_event *e)
{
	hit(TRACK_EXIT);
	track_exit(e->pid);
	return PASS_ON;
}

struct exec_event {
	u64 common;
	u32 filename;
	int pid, old_pid;
};

SEC("tracepoint/sched/sched_process_exec")
int sched_process_exec(struct exec_event *e)
{
	hit(TRACK_EXEC);
	track_exec(e->pid, e->old_pid);
	return PASS_ON;
}

SEC("raw_tp/task_newtask")
int who_am_i(void *ctx)
{
	struct control *c = control_get();

	if (c)
		c->caller = bpf_get_current_pid_tgid();
	return 0;
}

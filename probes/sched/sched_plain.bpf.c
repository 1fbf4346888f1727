// SPDX-License-Identifier: MIT
/*
 * `sched` on plain tracepoints, for kernels without BTF. Events name threads by their ids and tell
 * nothing of what they wait for, so all blocked time is CLASS_OTHER, but that for kernel locks and
 * that inside the futex calls which the probe `lock` sees begin and end. There are no stacks.
 * Whether an interrupt wakes cannot be told either: it passes for the thread that it interrupted.
 * Layouts are checked against events/.../format before loading: sched.c.
 */
#define UHBENCH_NO_CORE
#include "probes/sched/sched_impl.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* prev_state of a thread that was preempted: include/trace/events/sched.h, TASK_REPORT_MAX */
#define PREEMPTED 0x100

struct switch_event {
	u64 common;
	char prev_comm[16];
	s32 prev_pid, prev_prio;
	s64 prev_state;
	char next_comm[16];
	s32 next_pid, next_prio;
};

struct wake_event {
	u64 common;
	char comm[16];
	s32 pid;
};

struct lock_event {
	u64 common;
	u64 lock;
	u32 flags;
};

SEC("tracepoint/sched/sched_switch")
int sched_switch(struct switch_event *e)
{
	struct probe_window *w = window_get();
	struct thread *t;
	u64 now = 0;

	hit(SCHED_SWITCH);
	if (!w)
		return PASS_ON;
	t = thread_of(e->prev_pid);
	if (t) {
		now = bpf_ktime_get_ns();
		if (thread_leaves(t, w, e->prev_state & PREEMPTED, e->prev_state, now)) {
			t->nr = -1;
			t->cls = t->in_lock	     ? CLASS_LOCK
				 : t->futex_enter_ns ? CLASS_FUTEX
						     : CLASS_OTHER;
		}
	}
	t = thread_of(e->next_pid);
	if (t)
		thread_arrives(t, w, now ? now : bpf_ktime_get_ns());
	return PASS_ON;
}

SEC("tracepoint/sched/sched_waking")
int sched_waking(struct wake_event *e)
{
	struct thread *t, *self;

	hit(SCHED_WAKING);
	t = thread_of(e->pid);
	if (!t)
		return PASS_ON;
	self = thread_self();
	thread_waking(t, self ? role_index(self) : ROLE_OUTSIDE, bpf_ktime_get_ns());
	return PASS_ON;
}

SEC("tracepoint/sched/sched_wakeup")
int sched_wakeup(struct wake_event *e)
{
	struct probe_window *w;
	struct thread *t;

	hit(SCHED_WAKEUP);
	t = thread_of(e->pid);
	w = window_get();
	if (t && w)
		thread_woken(t, w, bpf_ktime_get_ns());
	return PASS_ON;
}

SEC("tracepoint/sched/sched_wakeup_new")
int sched_wakeup_new(struct wake_event *e)
{
	struct thread *t;

	hit(SCHED_WAKEUP_NEW);
	t = thread_of(e->pid);
	if (t)
		thread_born(t, bpf_ktime_get_ns());
	return PASS_ON;
}

SEC("tracepoint/lock/contention_begin")
int contention_begin(struct lock_event *e)
{
	struct thread *t;

	hit(SCHED_LOCK_BEGIN);
	t = thread_self();
	if (t)
		lock_begins(t, e->lock, e->flags);
	return PASS_ON;
}

SEC("tracepoint/lock/contention_end")
int contention_end(struct lock_event *e)
{
	struct thread *t;

	hit(SCHED_LOCK_END);
	t = thread_self();
	if (t)
		lock_ends(t, e->lock);
	return PASS_ON;
}

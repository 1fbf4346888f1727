/* SPDX-License-Identifier: MIT */
/* What the tracker does, whatever kind of tracepoint tells it. */
#pragma once

#include "probes/track.bpf.h"

enum { TRACK_NEWTASK, TRACK_RENAME, TRACK_EXIT, TRACK_EXEC };

static __always_inline struct control *control_get(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&control, &zero);
}

static __always_inline void track_add(struct control *c, u32 tid, u32 tgid, u32 role,
				      u32 generation)
{
	u32 *slot = bpf_map_lookup_elem(&tid_slot, &tid);
	struct thread *t = NULL;
	u32 i = 0;

	if (slot) {
		i = (u32)__sync_fetch_and_add(&c->n_threads, 1) + 1;
		t = i < THREADS_MAX ? bpf_map_lookup_elem(&threads, &i) : NULL;
	}
	if (!slot || !t) {
		__sync_fetch_and_add(&c->n_untracked, 1);
		return;
	}
	t->tid = tid;
	t->tgid = tgid;
	t->role = role;
	t->generation = generation;
	t->nr = -1;
	t->state = THREAD_RUNNABLE;
	t->begin_ns = t->since_ns = bpf_ktime_get_ns();
	bpf_get_current_comm(t->comm, sizeof(t->comm));
	*slot = i;
}

/*
 * A thread inherits the role of who starts it, until it is named. So do the first two processes,
 * the init of a run and its child, and what the processes below those start: a program in a role
 * and all of its children are one. Between the two a process has no role until it is named. tgid
 * 0: not known here.
 */
static __always_inline void track_new(u32 creator, u32 tid, u32 tgid)
{
	struct control *c = control_get();
	struct thread *parent;
	u32 generation, role;

	if (!c)
		return;
	if (c->seed_tid && creator == c->seed_tid) {
		track_add(c, tid, tgid ? tgid : tid, c->seed_role, 0);
		return;
	}
	parent = thread_of(creator);
	if (!parent)
		return;
	if (!tgid)
		tgid = parent->tgid;
	generation = parent->generation + (tgid != parent->tgid);
	role = tgid == parent->tgid || generation != 2 ? parent->role : PROBE_ROLE_PROCESS;
	track_add(c, tid, tgid, role, generation);
}

static __always_inline void track_exit(u32 tid)
{
	u32 *slot = bpf_map_lookup_elem(&tid_slot, &tid);
	struct probe_window *w = window_get();
	struct thread *t = thread_of(tid);

	if (!slot || !t || !w)
		return;
	t->end_ns = bpf_ktime_get_ns();
	/* Another state is the last that was seen: who looks at switches may be gone already. */
	if (t->state == THREAD_ON) {
		t->by_class[CLASS_ON_CPU].ns += clipped(w, t->since_ns, t->end_ns);
		t->state = THREAD_DEAD;
	}
	*slot = 0;
}

/* A thread that is not the leader of its process calls execve: the others are gone by now, and it
 * has got the leader's id (fs/exec.c, de_thread()). */
static __always_inline void track_exec(u32 tid, u32 old_tid)
{
	u32 *slot = bpf_map_lookup_elem(&tid_slot, &tid);
	u32 *old = bpf_map_lookup_elem(&tid_slot, &old_tid);
	struct thread *t = thread_of(old_tid);

	if (tid == old_tid || !slot || !old || !t)
		return;
	t->tid = tid;
	*slot = *old;
	*old = 0;
}

static __always_inline bool starts_with(const char *name, const char *prefix, u32 len)
{
	for (u32 i = 0; i < len; i++)
		if (name[i] != prefix[i])
			return false;
	return true;
}

static __always_inline void track_name(u32 tid, const char name[COMM_LEN])
{
	struct thread *t = thread_of(tid);
	u32 role;

	if (!t)
		return;
	__builtin_memcpy(t->comm, name, COMM_LEN);
	if (starts_with(name, TRACK_INIT_COMM, sizeof(TRACK_INIT_COMM))) {
		track_exit(tid);
		return;
	}
	if (t->role_fixed)
		return;
	if (starts_with(name, "driver/", 7))
		role = PROBE_ROLE_DRIVER;
	else if (starts_with(name, "target/", 7))
		role = PROBE_ROLE_TARGET;
	else if (starts_with(name, "sink/", 5))
		role = PROBE_ROLE_SINK;
	else if (starts_with(name, "iou-wrk-", 8))
		role = PROBE_ROLE_IOU_WRK;
	else if (starts_with(name, "iou-sqp-", 8))
		role = PROBE_ROLE_IOU_SQP;
	else
		return;
	t->role = role;
	t->role_fixed = 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * Which threads are watched, and when. These maps belong to the tracker (track.bpf.c); every other
 * object gets the same ones by descriptor (probes/part.h), so what one probe notes of a thread
 * another can read.
 *
 * A thread that is not watched costs one look-up in an array by its thread id, whatever the kind of
 * hook: no key has to be hashed, and an id fits every kind of tracepoint.
 */
#pragma once

#include "probes/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "harness/probe_window.h"
#include "probes/abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* pid_max, set before loading */
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, u32);
} tid_slot SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, THREADS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct thread);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct probe_window);
} window SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct control);
} control SEC(".maps");

/* How often each program of this object ran, watched or not; the row is the CPU's. Two runs on one
 * CPU can only meet where a program can be preempted (system calls), and cost a count then. */
uint64_t hits[HITS_CPUS][HITS_PROGRAMS];

/* What a program on a plain tracepoint returns: 0 would hide the event from everybody's perf
 * (kernel/events/core.c, perf_trace_run_bpf_submit). */
#define PASS_ON 1

static __always_inline void hit(u32 program)
{
	hits[bpf_get_smp_processor_id() % HITS_CPUS][program]++;
}

static __always_inline struct thread *thread_of(u32 tid)
{
	u32 *slot = bpf_map_lookup_elem(&tid_slot, &tid);

	/* Slot 0 is nobody's. */
	if (!slot || !*slot)
		return NULL;
	return bpf_map_lookup_elem(&threads, slot);
}

static __always_inline struct thread *thread_self(void)
{
	return thread_of((u32)bpf_get_current_pid_tgid());
}

static __always_inline struct probe_window *window_get(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&window, &zero);
}

static __always_inline bool in_window(const struct probe_window *w, u64 now)
{
	return w->begin_ns && now >= w->begin_ns && now < w->end_ns;
}

/* How much of [from, to) lies in the window. */
static __always_inline u64 clipped(const struct probe_window *w, u64 from, u64 to)
{
	if (!w->begin_ns)
		return 0;
	if (from < w->begin_ns)
		from = w->begin_ns;
	if (to > w->end_ns)
		to = w->end_ns;
	return to > from ? to - from : 0;
}

/* A check of bounds for verifiers up to Linux 6.1 or so, which do not carry what they know of one
 * register over to its copies: after it the very value that was checked is used. */
static __always_inline bool within(u32 *index, u32 count)
{
	u32 i = *index;

	asm volatile("" : "+r"(i));
	*index = i;
	return i < count;
}

static __always_inline u32 role_index(const struct thread *t)
{
	return t->role < PROBE_ROLE_COUNT ? t->role : PROBE_ROLE_HARNESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * System calls by role and number, counted where they end, in the window or not at all. Of a call
 * that began before the window only the part inside is its time: the sum can be held against the
 * window's length.
 *
 * Rows are per CPU and not atomic: the kernel never runs a program a second time on a CPU where it
 * is running (kernel/trace/bpf_trace.c, __bpf_trace_run and trace_call_bpf), preempted or not, and
 * counts what it skips for that. A pair of role and number gets its row when it is first seen.
 */
#pragma once

#include "probes/track.bpf.h"

#include <asm/unistd.h>

#include "probes/hist.bpf.h"
#include "probes/rows.bpf.h"
#include "probes/syscalls/syscalls.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SYSCALLS_ROWS);
	__type(key, u32);
	__type(value, struct syscalls_row);
} rows SEC(".maps");

uint32_t row_of[PROBE_ROLE_COUNT * SYSCALLS_NUMBERS]; /* 0: none yet */
uint32_t rows_used;
uint32_t untimed; /* nobody looks at where calls begin */
uint64_t map_full, untracked;

static __always_inline struct syscalls_row *row_get(const struct thread *t, long nr)
{
	u32 i, row;

	/* The return from a signal handler restores registers that belong to no call. */
	if (nr == -1)
		nr = __NR_rt_sigreturn;
	i = role_index(t) * SYSCALLS_NUMBERS;
	i += nr >= 0 && nr < SYSCALLS_OTHER ? (u32)nr : SYSCALLS_OTHER;
	if (!within(&i, PROBE_ROLE_COUNT * SYSCALLS_NUMBERS))
		return NULL;
	row = row_number(&row_of[i], &rows_used, SYSCALLS_ROWS);
	return row ? bpf_map_lookup_elem(&rows, &row) : NULL;
}

static __always_inline void syscall_enter(void)
{
	struct thread *t = thread_self();

	if (t)
		t->sys_enter_ns = bpf_ktime_get_ns();
}

/* A new thread leaves the call that made it, too: its creator is the one who made the call. */
static __always_inline bool is_child(long nr, long ret)
{
	if (ret)
		return false;
	switch (nr) {
	case __NR_clone:
	case __NR_clone3:
#ifdef __NR_fork
	case __NR_fork:
	case __NR_vfork:
#endif
		return true;
	default:
		return false;
	}
}

static __always_inline void syscall_count(struct thread *t, const struct probe_window *w, u64 now,
					  u64 from, long nr, long ret)
{
	struct syscalls_row *row = row_get(t, nr);

	if (!row) {
		__sync_fetch_and_add(&map_full, 1);
		return;
	}
	if (ret < 0 && ret >= -4095)
		row->failed++;
	if (untimed)
		row->tally.count++;
	else if (from == SYSCALLS_ENDED) {
		row->tally.count++;
		__sync_fetch_and_add(&untracked, 1);
	} else /* one that was not seen to begin did so before the window */
		tally_add(&row->tally, now - (from < w->begin_ns ? w->begin_ns : from));
}

static __always_inline void syscall_exit(struct thread *t, long nr, long ret)
{
	struct probe_window *w = window_get();
	u64 now = bpf_ktime_get_ns(), from = t->sys_enter_ns;

	t->sys_enter_ns = SYSCALLS_ENDED;
	if (w && in_window(w, now) && !is_child(nr, ret))
		syscall_count(t, w, now, from, nr, ret);
}

/* SPDX-License-Identifier: MIT */
/*
 * Shapes that the programs in the kernel and the C side share. Only fixed-width types; all times
 * are bpf_ktime_get_ns(), which is CLOCK_MONOTONIC.
 */
#pragma once

#include <stdint.h>

#include "harness/hist.h"

#define THREADS_MAX 16384 /* watched at a time and ever, per run; more are counted as lost */
/* RUN_INIT_COMM of harness/role.h, which cannot be compiled for the kernel. */
#define TRACK_INIT_COMM "uhbench-init"
#define COMM_LEN	16
#define CACHE_LINE	64
#define NEST_MAX	4 /* kernel locks waited for within each other (a spinlock in an interrupt) */
#define KSTACK_MAX	20 /* frames of a kernel stack */
#define SLOTS32		32
#define HITS_CPUS	512
#define HITS_PROGRAMS	16

/* Where the wall time of a thread goes. On-CPU time is split by the C side, from /proc. */
enum time_class {
	CLASS_ON_CPU,
	CLASS_DELIVERY,	 /* waking to wakeup: the wake-up is on its way to the other CPU */
	CLASS_RUN_QUEUE, /* wakeup (or preemption) to switch-in */
	CLASS_FUTEX,
	CLASS_LOCK,  /* between contention_begin and contention_end */
	CLASS_BLOCK, /* I/O and flush: io_schedule, or a system call on a file or fsync */
	CLASS_CQ,    /* io_uring_enter, waiting for completions */
	CLASS_SOCKET,
	CLASS_POLL, /* poll, select, epoll */
	CLASS_PIPE,
	CLASS_SLEEP,
	CLASS_IDLE, /* a kernel worker without work */
	CLASS_OTHER,
	CLASS_COUNT
};

/* Roles of role.h, and who else can be in a watched process. */
enum probe_role {
	PROBE_ROLE_DRIVER,
	PROBE_ROLE_TARGET,
	PROBE_ROLE_SINK,
	PROBE_ROLE_HARNESS,
	PROBE_ROLE_PROCESS, /* of a program that has no roles: hunt */
	PROBE_ROLE_IOU_WRK,
	PROBE_ROLE_IOU_SQP,
	PROBE_ROLE_COUNT
};
#define ROLE_OUTSIDE PROBE_ROLE_COUNT /* a waker that is not watched, or an interrupt */

enum thread_state {
	THREAD_NEW, /* nothing seen of it yet */
	THREAD_ON,
	THREAD_BLOCKED, /* its wake-up is on the way when waking_ns is not before since_ns */
	THREAD_RUNNABLE,
	THREAD_DEAD
};

/* Blocked time of one thread by class and system call; more kinds go to a table of all threads. */
#define WAIT_ROWS 6
struct thread_wait {
	uint64_t count, sum, max;
	uint32_t key, pad; /* 0: free */
};
#define wait_key(cls, nr)   ((uint32_t)(cls) << 16 | (uint32_t)(((nr) + 1) & 0xffff))
#define wait_key_class(key) ((key) >> 16)
#define wait_key_nr(key)    ((int32_t)((key)&0xffff) - 1)

struct class_time {
	uint64_t ns, n; /* clipped to the window; waits that ended in it */
};

/*
 * One watched thread. Written by the programs under the scheduler's own locks (a thread has one
 * state at a time), by the thread itself in its system calls, and by the C side before it is
 * watched. A wake-up comes from another CPU more often than not, so what a wait touches lies in
 * few cache lines: the first, those of its classes, and that of the switches and the first waits.
 */
struct thread {
	uint32_t state;
	uint32_t cls;  /* of the wait it is in */
	int32_t nr;    /* system call it is or was blocked in; -1: none (fault, kernel thread) */
	uint32_t role; /* enum probe_role */
	uint32_t in_lock;
	uint32_t waker_role;
	uint64_t since_ns;   /* in this state */
	uint64_t waking_ns;  /* somebody began to wake it; 0: nobody since the last wake-up */
	uint64_t blocked_ns; /* length of the wait that has just been ended by a wake-up */
	/* stacks of waits: see probes/stacks/sample.bpf.h */
	uint64_t sample_seq; /* of the wait it is in; 0: none was taken */
	uint32_t long_wait;  /* bit per class: the last wait of it was over the threshold */
	uint32_t tid;	     /* of the initial PID namespace, as tgid */
	struct class_time by_class[CLASS_COUNT];
	uint64_t voluntary, involuntary;
	uint64_t first_arg; /* of the call `nr` */
	uint64_t in_spin;   /* locks in `nest` that it spins for; in_lock: that it sleeps for */
	struct thread_wait waits[WAIT_ROWS];
	uint64_t long_n, long_ns;    /* waits over the threshold of stacks, ended in the window */
	uint64_t user_ns, system_ns; /* of its life, as the kernel's clock ticks say, at its end */
	/* For `lock`: how often and how long (in the window) it slept in its futex call so far.
	 * What call that is, and since when, is known on plain tracepoints only. */
	uint64_t futex_addr, futex_slept_ns, futex_enter_ns;
	uint32_t futex_sleeps, futex_op;
	uint64_t restart_addr; /* of a futex call that may go on as restart_syscall(2); 0: none */
	/* for `syscalls` */
	uint64_t sys_enter_ns;
	struct {
		uint64_t lock, since_ns;
		uint32_t flags, pad;
	} nest[NEST_MAX];
	uint64_t begin_ns, end_ns; /* watched from; ended at (0: lives) */
	uint32_t tgid;
	uint32_t generation; /* forks between the seed and its process */
	uint32_t role_fixed;
	char comm[COMM_LEN]; /* as it was last seen */
} __attribute__((aligned(CACHE_LINE)));

/* What the whole of a run shares. One element. */
struct control {
	uint64_t n_threads;   /* slots given so far */
	uint64_t n_untracked; /* threads that got none */
	uint32_t seed_tid;    /* whoever this one forks is watched; 0: nobody */
	uint32_t seed_role;
	uint64_t caller; /* who_am_i: tgid << 32 | tid of the initial namespace */
};

/* A full histogram, as struct hist but with narrow buckets: 18 KiB, below the limit of a per-CPU
 * map's value (PCPU_MIN_UNIT_SIZE, 32 KiB). Sum over CPUs is a struct hist. */
struct bpf_hist {
	uint64_t count, sum, min, max; /* min is stored as UINT64_MAX - min, so that 0 is empty */
	uint32_t buckets[HIST_BUCKETS];
};

/* What a keyed table holds: bucket i of `slots` counts values with floor(log2 ns) = i, the last
 * one all above. */
struct tally {
	uint64_t count, sum, max;
	uint32_t slots[SLOTS32];
};

/* SPDX-License-Identifier: MIT */
/* The parts of proc(5) that the harness reads. All return 0 or -errno. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define COMM_MAX 64

struct proc_thread {
	int tid;
	char comm[COMM_MAX];
	char state;
	int ppid;
	uint64_t user_ns, system_ns;	 /* stat: clock ticks, so steps of 10 ms at USER_HZ 100 */
	uint64_t run_ns, run_queue_ns;	 /* schedstat: exact */
	uint64_t voluntary, involuntary; /* status */
	uint64_t minor_faults, major_faults;
	uint64_t children_ns; /* of a process: CPU time of those it waited for, in clock ticks */
	uint64_t start_ns;    /* CLOCK_BOOTTIME, in clock ticks */
};

/* Reads `stat` below `dir` ("/proc/12" or "/proc/12/task/13"): comm, state, ppid, times, faults. */
int procfs_stat(const char *dir, struct proc_thread *t);
/* Fills everything of one thread. */
int procfs_thread(const char *dir, struct proc_thread *t);

/*
 * /proc may be that of a PID namespace further out than ours, and a process in it may be in one
 * further in. Of the ids that it tells of a process, the one that kill(2) takes here is at our own
 * level: 0 where both are of one namespace.
 */
int procfs_level(unsigned *ret);
/* The id of a process here, by its name in /proc; 0 when it is gone, or cannot be seen from here.
 */
int procfs_own_pid(int pid, unsigned level);

/* Is it that process, or one that it started since (CLOCK_BOOTTIME), or that one of those did? No
 * zombie is. */
bool procfs_descends(int pid, int ancestor, uint64_t since_ns);

/* Calls fn for every number-named entry of a folder of /proc; stops at the first non-zero return.
 */
int procfs_each(const char *dir, int (*fn)(void *arg, int id), void *arg);

struct proc_host {
	uint64_t busy_ns, steal_ns; /* /proc/stat: all CPUs, in clock ticks */
	bool has_psi_cpu, has_psi_io;
	uint64_t psi_cpu_us, psi_io_us; /* /proc/pressure: "some", total */
};

int procfs_host(struct proc_host *h);

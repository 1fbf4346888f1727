/* SPDX-License-Identifier: MIT */
/*
 * Who a thread or process works for. CPU time, switches and (later) waits are told apart by role.
 * Kernel workers that live in our process are named by their comm: `kernel:iou-wrk`,
 * `kernel:iou-sqp` (io_uring/io-wq.c, io_uring/sqpoll.c); the child's own main thread is `harness`.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "harness/util/err.h"

/* The name of the process that only waits for the child of a run, and has no role. */
#define RUN_INIT_COMM "uhbench-init"

struct run;

enum role { ROLE_DRIVER, ROLE_TARGET, ROLE_SINK, ROLE_COUNT };

extern const char *const role_names[ROLE_COUNT + 1]; /* "driver", "target", "sink", NULL */

/*
 * Starts a thread in a role: named, placed on the role's `cpus`, and accounted. The caller joins
 * it with pthread_join. Returns 0 or -errno with run->err filled. Every signal that can be blocked
 * is blocked in it.
 */
int role_thread_start(struct run *run, enum role role, pthread_t *thread, void *(*fn)(void *),
		      void *arg);

/*
 * Starts a process in a role, without an exec: it runs fn(arg), and its end is that of fn, whose
 * value (0 .. 255) is its exit status. Called from a setup, on the run's main thread, before there
 * are others: what it shares with the run is mapped MAP_SHARED before. Named, placed and accounted
 * as a thread is; role_thread_start may be used inside. It dies with the run; of the signals that
 * can be blocked it takes SIGTERM alone. Returns 0 or -errno with run->err filled.
 */
int role_process_start(struct run *run, enum role role, int (*fn)(void *), void *arg,
		       pid_t *ret_pid);

/* A program to execute in a role. */
struct role_program {
	const char *path;		 /* absolute */
	char *const *argv, *const *envp; /* ended by NULL */
	const char *cwd;
	int out_fd, err_fd; /* its stdout and stderr; its stdin is the run's, /dev/null */
	bool lasting;	    /* accounted in /proc while it lives, with what it starts; see below */
};

/*
 * Executes a program in a role, in a session and process group of its own, with no signal blocked;
 * it dies with the thread that calls this. A lasting one is started from a setup. Of the others
 * there may be thousands, one after another: whoever reaps one by wait4(2) tells its resource usage
 * to role_program_ended. The caller signals and reaps it. Returns 0 or -errno with err.
 */
int role_program_start(struct run *run, enum role role, const struct role_program *program,
		       pid_t *ret_pid, struct err *err);
void role_program_ended(struct run *run, enum role role, const struct rusage *usage);

/* Ends it by SIGTERM, by SIGKILL after timeout_ns, and reaps it. Returns its wait status, or -errno
 * (-ESRCH: it was reaped already, -ETIMEDOUT: it is stuck in the
 * kernel, and stays). */
int role_process_end(pid_t pid, uint64_t timeout_ns);

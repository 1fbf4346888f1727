/* SPDX-License-Identifier: MIT */
/*
 * Who a thread works for. CPU time, switches and (later) waits are told apart by role.
 * Kernel workers that live in our process are named by their comm: `kernel:iou-wrk`,
 * `kernel:iou-sqp` (io_uring/io-wq.c, io_uring/sqpoll.c); the child's own main thread is `harness`.
 */
#pragma once

#include <pthread.h>

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

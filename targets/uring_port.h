/* SPDX-License-Identifier: MIT */
/*
 * The part of an io_uring port that does not depend on what is submitted: every request's user_data
 * is its operation, and one completion ends it. `defer_taskrun` stands for the set-up flags
 * SINGLE_ISSUER and DEFER_TASKRUN (Linux 6.1).
 */
#pragma once

#include <liburing.h>
#include <stdbool.h>

#include "harness/run.h"

/* 0, or -EOPNOTSUPP (-EPERM where io_uring is forbidden) with run->err saying what is missing:
 * io_uring itself, the set-up flags, or the opcode, which is named by `op_name`. */
int uring_port_supported(struct run *run, bool defer_taskrun, int opcode, const char *op_name);

/* A ring with room for the lane's depth, so that neither queue can overflow. */
int uring_port_init(struct lane *lane, struct io_uring *ring, bool defer_taskrun);

/* Hands n prepared requests to the kernel; all of them, or the run fails. */
int uring_port_submit(struct lane *lane, struct io_uring *ring, unsigned n);

/* target_ops.reap: sets each operation's result to that of its completion. */
int uring_port_reap(struct lane *lane, struct io_uring *ring, struct op **done, unsigned min,
		    unsigned max, uint64_t timeout_ns);

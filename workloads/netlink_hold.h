/* SPDX-License-Identifier: MIT */
/*
 * Keeps the planned TCP sockets open, in child processes: as many as the hard limit of open files
 * demands, and at least one, so that the measuring process keeps a small descriptor table and
 * closing the sockets is one kill. The children inherit the caller's network namespace, die with
 * the thread that called netlink_hold_open, and take no signal but SIGKILL (an interrupt on the
 * terminal must not take the sockets away under a running dump).
 */
#pragma once

#include <sys/types.h>

#include "harness/util/err.h"
#include "workloads/netlink.h"

struct netlink_hold {
	pid_t *pids;
	unsigned n;
};

/* Returns when every socket is there. -errno, and err names the socket that failed; then nothing is
 * held. `per_process` bounds the sockets of one child: 0 = what RLIMIT_NOFILE allows. */
int netlink_hold_open(const struct netlink_config *config, uint64_t per_process,
		      struct netlink_hold *ret, struct err *err);
void netlink_hold_close(struct netlink_hold *hold);

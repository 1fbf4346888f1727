/* SPDX-License-Identifier: MIT */
/*
 * A process of its own for one run. The child is started below a small init process in a new PID
 * namespace (pid_namespaces(7)) and in a new cgroup (cgroups(7)): when the init goes, and it goes
 * when its parent dies (PR_SET_PDEATHSIG) or is told to, everything that the run forked goes with
 * it. Without root a user namespace makes the PID namespace possible, and gives the child the
 * privileges over namespaces of its own. What this machine does not allow is named.
 */
#pragma once

#include <cjson/cJSON.h>
#include <sys/types.h>

#include "harness/util/err.h"

struct isolated {
	pid_t init;	 /* in our own namespace */
	int pidfd;	 /* of init; readable when all is over */
	int request_fd;	 /* write end; owner closes it after the request */
	int response_fd; /* read end */
	int status_fd;	 /* the child's wait status, an int, when it has ended */
	char cgroup[256];
	char no_pid_namespace[160], no_cgroup[160]; /* reasons; "" = isolated */
	int user_namespace;
};

/*
 * Starts the program at `path` with the pipes of protocol.h and, unless it is -1, with `window_fd`
 * where the protocol has it; nothing else of ours is open in it. Returns when the program has been
 * executed, or -errno with the reason. stdin is /dev/null, stdout goes to stderr.
 */
int isolate_start(const char *path, char *const argv[], int window_fd, struct isolated *ret,
		  struct err *err);

/*
 * Kills what is left, waits for the init, removes the cgroup. Safe on a zeroed struct whose
 * descriptors are -1. `ret_status` (may be NULL): the child's wait status, -1 when it never ended.
 * -ETIMEDOUT when something cannot be killed (a thread that waits for a dead device, say): it is
 * left to the kernel.
 */
int isolate_end(struct isolated *i, int *ret_status);

/* The cgroup that it runs in; "": in ours. */
const char *isolate_joined(const struct isolated *i);

/* {pid_namespace: true|reason, user_namespace: bool, cgroup: true|reason} */
cJSON *isolate_describe(const struct isolated *i);

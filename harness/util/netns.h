/* SPDX-License-Identifier: MIT */
/*
 * Network namespaces without names: each lives as long as a thread, a socket or a descriptor holds
 * it, so nothing is left behind however the process ends (network_namespaces(7)). A socket belongs
 * for ever to the namespace it was made in, whoever uses it later.
 *
 * Errors: -EPERM without CAP_SYS_ADMIN over the user namespace or at the limit
 * user.max_net_namespaces, -EOPNOTSUPP on a kernel without network namespaces.
 */
#pragma once

#include "harness/util/err.h"
#include "harness/util/rtnl.h"

/* Moves the calling thread, and every thread that it starts from now on, into a new namespace whose
 * loopback device is up. */
int netns_enter_new(struct err *err);

/* Another new namespace, loopback up; the caller stays where it is and owns *ret_fd. */
int netns_new_fd(int *ret_fd, struct err *err);

/* A descriptor of the caller's own namespace. */
int netns_self_fd(int *ret_fd, struct err *err);

/* Runs fn(arg, err) inside the namespace, on a thread of its own, and returns what it returned. */
int netns_call(int netns_fd, int (*fn)(void *arg, struct err *err), void *arg, struct err *err);

/* A handle of rtnl.h that works inside the namespace. */
int netns_rtnl(int netns_fd, struct rtnl **ret, struct err *err);

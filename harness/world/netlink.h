/* SPDX-License-Identifier: MIT */
/*
 * What the netlink workload publishes (run->world) for its targets.
 *
 * One operation is one dump: a request on a NETLINK_SOCK_DIAG socket, then messages until the
 *kernel says NLMSG_DONE. A netlink socket runs one dump at a time (the kernel refuses a second with
 * EBUSY), so a target keeps one request socket for each slot of a lane: op->addr = op->slot =
 *which. The run is inside the workload's network namespace: a socket opened in lane_open is in it
 *too.
 *
 * The target moves bytes, the workload reads them:
 *
 *	iov = world->request(lane, op)                      send it on the slot's socket
 *	recvmsg(...)                                        as often as it takes; for each:
 *	world->consume(lane, op, buf, n, msg.msg_flags)     NETLINK_MORE or NETLINK_END
 *
 * On NETLINK_END op->result is set (bytes of the dump, or -errno) and the operation is complete. A
 * system call that fails completes the operation with -errno in op->result. After every failed
 * dump the target empties the socket, since the rest of that dump is still coming; what arrives
 *late all the same is known by its sequence number and counted, never taken for a record. Messages
 *of one dump are consumed in the order in which the kernel gave them.
 */
#pragma once

#include <stddef.h>
#include <sys/uio.h>

struct lane;
struct op;

enum netlink_verdict { NETLINK_MORE, NETLINK_END };

struct netlink_world {
	/* The bytes of the request; they stay valid and unchanged until the operation is reaped. */
	struct iovec (*request)(const struct lane *lane, const struct op *op);
	enum netlink_verdict (*consume)(struct lane *lane, struct op *op, const void *buf,
					size_t len, int msg_flags);
};

/* SPDX-License-Identifier: MIT */
/*
 * What the netlink targets have in common: request sockets, receive buffers, knobs and one metric.
 * A lane owns one socket for each slot, since a netlink socket runs one dump at a time.
 */
#pragma once

#include <stdint.h>

#include "harness/metric.h"
#include "harness/param.h"
#include "harness/run.h"
#include "harness/syncport.h"
#include "harness/world/netlink.h"

struct result;

/* First member of every target's config. */
struct nlsock_config {
	uint64_t recv_bytes; /* of one receive buffer */
	uint64_t rcvbuf;     /* SO_RCVBUF; 0 = the system's default */
};

/* clang-format off */
#define NLSOCK_PARAMS                                                                              \
	{.name = "recv_bytes", .type = PARAM_SIZE,                                                 \
	 .offset = offsetof(struct nlsock_config, recv_bytes), .def = "32k", .min = 64,            \
	 .max = 1 << 20,                                                                           \
	 .help = "size of one receive buffer; below the kernel's 4 to 32 KiB messages dumps fail"},\
	{.name = "rcvbuf", .type = PARAM_SIZE, .offset = offsetof(struct nlsock_config, rcvbuf),   \
	 .def = "0", .max = 1 << 30, .help = "SO_RCVBUF of the request sockets; 0 = the default"}
/* clang-format on */

extern const struct metric nlsock_metrics[];

/* What a lane leaves behind when it closes; the run keeps one for each lane (run->target). */
struct nlsock_tally {
	uint64_t recv_calls, dumps; /* receiving system calls; operations that got an answer */
	uint64_t rcvbuf_given;	    /* as getsockopt says: the kernel doubles what was asked for */
};

/* A lane's sockets and buffers; the buffers are one block of n_bufs * recv_bytes, page-aligned and
 * faulted in. */
struct nlsock {
	int *fds; /* [depth] */
	unsigned depth;
	char *bufs;
	uint64_t recv_bytes;
	struct nlsock_tally tally;
};

/* -errno with lane->err. */
int nlsock_open(struct nlsock *sock, struct lane *lane, unsigned n_bufs);
/* Hands the tally to the run. Takes a zeroed or half-opened one. */
void nlsock_close(struct nlsock *sock, const struct lane *lane);

/* Sends the request of op on its slot's socket. 0 or -errno. */
int nlsock_request(const struct nlsock *sock, const struct lane *lane, const struct op *op);
/* Throws away what still comes after a failed dump. Reading the last message makes the kernel fill
 * the next one at once (netlink_recvmsg), so an empty queue means that the dump is over. */
int nlsock_drain(const struct nlsock *sock, struct lane *lane, unsigned slot);

/* A synchronous lane, on harness/syncport.h. nlsock_sync_open makes a zeroed object of `bytes` that
 * begins with a struct nlsock: `serve` gets it as priv. nlsock_sync_submit sends every request of
 * the batch, so that their dumps are under way together, then queues the operations for serving; a
 * failed send is kept in op->priv as a positive errno. */
int nlsock_sync_open(struct lane *lane, size_t bytes, unsigned n_bufs, syncport_serve serve);
int nlsock_sync_submit(struct lane *lane, struct op **ops, unsigned n);
void nlsock_sync_close(struct lane *lane);

/* Callbacks that all netlink targets share: they own run->target. */
int nlsock_setup(struct run *run);
void nlsock_report(struct run *run, struct result *result);
void nlsock_teardown(struct run *run);

/* SPDX-License-Identifier: MIT */
/*
 * What the udp targets have in common: the sending sockets of a lane and their knobs. A config
 * struct of a target starts with struct udp_socket_config, its rows with UDP_SOCKET_PARAMS.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/param.h"
#include "harness/run.h"

struct result;

struct udp_socket_config {
	uint64_t sndbuf;
	bool connected, nonblock;
};

/* clang-format off */
#define UDP_SOCKET_PARAMS \
	{.name = "sndbuf", .type = PARAM_SIZE, .offset = offsetof(struct udp_socket_config, sndbuf), \
	 .def = "0", .max = 1 << 30, \
	 .help = "send buffer; 0 = net.core.wmem_default, cut to net.core.wmem_max without privilege"}, \
	{.name = "connected", .type = PARAM_BOOL, .def = "false", \
	 .offset = offsetof(struct udp_socket_config, connected), \
	 .help = "one connected socket for each destination instead of one for all"}, \
	{.name = "nonblock", .type = PARAM_BOOL, .def = "false", \
	 .offset = offsetof(struct udp_socket_config, nonblock), \
	 .help = "a full send buffer refuses (EAGAIN) instead of waiting"}
/* clang-format on */

struct udp_sockets {
	unsigned n;			/* 1, or one for each destination */
	int flags;			/* for send(2) */
	const struct sockaddr_in *name; /* [destinations]; NULL when connected */
	int fds[];
};

/* Opens the lane's sockets in the caller's namespace; errors go to lane->err. */
int udp_sockets_open(struct lane *lane, struct udp_sockets **ret);
void udp_sockets_close(struct udp_sockets *s); /* accepts NULL */

static inline int udp_sockets_fd(const struct udp_sockets *s, const struct op *op)
{
	return s->fds[s->name ? 0 : op->addr];
}

/* For msg_name and sendto; NULL when connected. */
static inline const struct sockaddr_in *udp_sockets_name(const struct udp_sockets *s,
							 const struct op *op)
{
	return s->name ? &s->name[op->addr] : NULL;
}

static inline socklen_t udp_sockets_namelen(const struct udp_sockets *s)
{
	return s->name ? sizeof(*s->name) : 0;
}

/* Common parts of every udp target: they keep and report what SO_SNDBUF became. */
int udp_target_setup(struct run *run);
void udp_target_report(struct run *run, struct result *result);
void udp_target_teardown(struct run *run);

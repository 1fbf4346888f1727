/* SPDX-License-Identifier: MIT */
/*
 * The way from the sender to the sink, in namespaces of this run's own so that every packet on it
 * is ours: the loopback device, or a veth pair whose far end is in a second namespace, with an
 * optional token bucket on the sender's end.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/util/err.h"

struct udp_link;

struct udp_link_plan {
	bool veth;
	uint32_t mtu;		  /* veth only */
	uint64_t rate_bits_per_s; /* 0 = no token bucket; veth only */
	uint32_t queue_bytes;	  /* of the token bucket */
};

/* What was lost between the sender's socket and the sink's, from the start of the link. */
struct udp_link_losses {
	uint64_t qdisc_packets; /* left the token bucket, segments counted one by one */
	uint64_t qdisc_drops, qdisc_backlog_bytes;
	uint64_t device_drops;
	uint64_t no_port; /* UDP datagrams for a port where nobody listened */
};

/* Moves the caller, and the threads that it starts later, into the sender's namespace. */
int udp_link_open(const struct udp_link_plan *plan, struct udp_link **ret, struct err *err);
void udp_link_close(struct udp_link *l); /* accepts NULL */

struct in_addr udp_link_sink_addr(const struct udp_link *l);
uint32_t udp_link_mtu(const struct udp_link *l);
/* Calls fn(arg, err) in the sink's namespace. */
int udp_link_at_sink(const struct udp_link *l, int (*fn)(void *arg, struct err *err), void *arg,
		     struct err *err);
int udp_link_losses(struct udp_link *l, struct udp_link_losses *ret, struct err *err);

/* SPDX-License-Identifier: MIT */
/*
 * What the udp workload publishes for its targets (run->world).
 *
 * Operation: one datagram, op->data/op->len, to destination[op->addr]. It completes when the kernel
 * took it (result = op->len) or refused it (result = -EAGAIN, -ENOBUFS, -ECONNREFUSED): a refusal
 * is an answer, counted and legal, and the datagram must not have left. The workload counts again
 * at the sink.
 *
 * The run is inside the sender's network namespace: a socket opened in lane_open is in it too.
 *
 * Asked of every target: the datagrams of one lane to one destination leave in the order of
 * submission. One that arrives behind a later one fails the run, unless the target's setup says
 * may_reorder or the link is one that reorders by itself (a token bucket on more than one CPU).
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct udp_world {
	const struct sockaddr_in *destination; /* [destinations] */
	unsigned destinations;
	unsigned mtu; /* of the link: a datagram of mtu - UDP_OVERHEAD bytes is one packet */
	/* Set by a target's setup when it hands several datagrams to the kernel as one buffer: a
	 * counter of buffers may then stand for up to so many datagrams each. */
	unsigned datagrams_per_buffer;
	bool may_reorder; /* set by a target's setup: no order is promised, only counted */
};

#define UDP_OVERHEAD 28u /* IPv4 and UDP headers, no options */

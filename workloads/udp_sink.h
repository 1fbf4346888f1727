/* SPDX-License-Identifier: MIT */
/*
 * The receiving end: one socket for each destination, read by threads in the role `sink`, every
 * datagram checked and counted. A socket belongs to one thread, so no count is shared.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/util/err.h"

struct run;
struct udp_link;
struct udp_sink;

struct udp_sink_plan {
	unsigned sockets, threads, lanes;
	bool own_port; /* lane i sends to socket i only */
	uint32_t payload;
	uint64_t rcvbuf_bytes;
	uint64_t nonce;
};

struct udp_sink_counts {
	uint64_t delivered; /* first arrivals of good datagrams, reordered ones included */
	uint64_t duplicated, reordered, corrupted, stale;
};

/* Binds the sockets in the sink's namespace of `link`. Threads start later. */
int udp_sink_open(const struct udp_sink_plan *plan, const struct udp_link *link,
		  struct udp_sink **ret, struct err *err);
const struct sockaddr_in *udp_sink_addresses(const struct udp_sink *s); /* [sockets] */
/* What the kernel granted, without its doubling for overhead (socket(7)). */
uint64_t udp_sink_rcvbuf_bytes(const struct udp_sink *s);

int udp_sink_start(struct udp_sink *s, struct run *run);
/* Closes the sockets: what comes from now on finds no port. For the fault of the same name. */
void udp_sink_shut(struct udp_sink *s);
/* From any thread, at any time: at most one batch per thread behind. */
struct udp_sink_counts udp_sink_counts(const struct udp_sink *s);
/* Datagrams that a socket dropped because its buffer was full or their checksum wrong. */
int udp_sink_drops(const struct udp_sink *s, uint64_t *ret, struct err *err);
/* 0, or why a sink thread gave up. */
int udp_sink_error(const struct udp_sink *s, struct err *err);
/* Stops and joins the threads once they have read everything that is there. */
void udp_sink_stop(struct udp_sink *s);
void udp_sink_close(struct udp_sink *s); /* accepts NULL and half-built */

/* SPDX-License-Identifier: MIT */
/*
 * The truth table of a udp run: every datagram that was offered must be found again in one row.
 *
 *	offered = sent + refused
 *	sent    = delivered + corrupted + stale + dropped_*
 *
 * Duplicates are arrivals beyond those. Devices, qdiscs and ports count buffers; where one buffer
 * holds several datagrams (UDP_SEGMENT) the count only bounds their number, and what is missing
 * decides inside the bounds. So many datagrams could also have vanished without a drop, and nobody
 * would know: `unaccounted_at_most` in the record. Only where it is 0 does the sum prove that
 * nothing did.
 *
 * Order: the datagrams of one lane to one destination arrive as they were submitted, also when the
 * lane moves between CPUs, since a CPU's backlog is emptied before send(2) returns (Linux 6.18:
 *none of 8 million came late while lanes were moved 2 million times; where a kernel leaves the
 *backlog to ksoftirqd instead, the driver has to stay on one CPU). Two things excuse a late one,
 *and only these: a target that says so (udp_world.may_reorder), and a token bucket, which hands
 *packets to the backlog of whichever CPU empties it, timer or sender.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "harness/util/err.h"

struct result;

enum udp_refusal { UDP_EAGAIN, UDP_ENOBUFS, UDP_ECONNREFUSED, UDP_REFUSALS };

/* What was counted, over the whole run. */
struct udp_counts {
	uint64_t offered, sent, refused[UDP_REFUSALS];			    /* the driver's side */
	uint64_t delivered, duplicated, reordered, corrupted, stale;	    /* the sink's side */
	uint64_t socket_drops;						    /* datagrams */
	uint64_t qdisc_packets;						    /* datagrams */
	uint64_t qdisc_drops, qdisc_backlog, device_drops, no_port_buffers; /* buffers, bytes */
	unsigned datagrams_per_buffer;
	bool may_reorder; /* a reordered datagram is counted, not condemned */
};

struct udp_ledger {
	uint64_t refused, dropped_qdisc, dropped_device, dropped_no_port;
	int64_t unaccounted; /* sent and in no row; negative: more arrived than was sent */
	uint64_t inferred;   /* dropped only in that they are missing, beside one for each buffer */
};

struct udp_ledger udp_ledger_settle(const struct udp_counts *c);
/* The datagrams dropped between two looks at the counts. A lost buffer stands for as many as those
 * of its place did over the whole run, which `total` and `l` settled. */
double udp_ledger_dropped(const struct udp_counts *total, const struct udp_ledger *l,
			  const struct udp_counts *from, const struct udp_counts *to);
/* Writes every row as a figure of the oracle. */
void udp_ledger_report(const struct udp_counts *c, const struct udp_ledger *l, struct result *res);
/* 0, or -EBADMSG and the rows that do not add up. */
int udp_ledger_judge(const struct udp_counts *c, const struct udp_ledger *l, struct err *err);

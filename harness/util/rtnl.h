/* SPDX-License-Identifier: MIT */
/*
 * The part of rtnetlink(7) that a test network needs. A handle works on the network namespace in
 * which it was opened, from any thread, one thread at a time. Devices are named by index.
 * Everything returns 0 or -errno; the error's text has the kernel's own words where it gave some.
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "harness/util/err.h"

#define RTNL_MAC_LEN 6

struct rtnl;

int rtnl_open(struct rtnl **ret, struct err *err); /* in the caller's network namespace */
void rtnl_close(struct rtnl *r);		   /* accepts NULL */

static inline void rtnl_closep(struct rtnl **r)
{
	rtnl_close(*r);
}

int rtnl_link_index(struct rtnl *r, const char *name, int *ret_ifindex, struct err *err);
int rtnl_link_up(struct rtnl *r, int ifindex, struct err *err);
int rtnl_link_set_mtu(struct rtnl *r, int ifindex, uint32_t mtu, struct err *err);
/* Keeps IPv6 from sending on its own when the link comes up (router solicitation, duplicate address
 * detection). For a link that carries counted packets only. */
int rtnl_link_quiet_ipv6(struct rtnl *r, int ifindex, struct err *err);

struct rtnl_veth_end {
	const char *name;
	uint8_t mac[RTNL_MAC_LEN];
	int ifindex; /* out */
};

/* A veth pair: `here` in r's namespace, `there` in the namespace of `peer`. Both ends are down.
 * The end that is brought up last can send at once. The other one gets its carrier and its qdisc
 * from a work queue (net/core/link_watch.c) and loses what is sent before. */
int rtnl_veth_add(struct rtnl *r, struct rtnl *peer, int peer_netns_fd, uint32_t mtu,
		  struct rtnl_veth_end *here, struct rtnl_veth_end *there, struct err *err);

int rtnl_addr_add(struct rtnl *r, int ifindex, struct in_addr addr, unsigned prefix_len,
		  struct err *err);
/* A permanent neighbour, so that no ARP is ever sent. */
int rtnl_neigh_add(struct rtnl *r, int ifindex, struct in_addr addr,
		   const uint8_t mac[RTNL_MAC_LEN], struct err *err);

/* A token bucket (tc-tbf(8)) as root qdisc; -EOPNOTSUPP where the kernel has none. */
int rtnl_tbf_add(struct rtnl *r, int ifindex, uint64_t rate_bytes_per_s, uint32_t burst_bytes,
		 uint32_t limit_bytes, struct err *err);

struct rtnl_device_stats {
	uint64_t rx_packets, tx_packets, rx_dropped, tx_dropped, rx_errors, tx_errors;
};

int rtnl_device_stats(struct rtnl *r, int ifindex, struct rtnl_device_stats *ret, struct err *err);

/* Root qdisc. `packets` left it, a GSO packet counted as its segments; `drops` counts buffers, a
 * GSO packet once (include/net/sch_generic.h: bstats_update, qdisc_qstats_drop). */
struct rtnl_qdisc_stats {
	uint64_t packets, drops, backlog_bytes;
};

int rtnl_qdisc_stats(struct rtnl *r, int ifindex, struct rtnl_qdisc_stats *ret, struct err *err);

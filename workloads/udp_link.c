// SPDX-License-Identifier: MIT
/*
 * Neighbours are permanent and IPv6 is silent on the veth pair, so that the counters of devices and
 * qdisc count datagrams of the run and nothing else. No device is named outside the run's
 * namespaces, so nothing has to be undone: closing the last descriptor is enough.
 */
#include "workloads/udp_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/netns.h"
#include "harness/util/rtnl.h"
#include "workloads/udp_snmp.h"

#define LOOPBACK_IFINDEX 1
#define LOOPBACK_MTU	 65536u
#define PREFIX_LEN	 30

struct udp_link {
	struct udp_link_plan plan;
	struct in_addr sink_addr;
	int sink_netns;
	struct rtnl *near, *far; /* far == NULL on loopback */
	struct rtnl_veth_end near_end, far_end;
	struct udp_snmp *snmp; /* of the sink's namespace */
};

static uint32_t burst_bytes(const struct udp_link_plan *plan)
{
	/* The bucket must hold a packet; beyond that, what a late timer would otherwise lose. */
	uint64_t least = 2ull * (plan->mtu + ETH_HLEN), two_ms = plan->rate_bits_per_s / 8 / 500;
	uint64_t bytes = max_of(two_ms, least);

	return (uint32_t)min_of(bytes, (uint64_t)UINT32_MAX / 2);
}

static int address(struct rtnl *r, struct rtnl_veth_end *own, struct in_addr own_addr,
		   const struct rtnl_veth_end *other, struct in_addr other_addr, struct err *err)
{
	int ret = rtnl_link_quiet_ipv6(r, own->ifindex, err);

	if (!ret)
		ret = rtnl_addr_add(r, own->ifindex, own_addr, PREFIX_LEN, err);
	if (!ret)
		ret = rtnl_link_up(r, own->ifindex, err);
	if (!ret)
		ret = rtnl_neigh_add(r, own->ifindex, other_addr, other->mac, err);
	return ret;
}

static int open_veth(struct udp_link *l, struct err *err)
{
	const struct udp_link_plan *plan = &l->plan;
	struct in_addr near_addr = {.s_addr = inet_addr("10.117.104.1")};
	int r;

	l->sink_addr.s_addr = inet_addr("10.117.104.2");
	r = netns_new_fd(&l->sink_netns, err);
	if (!r)
		r = netns_rtnl(l->sink_netns, &l->far, err);
	if (!r)
		r = rtnl_veth_add(l->near, l->far, l->sink_netns, plan->mtu, &l->near_end,
				  &l->far_end, err);
	/* The sender's end last: see rtnl_veth_add. */
	if (!r)
		r = address(l->far, &l->far_end, l->sink_addr, &l->near_end, near_addr, err);
	if (!r)
		r = address(l->near, &l->near_end, near_addr, &l->far_end, l->sink_addr, err);
	if (!r && plan->rate_bits_per_s)
		r = rtnl_tbf_add(l->near, l->near_end.ifindex, plan->rate_bits_per_s / 8,
				 burst_bytes(plan), plan->queue_bytes, err);
	return r;
}

static int open_loopback(struct udp_link *l, struct err *err)
{
	l->sink_addr.s_addr = htonl(INADDR_LOOPBACK);
	l->near_end.ifindex = LOOPBACK_IFINDEX;
	return netns_self_fd(&l->sink_netns, err);
}

static int open_snmp(void *arg, struct err *err)
{
	return udp_snmp_open(arg, err);
}

int udp_link_open(const struct udp_link_plan *plan, struct udp_link **ret, struct err *err)
{
	struct udp_link *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return err_sys(err, -ENOMEM, "link");
	*l = (struct udp_link){
		.plan = *plan,
		.sink_netns = -1,
		.near_end = {.name = "uh-send", .mac = {0x02, 'u', 'h', 0, 0, 1}},
		.far_end = {.name = "uh-sink", .mac = {0x02, 'u', 'h', 0, 0, 2}},
	};
	r = netns_enter_new(err);
	if (!r)
		r = rtnl_open(&l->near, err);
	if (!r)
		r = plan->veth ? open_veth(l, err) : open_loopback(l, err);
	if (!r)
		r = udp_link_at_sink(l, open_snmp, &l->snmp, err);
	if (r) {
		udp_link_close(l);
		return r;
	}
	*ret = l;
	return 0;
}

void udp_link_close(struct udp_link *l)
{
	if (!l)
		return;
	udp_snmp_close(l->snmp);
	rtnl_close(l->near);
	rtnl_close(l->far);
	cleanup_close(&l->sink_netns);
	free(l);
}

struct in_addr udp_link_sink_addr(const struct udp_link *l)
{
	return l->sink_addr;
}

uint32_t udp_link_mtu(const struct udp_link *l)
{
	return l->plan.veth ? l->plan.mtu : LOOPBACK_MTU;
}

int udp_link_at_sink(const struct udp_link *l, int (*fn)(void *arg, struct err *err), void *arg,
		     struct err *err)
{
	return netns_call(l->sink_netns, fn, arg, err);
}

int udp_link_losses(struct udp_link *l, struct udp_link_losses *ret, struct err *err)
{
	struct rtnl_device_stats near;
	struct rtnl_qdisc_stats qdisc = {0};
	uint64_t no_port;
	int r = rtnl_device_stats(l->near, l->near_end.ifindex, &near, err);

	if (!r && l->plan.rate_bits_per_s)
		r = rtnl_qdisc_stats(l->near, l->near_end.ifindex, &qdisc, err);
	if (!r)
		r = udp_snmp_read(l->snmp, "NoPorts", &no_port, err);
	if (r)
		return r;
	*ret = (struct udp_link_losses){
		.qdisc_packets = qdisc.packets,
		.qdisc_drops = qdisc.drops,
		.qdisc_backlog_bytes = qdisc.backlog_bytes,
		/*
		 * What the far end refuses (its MTU, a full backlog) is counted there as rx_dropped
		 * and handed back to veth_xmit, which counts it again here as tx_dropped
		 * (drivers/net/veth.c: veth_forward_skb), beside what never left. loopback_xmit
		 * does not look at that answer, so there the two are different packets.
		 */
		.device_drops = near.tx_dropped + (l->far ? 0 : near.rx_dropped),
		.no_port = no_port,
	};
	return 0;
}

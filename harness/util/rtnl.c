// SPDX-License-Identifier: MIT
/*
 * Each function builds one request, sends it and reads the answers up to the acknowledgement or the
 * end of the dump. Extended acknowledgements are asked for, since "Error: Qdisc kind is unknown"
 * says more than ENOENT.
 */
#include "harness/util/rtnl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/gen_stats.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"

#define REQUEST_BYTES 1024 /* the largest request here is about 200 */

struct rtnl {
	struct mnl_socket *nl;
	uint32_t seq;
	char buf[32768]; /* the kernel fills at most 32 KiB for each read of a dump */
};

/* A request under construction. */
struct req {
	char space[REQUEST_BYTES] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
};

/* Answers with the wanted family of attributes; > 0 ends nothing, < 0 is an error. */
typedef int (*row_fn)(const struct nlmsghdr *nlh, void *arg);

int rtnl_open(struct rtnl **ret, struct err *err)
{
	struct rtnl *r = calloc(1, sizeof(*r));
	int on = 1;

	if (!r)
		return err_sys(err, -ENOMEM, "rtnetlink");
	r->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!r->nl || mnl_socket_bind(r->nl, 0, MNL_SOCKET_AUTOPID)) {
		int code = -errno;

		rtnl_close(r);
		return err_sys(err, code, "rtnetlink socket");
	}
	/* Both are there since 4.12 and 4.20; without them errors have fewer words, nothing more.
	 */
	mnl_socket_setsockopt(r->nl, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(r->nl, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	*ret = r;
	return 0;
}

void rtnl_close(struct rtnl *r)
{
	if (!r)
		return;
	if (r->nl)
		mnl_socket_close(r->nl);
	free(r);
}

static void req_init(struct req *q, uint16_t type, uint16_t flags)
{
	q->nlh = mnl_nlmsg_put_header(q->space);
	q->nlh->nlmsg_type = type;
	q->nlh->nlmsg_flags = NLM_F_REQUEST | flags;
}

static struct ifinfomsg *req_link(struct req *q, uint16_t type, uint16_t flags, int ifindex)
{
	struct ifinfomsg *ifi;

	req_init(q, type, flags);
	ifi = mnl_nlmsg_put_extra_header(q->nlh, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	return ifi;
}

/* The words of an extended acknowledgement (NLMSGERR_ATTR_MSG), or NULL. */
static const char *extack_text(const struct nlmsghdr *nlh, const struct nlmsgerr *e)
{
	size_t offset = sizeof(*e);
	const struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		offset += e->msg.nlmsg_len - sizeof(e->msg);
	mnl_attr_for_each(attr, nlh, offset) if (mnl_attr_get_type(attr) ==
						 NLMSGERR_ATTR_MSG) return mnl_attr_get_str(attr);
	return NULL;
}

/* Reads one message. 1: there is more to come, 0: the end, -errno: refused. */
static int take_message(const struct nlmsghdr *nlh, row_fn fn, void *arg, struct err *err)
{
	if (nlh->nlmsg_type == NLMSG_DONE)
		return 0;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
		const char *text = e->error ? extack_text(nlh, e) : NULL;

		if (text)
			return err_sys(err, e->error, "%s", text);
		return e->error ? err_set(err, e->error, "%s", strerror(-e->error)) : 0;
	}
	if (fn) {
		int r = fn(nlh, arg);

		if (r < 0)
			return err_set(err, r, "answer: %s", strerror(-r));
	}
	return 1;
}

/* Every request asks for an acknowledgement or is a dump, so there is always an end. */
static int talk(struct rtnl *r, struct req *q, row_fn fn, void *arg, struct err *err)
{
	int more = 1;

	if ((q->nlh->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) /* two bits, shared with others */
		q->nlh->nlmsg_flags |= NLM_F_ACK;
	q->nlh->nlmsg_seq = ++r->seq;
	if (mnl_socket_sendto(r->nl, q->nlh, q->nlh->nlmsg_len) < 0)
		return err_set(err, -errno, "rtnetlink send: %s", strerror(errno));
	while (more > 0) {
		ssize_t got = mnl_socket_recvfrom(r->nl, r->buf, sizeof(r->buf));
		const struct nlmsghdr *nlh = (const void *)r->buf;
		int left = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, -errno, "rtnetlink receive: %s", strerror(errno));
		for (; more > 0 && mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			if (nlh->nlmsg_seq == r->seq)
				more = take_message(nlh, fn, arg, err);
	}
	return more;
}

static int link_row_index(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	*(int *)arg = ifi->ifi_index;
	return 0;
}

int rtnl_link_index(struct rtnl *r, const char *name, int *ret_ifindex, struct err *err)
{
	struct req q;
	int ifindex = 0, ret;

	req_link(&q, RTM_GETLINK, 0, 0);
	mnl_attr_put_strz(q.nlh, IFLA_IFNAME, name);
	ret = talk(r, &q, link_row_index, &ifindex, err);
	if (ret)
		return err_wrap(err, ret, "link %s", name);
	*ret_ifindex = ifindex;
	return 0;
}

int rtnl_link_up(struct rtnl *r, int ifindex, struct err *err)
{
	struct req q;
	struct ifinfomsg *ifi = req_link(&q, RTM_NEWLINK, 0, ifindex);
	int ret;

	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	ret = talk(r, &q, NULL, NULL, err);
	return ret ? err_wrap(err, ret, "link %d up", ifindex) : 0;
}

int rtnl_link_set_mtu(struct rtnl *r, int ifindex, uint32_t mtu, struct err *err)
{
	struct req q;
	int ret;

	req_link(&q, RTM_NEWLINK, 0, ifindex);
	mnl_attr_put_u32(q.nlh, IFLA_MTU, mtu);
	ret = talk(r, &q, NULL, NULL, err);
	return ret ? err_wrap(err, ret, "link %d mtu %u", ifindex, mtu) : 0;
}

int rtnl_link_quiet_ipv6(struct rtnl *r, int ifindex, struct err *err)
{
	struct nlattr *spec, *inet6;
	struct req q;
	int ret;

	req_link(&q, RTM_NEWLINK, 0, ifindex);
	spec = mnl_attr_nest_start(q.nlh, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(q.nlh, AF_INET6);
	mnl_attr_put_u8(q.nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(q.nlh, inet6);
	mnl_attr_nest_end(q.nlh, spec);
	ret = talk(r, &q, NULL, NULL, err);
	if (ret == -EAFNOSUPPORT)
		return 0; /* a kernel without IPv6 is quiet already */
	return ret ? err_wrap(err, ret, "link %d without IPv6 addresses", ifindex) : 0;
}

static void put_end(struct req *q, const struct rtnl_veth_end *end, uint32_t mtu)
{
	mnl_attr_put_strz(q->nlh, IFLA_IFNAME, end->name);
	mnl_attr_put(q->nlh, IFLA_ADDRESS, RTNL_MAC_LEN, end->mac);
	mnl_attr_put_u32(q->nlh, IFLA_MTU, mtu);
}

static void veth_request(struct req *q, int peer_netns_fd, uint32_t mtu,
			 const struct rtnl_veth_end *here, const struct rtnl_veth_end *there)
{
	struct nlattr *info, *data, *peer;

	req_link(q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	put_end(q, here, mtu);
	info = mnl_attr_nest_start(q->nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(q->nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(q->nlh, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(q->nlh, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(q->nlh, sizeof(struct ifinfomsg));
	put_end(q, there, mtu);
	mnl_attr_put_u32(q->nlh, IFLA_NET_NS_FD, (uint32_t)peer_netns_fd);
	mnl_attr_nest_end(q->nlh, peer);
	mnl_attr_nest_end(q->nlh, data);
	mnl_attr_nest_end(q->nlh, info);
}

int rtnl_veth_add(struct rtnl *r, struct rtnl *peer, int peer_netns_fd, uint32_t mtu,
		  struct rtnl_veth_end *here, struct rtnl_veth_end *there, struct err *err)
{
	int ret, here_index, there_index;
	struct req q;

	veth_request(&q, peer_netns_fd, mtu, here, there);
	ret = talk(r, &q, NULL, NULL, err);
	if (ret)
		return err_wrap(err, ret, "veth pair %s - %s", here->name, there->name);
	ret = rtnl_link_index(r, here->name, &here_index, err);
	if (!ret)
		ret = rtnl_link_index(peer, there->name, &there_index, err);
	if (ret)
		return ret;
	here->ifindex = here_index;
	there->ifindex = there_index;
	return 0;
}

int rtnl_addr_add(struct rtnl *r, int ifindex, struct in_addr addr, unsigned prefix_len,
		  struct err *err)
{
	struct ifaddrmsg *ifa;
	struct req q;
	int ret;

	req_init(&q, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	ifa = mnl_nlmsg_put_extra_header(q.nlh, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = (uint8_t)prefix_len;
	ifa->ifa_index = (uint32_t)ifindex;
	mnl_attr_put(q.nlh, IFA_LOCAL, sizeof(addr), &addr);
	mnl_attr_put(q.nlh, IFA_ADDRESS, sizeof(addr), &addr);
	ret = talk(r, &q, NULL, NULL, err);
	return ret ? err_wrap(err, ret, "address of link %d", ifindex) : 0;
}

int rtnl_neigh_add(struct rtnl *r, int ifindex, struct in_addr addr,
		   const uint8_t mac[RTNL_MAC_LEN], struct err *err)
{
	struct ndmsg *nd;
	struct req q;
	int ret;

	req_init(&q, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	nd = mnl_nlmsg_put_extra_header(q.nlh, sizeof(*nd));
	nd->ndm_family = AF_INET;
	nd->ndm_ifindex = ifindex;
	nd->ndm_state = NUD_PERMANENT;
	mnl_attr_put(q.nlh, NDA_DST, sizeof(addr), &addr);
	mnl_attr_put(q.nlh, NDA_LLADDR, RTNL_MAC_LEN, mac);
	ret = talk(r, &q, NULL, NULL, err);
	return ret ? err_wrap(err, ret, "neighbour on link %d", ifindex) : 0;
}

int rtnl_tbf_add(struct rtnl *r, int ifindex, uint64_t rate_bytes_per_s, uint32_t burst_bytes,
		 uint32_t limit_bytes, struct err *err)
{
	/* The rate table of old is not needed when the link layer is stated (sch_tbf.c). */
	struct tc_tbf_qopt opt = {
		.rate = {.linklayer = TC_LINKLAYER_ETHERNET,
			 .rate = (uint32_t)min_of(rate_bytes_per_s, (uint64_t)UINT32_MAX)},
		.limit = limit_bytes,
	};
	struct nlattr *options;
	struct tcmsg *tc;
	struct req q;
	int ret;

	req_init(&q, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
	tc = mnl_nlmsg_put_extra_header(q.nlh, sizeof(*tc));
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = TC_H_ROOT;
	mnl_attr_put_strz(q.nlh, TCA_KIND, "tbf");
	options = mnl_attr_nest_start(q.nlh, TCA_OPTIONS);
	mnl_attr_put(q.nlh, TCA_TBF_PARMS, sizeof(opt), &opt);
	mnl_attr_put_u64(q.nlh, TCA_TBF_RATE64, rate_bytes_per_s);
	mnl_attr_put_u32(q.nlh, TCA_TBF_BURST, burst_bytes);
	mnl_attr_nest_end(q.nlh, options);
	ret = talk(r, &q, NULL, NULL, err);
	if (ret == -ENOENT) /* what the kernel answers for an unknown kind of qdisc */
		ret = -EOPNOTSUPP;
	return ret ? err_wrap(err, ret, "tbf on link %d", ifindex) : 0;
}

static int link_row_stats(const struct nlmsghdr *nlh, void *arg)
{
	struct rtnl_device_stats *ret = arg;
	const struct nlattr *attr;
	struct rtnl_link_stats64 s;

	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attr) != IFLA_STATS64)
			continue;
		memset(&s, 0, sizeof(s));
		memcpy(&s, mnl_attr_get_payload(attr),
		       min_of(sizeof(s), (size_t)mnl_attr_get_payload_len(attr)));
		*ret = (struct rtnl_device_stats){.rx_packets = s.rx_packets,
						  .tx_packets = s.tx_packets,
						  .rx_dropped = s.rx_dropped,
						  .tx_dropped = s.tx_dropped,
						  .rx_errors = s.rx_errors,
						  .tx_errors = s.tx_errors};
		return 0;
	}
	return -ENODATA;
}

int rtnl_device_stats(struct rtnl *r, int ifindex, struct rtnl_device_stats *ret, struct err *err)
{
	struct req q;
	int code;

	req_link(&q, RTM_GETLINK, 0, ifindex);
	code = talk(r, &q, link_row_stats, ret, err);
	return code ? err_wrap(err, code, "statistics of link %d", ifindex) : 0;
}

struct qdisc_search {
	int ifindex;
	struct rtnl_qdisc_stats stats;
	int found;
};

static void qdisc_attr(const struct nlattr *attr, struct rtnl_qdisc_stats *s)
{
	struct gnet_stats_basic basic = {0};
	struct gnet_stats_queue queue = {0};
	const void *data = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case TCA_STATS_BASIC:
		memcpy(&basic, data, min_of(len, sizeof(basic)));
		s->packets = max_of(s->packets, (uint64_t)basic.packets);
		break;
	case TCA_STATS_PKT64: /* only sent when the count does not fit 32 bits */
		memcpy(&s->packets, data, min_of(len, sizeof(s->packets)));
		break;
	case TCA_STATS_QUEUE:
		memcpy(&queue, data, min_of(len, sizeof(queue)));
		s->drops = queue.drops;
		s->backlog_bytes = queue.backlog;
		break;
	default:
		break;
	}
}

static int qdisc_row(const struct nlmsghdr *nlh, void *arg)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(nlh);
	struct qdisc_search *search = arg;
	const struct nlattr *attr, *inner;

	if (tc->tcm_ifindex != search->ifindex || tc->tcm_parent != TC_H_ROOT)
		return 0;
	search->found = 1;
	mnl_attr_for_each(attr, nlh, sizeof(*tc))
	{
		if (mnl_attr_get_type(attr) != TCA_STATS2)
			continue;
		mnl_attr_for_each_nested(inner, attr) qdisc_attr(inner, &search->stats);
	}
	return 0;
}

int rtnl_qdisc_stats(struct rtnl *r, int ifindex, struct rtnl_qdisc_stats *ret, struct err *err)
{
	struct qdisc_search search = {.ifindex = ifindex};
	struct tcmsg *tc;
	struct req q;
	int code;

	req_init(&q, RTM_GETQDISC, NLM_F_DUMP);
	tc = mnl_nlmsg_put_extra_header(q.nlh, sizeof(*tc));
	tc->tcm_ifindex = ifindex;
	code = talk(r, &q, qdisc_row, &search, err);
	if (!code && !search.found)
		code = err_set(err, -ENOENT, "no qdisc");
	if (code)
		return err_wrap(err, code, "qdisc of link %d", ifindex);
	*ret = search.stats;
	return 0;
}

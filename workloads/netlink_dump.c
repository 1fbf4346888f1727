// SPDX-License-Identifier: MIT
/*
 * The request for a TCP socket dump and the reader of its answer. A reader is inside the measured
 * loop, so it does no more for a record than check its bounds and add it to the fingerprint.
 * The filter is bytecode that the kernel runs for each socket (net/ipv4/inet_diag.c,
 * inet_diag_bc_run): `yes` and `no` are jumps in bytes, and a jump to 4 beyond the end rejects.
 */
#include "workloads/netlink_dump.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "harness/util/cleanup.h"

#define TCP_STATES 0xfffu /* bits 1 (established) to 11 (closing), as `ss -a` asks */

/* lowest <= source port < lowest + ports */
static void build_filter(struct netlink_request *request, uint64_t ports)
{
	const uint16_t step = 2 * sizeof(request->filter[0]);
	const uint16_t reject = sizeof(request->filter) + 4;

	request->attr.nla_type = INET_DIAG_REQ_BYTECODE;
	request->attr.nla_len = sizeof(request->attr) + sizeof(request->filter);
	request->filter[0] = (struct inet_diag_bc_op){
		.code = INET_DIAG_BC_S_GE, .yes = (unsigned char)step, .no = reject};
	request->filter[1].no = NETLINK_PORT_FIRST;
	request->filter[2] = (struct inet_diag_bc_op){
		.code = INET_DIAG_BC_S_LE, .yes = (unsigned char)step, .no = reject - step};
	request->filter[3].no = (uint16_t)(NETLINK_PORT_FIRST + ports - 1);
}

void netlink_dump_init(struct netlink_dump *dump, const struct netlink_config *config)
{
	struct netlink_request *request = &dump->request;

	memset(dump, 0, sizeof(*dump));
	request->header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->header.nlmsg_len = offsetof(struct netlink_request, attr);
	request->diag.sdiag_family = AF_INET;
	request->diag.sdiag_protocol = IPPROTO_TCP;
	request->diag.idiag_states = TCP_STATES;
	request->diag.idiag_ext = config->extensions == NETLINK_EXT_ALL ? 0xff : 0;
	if (config->filter == NETLINK_FILTER_PORTS) {
		build_filter(request, config->filter_ports);
		request->header.nlmsg_len = sizeof(*request);
	}
}

void netlink_dump_begin(struct netlink_dump *dump, uint32_t seq)
{
	dump->request.header.nlmsg_seq = seq;
	dump->print = (struct netlink_print){0};
	dump->bytes = 0;
	dump->messages = 0;
	dump->stale = 0;
	dump->keys = NULL;
	dump->interrupted = false;
	dump->ended = false;
	dump->result = 0;
	dump->why = NULL;
}

static enum netlink_verdict end(struct netlink_dump *dump, int32_t result)
{
	dump->ended = true;
	dump->result = result;
	return NETLINK_END;
}

static enum netlink_verdict malformed(struct netlink_dump *dump, const char *why)
{
	dump->why = why;
	return end(dump, -EBADMSG);
}

static enum netlink_verdict read_record(struct netlink_dump *dump, const struct nlmsghdr *header)
{
	struct netlink_key key;

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
		return malformed(dump, "a record is shorter than struct inet_diag_msg");
	netlink_key_read(&key, NLMSG_DATA(header));
	if (dump->keys && dump->print.records < dump->keys_max)
		dump->keys[dump->print.records] = key;
	netlink_print_add(&dump->print, &key);
	return NETLINK_MORE;
}

/* NLMSG_DONE of a dump and NLMSG_ERROR both begin with an int: 0 or -errno. */
static enum netlink_verdict read_end(struct netlink_dump *dump, const struct nlmsghdr *header)
{
	int32_t code;

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(code)))
		return malformed(dump, "the end of the dump carries no code");
	memcpy(&code, NLMSG_DATA(header), sizeof(code));
	if (header->nlmsg_type == NLMSG_ERROR && code == 0)
		return malformed(dump, "an acknowledgement where a dump was asked for");
	if (code > 0)
		return malformed(dump, "the end of the dump carries a positive code");
	if (code < 0)
		return end(dump, code);
	if (dump->interrupted)
		return end(dump, -EINTR);
	return end(dump, (int32_t)min_of(dump->bytes, (uint64_t)INT32_MAX));
}

static enum netlink_verdict read_message(struct netlink_dump *dump, const struct nlmsghdr *header)
{
	if (header->nlmsg_seq != dump->request.header.nlmsg_seq) {
		dump->stale++;
		return NETLINK_MORE;
	}
	if (dump->ended)
		return malformed(dump, "messages follow the end of the dump");
	if (header->nlmsg_flags & NLM_F_DUMP_INTR)
		dump->interrupted = true;
	switch (header->nlmsg_type) {
	case SOCK_DIAG_BY_FAMILY:
		return read_record(dump, header);
	case NLMSG_DONE:
	case NLMSG_ERROR:
		return read_end(dump, header);
	case NLMSG_NOOP:
		return NETLINK_MORE;
	case NLMSG_OVERRUN:
		return end(dump, -ENOBUFS);
	default:
		return malformed(dump, "a message of another type than the dump's");
	}
}

enum netlink_verdict netlink_dump_consume(struct netlink_dump *dump, const void *buf, size_t len,
					  int msg_flags)
{
	const char *at = buf;

	dump->bytes += len;
	dump->messages++;
	if (msg_flags & MSG_TRUNC)
		return end(dump, -EMSGSIZE);
	while (len > 0) {
		const struct nlmsghdr *header = (const void *)at;
		size_t step;

		if (len < sizeof(*header) || header->nlmsg_len < sizeof(*header) ||
		    header->nlmsg_len > len)
			return malformed(dump,
					 "a netlink header disagrees with the bytes received");
		read_message(dump, header);
		if (dump->result < 0)
			return NETLINK_END;
		step = min_of((size_t)NLMSG_ALIGN(header->nlmsg_len), len);
		at += step;
		len -= step;
	}
	return dump->ended ? NETLINK_END : NETLINK_MORE;
}

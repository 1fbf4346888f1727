/* SPDX-License-Identifier: MIT */
/*
 * One dump: its request, and a reader for what comes back. The reader trusts nothing: every length
 * is checked against the bytes that were received.
 *
 *   outcome                               result
 *   NLMSG_DONE after whole records        bytes of the dump
 *   NLMSG_DONE or NLMSG_ERROR with errno  that -errno
 *   MSG_TRUNC                             -EMSGSIZE
 *   NLMSG_OVERRUN                         -ENOBUFS
 *   NLM_F_DUMP_INTR before the end        -EINTR (the set changed under the dump)
 *   anything malformed                    -EBADMSG, and `why`
 *
 * Sources: linux/netlink.h, linux/inet_diag.h, net/netlink/af_netlink.c (netlink_dump),
 * sock_diag(7).
 */
#pragma once

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/world/netlink.h"
#include "workloads/netlink_set.h"

struct netlink_request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 diag;
	struct nlattr attr; /* from here on only with a filter: header.nlmsg_len says */
	struct inet_diag_bc_op filter[4];
};

struct netlink_dump {
	struct netlink_request request;
	struct netlink_print print;
	uint64_t bytes, messages; /* received for this dump; messages = calls of consume */
	uint64_t stale;		  /* netlink messages with another sequence number */
	struct netlink_key *keys; /* where to keep the records, or NULL */
	size_t keys_max;
	bool interrupted, ended;
	int32_t result;
	const char *why; /* of -EBADMSG */
};

/* Builds the request for all TCP sockets of AF_INET, once; a dump starts with netlink_dump_begin.
 */
void netlink_dump_init(struct netlink_dump *dump, const struct netlink_config *config);
/* Forgets what the last dump brought. Keeps nothing of the records: set `keys` after it. */
void netlink_dump_begin(struct netlink_dump *dump, uint32_t seq);
/* Reads what one receive brought. NETLINK_END: dump->result is set. More bytes after the end of a
 * good dump turn it into -EBADMSG. */
enum netlink_verdict netlink_dump_consume(struct netlink_dump *dump, const void *buf, size_t len,
					  int msg_flags);

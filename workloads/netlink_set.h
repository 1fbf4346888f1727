/* SPDX-License-Identifier: MIT */
/*
 * Which sockets exist, and how a dump of them is compared. The plan is a pure function of the
 * knobs: socket i has these addresses, whoever opens it. So the expected set needs no word from
 * the processes that hold the sockets, nor from the kernel.
 *
 * Ports start at NETLINK_PORT_FIRST, NETLINK_PORTS of them on 127.0.0.1, as many on 127.0.0.2, ...
 * Listening: socket i is the listener i. Connected: socket 2p is the client end of pair p, socket
 * 2p + 1 the end that NETLINK_SERVER_PORT on 127.0.0.254 accepted.
 */
#pragma once

#include <linux/inet_diag.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/util/err.h"
#include "workloads/netlink.h"

#define NETLINK_PORT_FIRST  10000u
#define NETLINK_PORTS	    20000u
#define NETLINK_SERVER_PORT 9000u
#define NETLINK_SERVER_ADDR 0x7f0000feu

/* One socket as a dump shows it; ports and addresses in network order, unused words 0. The tail has
 * the layout of struct inet_diag_sockid, so a record is copied and not taken apart. */
struct netlink_key {
	uint8_t family, state;
	uint16_t zero;
	uint16_t sport, dport;
	uint32_t src[4], dst[4];
};
_Static_assert(sizeof(struct netlink_key) == 40, "five words, no padding");

/* Fingerprint of a set: independent of order, changed by a record that is missing, extra, doubled
 * or altered. Sum and exclusive or of 64-bit hashes, so that both a doubled and a swapped record
 * show. */
struct netlink_print {
	uint64_t records, sum, xored;
};

static inline void netlink_key_read(struct netlink_key *key, const struct inet_diag_msg *msg)
{
	key->family = msg->idiag_family;
	key->state = msg->idiag_state;
	key->zero = 0;
	__builtin_memcpy(&key->sport, &msg->id, sizeof(*key) - 4);
}

/* Multilinear over the words with odd factors, then the finaliser of MurmurHash3 (Appleby). */
static inline uint64_t netlink_key_hash(const struct netlink_key *key)
{
	uint64_t w[5], h;

	__builtin_memcpy(w, key, sizeof(w));
	h = w[0] * 0x9e3779b97f4a7c15ull + w[1] * 0xbf58476d1ce4e5b9ull +
	    w[2] * 0x94d049bb133111ebull + w[3] * 0xd6e8feb86659fd93ull +
	    w[4] * 0xa0761d6478bd642full;
	h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdull;
	h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53ull;
	return h ^ (h >> 33);
}

static inline void netlink_print_add(struct netlink_print *print, const struct netlink_key *key)
{
	uint64_t h = netlink_key_hash(key);

	print->records++;
	print->sum += h;
	print->xored ^= h;
}

struct netlink_set {
	struct netlink_key *keys; /* sorted */
	size_t n;
	struct netlink_print print;
};

/* Socket i of the plan, i < config->sockets. */
struct netlink_key netlink_set_socket(const struct netlink_config *config, uint64_t i);
/* What a dump with the filter of `config` must hold. -ENOMEM. */
int netlink_set_expect(const struct netlink_config *config, struct netlink_set *ret);
/* Compares exactly; sorts `got`. -EBADMSG, and err names the first socket that is missing, doubled
 * or was never opened. */
int netlink_set_compare(const struct netlink_set *expected, struct netlink_key *got, size_t n,
			struct err *err);
void netlink_set_free(struct netlink_set *set);

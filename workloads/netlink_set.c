// SPDX-License-Identifier: MIT
/*
 * The expected set of a netlink dump. Every dump is compared by count and fingerprint, which costs
 * a few nanoseconds a record; one dump of each lane is kept whole and compared here, record by
 * record, so that a difference can be named.
 */
#include "workloads/netlink_set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"

struct netlink_key netlink_set_socket(const struct netlink_config *config, uint64_t i)
{
	bool connected = config->state == NETLINK_TCP_CONNECTED;
	uint64_t place = connected ? i / 2 : i;
	uint16_t port = htons((uint16_t)(NETLINK_PORT_FIRST + place % NETLINK_PORTS));
	uint32_t addr = htonl(INADDR_LOOPBACK + (uint32_t)(place / NETLINK_PORTS));
	uint32_t server_addr = htonl(NETLINK_SERVER_ADDR);
	uint16_t server_port = htons(NETLINK_SERVER_PORT);
	struct netlink_key key = {.family = AF_INET};

	if (!connected) {
		key.state = TCP_LISTEN;
		key.src[0] = addr;
		key.sport = port;
		return key;
	}
	key.state = TCP_ESTABLISHED;
	key.src[0] = i % 2 ? server_addr : addr;
	key.sport = i % 2 ? server_port : port;
	key.dst[0] = i % 2 ? addr : server_addr;
	key.dport = i % 2 ? port : server_port;
	return key;
}

static bool passes(const struct netlink_config *config, const struct netlink_key *key)
{
	uint16_t port = ntohs(key->sport);

	if (config->filter == NETLINK_FILTER_NONE)
		return true;
	return port >= NETLINK_PORT_FIRST && port < NETLINK_PORT_FIRST + config->filter_ports;
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct netlink_key));
}

int netlink_set_expect(const struct netlink_config *config, struct netlink_set *ret)
{
	struct netlink_set set = {.keys = calloc(config->sockets, sizeof(*set.keys))};

	if (!set.keys)
		return -ENOMEM;
	for (uint64_t i = 0; i < config->sockets; i++) {
		struct netlink_key key = netlink_set_socket(config, i);

		if (!passes(config, &key))
			continue;
		set.keys[set.n++] = key;
		netlink_print_add(&set.print, &key);
	}
	qsort(set.keys, set.n, sizeof(*set.keys), compare_keys);
	*ret = set;
	return 0;
}

static int name_socket(const struct netlink_key *key, const char *what, struct err *err)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	if (!inet_ntop(key->family, key->src, src, sizeof(src)) ||
	    !inet_ntop(key->family, key->dst, dst, sizeof(dst)))
		return err_set(err, -EBADMSG, "a record of unknown family %u", key->family);
	return err_set(err, -EBADMSG, "socket %s:%u -> %s:%u in state %u %s", src,
		       ntohs(key->sport), dst, ntohs(key->dport), key->state, what);
}

int netlink_set_compare(const struct netlink_set *expected, struct netlink_key *got, size_t n,
			struct err *err)
{
	qsort(got, n, sizeof(*got), compare_keys);
	for (size_t i = 0; i < max_of(n, expected->n); i++) {
		int order = i >= n	       ? -1
			    : i >= expected->n ? 1
					       : compare_keys(&expected->keys[i], &got[i]);

		if (order < 0)
			return name_socket(&expected->keys[i], "is missing", err);
		if (order > 0 && i && compare_keys(&got[i - 1], &got[i]) == 0)
			return name_socket(&got[i], "is there twice", err);
		if (order > 0)
			return name_socket(&got[i], "was never opened", err);
	}
	return 0;
}

void netlink_set_free(struct netlink_set *set)
{
	free(set->keys);
	*set = (struct netlink_set){0};
}

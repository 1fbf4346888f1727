/* SPDX-License-Identifier: MIT */
/* The knobs of the netlink workload, shared by its parts. */
#pragma once

#include <stdint.h>

enum netlink_tcp_state { NETLINK_TCP_LISTENING, NETLINK_TCP_CONNECTED };
enum netlink_extensions { NETLINK_EXT_NONE, NETLINK_EXT_ALL };
enum netlink_filter { NETLINK_FILTER_NONE, NETLINK_FILTER_PORTS };

struct netlink_config {
	uint64_t sockets;      /* connected: both ends count, so an even number */
	int state;	       /* enum netlink_tcp_state */
	int extensions;	       /* enum netlink_extensions */
	int filter;	       /* enum netlink_filter */
	uint64_t filter_ports; /* NETLINK_FILTER_PORTS: how many source ports it lets through */
};

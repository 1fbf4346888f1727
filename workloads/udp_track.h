/* SPDX-License-Identifier: MIT */
/*
 * Which datagrams of one stream have arrived: a window of one bit each behind the highest number
 * seen. Inside the window a duplicate is told from a late first arrival exactly; what is older than
 * the window can be either, and is counted apart.
 */
#pragma once

#include <stdint.h>

#define UDP_TRACK_WORDS 1024u
/* So far behind the newest a datagram can still be judged; 10 times what 4 MiB of receive buffer
 * hold of the smallest datagrams. */
#define UDP_TRACK_REACH ((UDP_TRACK_WORDS - 1) * 64u)

struct udp_track {
	uint64_t next; /* highest number seen + 1 */
	uint64_t bits[UDP_TRACK_WORDS];
};

enum udp_arrival { UDP_NEW, UDP_REORDERED, UDP_DUPLICATE, UDP_STALE };

/* `t` starts zeroed. UDP_REORDERED is a first arrival too, behind a later one. */
enum udp_arrival udp_track_add(struct udp_track *t, uint64_t seq);

/* SPDX-License-Identifier: MIT */
/*
 * The datagrams of the udp workload: a header, then a body that belongs to the slot. The sum covers
 * the body and all of the header behind it. A body is made once and its sum kept, so a datagram
 * costs the sender only the sum of 24 bytes; slots have different bodies, so that bytes of a
 * neighbour are noticed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct udp_header {
	uint32_t magic;
	uint32_t sum; /* CRC32C over the body, continued over the fields below */
	uint64_t nonce;
	uint64_t seq; /* within the stream: one lane to one destination, from 0, without gaps */
	uint16_t lane;
	uint16_t destination;
	uint32_t length; /* of the whole datagram */
};
_Static_assert(sizeof(struct udp_header) == 32, "the smallest payload is the header");

struct udp_stream {
	uint16_t lane, destination;
	uint64_t seq;
};

/* Fills the body (what follows the header) of a buffer of `len` bytes, and returns its sum. */
uint32_t udp_body_make(void *data, size_t len, uint64_t seed);
/* Writes the header in front of a body with the sum `body_sum`. */
void udp_header_make(void *data, size_t len, uint64_t nonce, const struct udp_stream *stream,
		     uint32_t body_sum);

/* 0 and *ret, or -EBADMSG when it is not, byte for byte, a datagram of this run. */
int udp_datagram_read(const void *data, size_t len, uint64_t nonce, struct udp_stream *ret);

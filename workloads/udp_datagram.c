// SPDX-License-Identifier: MIT
/* Making and recognising datagrams. The nonce tells them from those of any other run. */
#include "workloads/udp_datagram.h"

#include <errno.h>
#include <string.h>

#include "harness/util/crc32c.h"

#define MAGIC	   0x75687564u /* "uhud" */
#define SUMMED_OFF offsetof(struct udp_header, nonce)

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint64_t mix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint32_t udp_body_make(void *data, size_t len, uint64_t seed)
{
	uint8_t *body = (uint8_t *)data + sizeof(struct udp_header);
	size_t left = len - sizeof(struct udp_header);

	for (size_t at = 0; at < left; at += 8) {
		uint64_t word = mix(&seed);

		memcpy(body + at, &word, left - at < 8 ? left - at : 8);
	}
	return crc32c(0, body, left);
}

static uint32_t header_sum(const struct udp_header *h, uint32_t body_sum)
{
	return crc32c(body_sum, (const uint8_t *)h + SUMMED_OFF, sizeof(*h) - SUMMED_OFF);
}

void udp_header_make(void *data, size_t len, uint64_t nonce, const struct udp_stream *stream,
		     uint32_t body_sum)
{
	struct udp_header h = {.magic = MAGIC,
			       .nonce = nonce,
			       .seq = stream->seq,
			       .lane = stream->lane,
			       .destination = stream->destination,
			       .length = (uint32_t)len};

	h.sum = header_sum(&h, body_sum);
	memcpy(data, &h, sizeof(h));
}

int udp_datagram_read(const void *data, size_t len, uint64_t nonce, struct udp_stream *ret)
{
	struct udp_header h;

	if (len < sizeof(h))
		return -EBADMSG;
	memcpy(&h, data, sizeof(h));
	if (h.magic != MAGIC || h.nonce != nonce || h.length != len)
		return -EBADMSG;
	if (h.sum != header_sum(&h, crc32c(0, (const uint8_t *)data + sizeof(h), len - sizeof(h))))
		return -EBADMSG;
	*ret = (struct udp_stream){h.lane, h.destination, h.seq};
	return 0;
}

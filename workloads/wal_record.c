// SPDX-License-Identifier: MIT
/*
 * Making and recognising records. Sealing is part of the measured loop, once for each record: it
 * writes 8 bytes per sector and sums the rest, which at 4 KiB costs about 150 ns.
 */
#include "workloads/wal_record.h"

#include <stddef.h>
#include <string.h>

#include "harness/util/crc32c.h"

#define SECTOR	    512
#define SUMMED_FROM offsetof(struct wal_header, length)

/* One step of SplitMix64 (Steele, Lea, Flood 2014): a bijection, so distinct inputs stay distinct.
 */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

void wal_record_fill(void *buf, uint32_t length, uint64_t nonce)
{
	for (uint32_t at = 0; at < length; at += sizeof(uint64_t)) {
		uint64_t word = mix(nonce + at);
		uint32_t n = length - at < sizeof(word) ? length - at : (uint32_t)sizeof(word);

		memcpy((char *)buf + at, &word, n);
	}
}

/* The first stamp follows the header, the others open a sector each. */
static void stamp(char *buf, uint32_t length, uint64_t key)
{
	for (uint32_t at = sizeof(struct wal_header); at + sizeof(key) <= length;
	     at = (at / SECTOR + 1) * SECTOR) {
		uint64_t word = key + at;

		memcpy(buf + at, &word, sizeof(word));
	}
}

static uint32_t sum(const char *buf, uint32_t length)
{
	return crc32c(0, buf + SUMMED_FROM, length - SUMMED_FROM);
}

void wal_record_seal(void *buf, const struct wal_header *h)
{
	struct wal_header out = *h;

	stamp(buf, h->length, mix(mix(h->lane) ^ h->seq));
	out.magic = WAL_MAGIC;
	memcpy(buf, &out, sizeof(out));
	out.crc = sum(buf, h->length);
	memcpy(buf, &out, sizeof(out));
}

enum wal_kind wal_record_read(const void *buf, uint32_t length, uint64_t nonce, uint32_t partition,
			      struct wal_header *ret)
{
	memcpy(ret, buf, sizeof(*ret));
	if (ret->magic != WAL_MAGIC || ret->nonce != nonce)
		return WAL_FOREIGN;
	if (ret->length != length || ret->partition != partition || ret->crc != sum(buf, length))
		return WAL_DAMAGED;
	return WAL_OURS;
}

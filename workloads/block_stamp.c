// SPDX-License-Identifier: MIT
/*
 * Making and recognising stamped sectors. The header's fields and the CRC decide whether a sector
 * is the expected one; the body needs no second look, since the CRC covers it and a sum over
 * another body would not fit this header. Called from the measured loop of verified runs.
 */
#include "workloads/block_stamp.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "harness/util/crc32c.h"
#include "harness/util/rng.h"

struct sector {
	struct block_stamp stamp;
	uint32_t crc; /* of the sector with this field 0 */
	uint32_t magic;
	uint64_t body[(BLOCK_SECTOR - sizeof(struct block_stamp) - 8) / 8];
};
_Static_assert(sizeof(struct sector) == BLOCK_SECTOR, "the stamp fills a sector");

#define MAGIC 0x6b6c4255u /* "UBlk" */

const char *const block_fault_names[] = {"good",      "blank",	 "stale",
					 "misplaced", "foreign", "corrupt"};

static uint32_t sum(const struct sector *s)
{
	uint32_t crc = crc32c(0, s, offsetof(struct sector, crc));

	return crc32c(crc, &s->magic, sizeof(*s) - offsetof(struct sector, magic));
}

static void fill(struct sector *s, const struct block_stamp *stamp)
{
	uint64_t state = stamp->nonce ^ stamp->addr;

	state = rng_splitmix(&state) ^ stamp->generation;
	s->stamp = *stamp;
	s->magic = MAGIC;
	for (unsigned i = 0; i < sizeof(s->body) / sizeof(s->body[0]); i++)
		s->body[i] = rng_splitmix(&state);
	s->crc = sum(s);
}

void block_stamp_fill(void *buf, uint32_t len, const struct block_stamp *s)
{
	struct block_stamp stamp = *s;

	for (uint32_t at = 0; at < len; at += BLOCK_SECTOR) {
		stamp.addr = s->addr + at;
		fill((struct sector *)((char *)buf + at), &stamp);
	}
}

void block_stamp_spoil(void *buf, uint32_t len)
{
	for (uint32_t at = 0; at < len; at += BLOCK_SECTOR)
		((struct sector *)((char *)buf + at))->magic = ~MAGIC;
}

static bool is_zero(const struct sector *s)
{
	static const struct sector zero;

	return !memcmp(s, &zero, sizeof(zero));
}

static enum block_fault check(const struct sector *s, const struct block_stamp *want,
			      unsigned may_be)
{
	if (s->magic != MAGIC && is_zero(s))
		return may_be & BLOCK_MAY_BE_ZERO ? BLOCK_GOOD : BLOCK_BLANK;
	if (s->magic != MAGIC || s->crc != sum(s))
		return BLOCK_CORRUPT;
	if (s->stamp.nonce != want->nonce)
		return BLOCK_FOREIGN;
	if (s->stamp.addr != want->addr)
		return BLOCK_MISPLACED;
	return s->stamp.generation == want->generation && may_be & BLOCK_MAY_BE_STAMPED
		       ? BLOCK_GOOD
		       : BLOCK_STALE;
}

enum block_fault block_stamp_check(const void *buf, uint32_t len, const struct block_stamp *s,
				   unsigned may_be, uint32_t *ret_at)
{
	struct block_stamp want = *s;

	for (uint32_t at = 0; at < len; at += BLOCK_SECTOR) {
		const struct sector *sector = (const void *)((const char *)buf + at);
		enum block_fault fault;

		want.addr = s->addr + at;
		fault = check(sector, &want, may_be);
		if (fault != BLOCK_GOOD) {
			*ret_at = at;
			return fault;
		}
	}
	return BLOCK_GOOD;
}

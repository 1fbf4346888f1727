/* SPDX-License-Identifier: MIT */
/*
 * What verified blocks are made of: every sector says which run wrote it, where it belongs and the
 * how many-th content of its block it is. The rest of the sector is derived from that, and a CRC32C
 * covers all of it, so that every byte is checked and a wrong sector tells what happened to it.
 */
#pragma once

#include <stdint.h>

#define BLOCK_SECTOR 512

struct block_stamp {
	uint64_t nonce;	     /* of the run */
	uint64_t addr;	     /* of the sector: byte offset on the device */
	uint64_t generation; /* of its block: 1, 2, ... */
};

/* What a sector may hold. */
enum { BLOCK_MAY_BE_STAMPED = 1, BLOCK_MAY_BE_ZERO = 2 };

enum block_fault {
	BLOCK_GOOD,
	BLOCK_BLANK,	 /* zeroes where there should be a stamp */
	BLOCK_STALE,	 /* another generation of this block: a write was lost */
	BLOCK_MISPLACED, /* a good sector of another place */
	BLOCK_FOREIGN,	 /* a good sector that another run wrote */
	BLOCK_CORRUPT,	 /* anything else */
	BLOCK_FAULTS
};

extern const char *const block_fault_names[BLOCK_FAULTS];

/* Fills `len` bytes (whole sectors) that belong at s->addr. */
void block_stamp_fill(void *buf, uint32_t len, const struct block_stamp *s);
/* Spoils a buffer that a read will fill, so that what it held before cannot pass for the answer. */
void block_stamp_spoil(void *buf, uint32_t len);
/* Checks `len` bytes that were read at s->addr. *ret_at: where in it the first bad sector starts.
 */
enum block_fault block_stamp_check(const void *buf, uint32_t len, const struct block_stamp *s,
				   unsigned may_be, uint32_t *ret_at);

/* SPDX-License-Identifier: MIT */
/*
 * What a lane's part of the device must hold. In a verified run every lane has a part of its own
 * and knows the content of each block in it, since no two operations on a block are in flight when
 * one of them changes it. Belongs to its lane; the oracle reads it when the lanes are done.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "harness/util/err.h"
#include "harness/world/block.h"
#include "workloads/block_stamp.h"

struct block_entry {
	uint32_t generation; /* of the last write that was issued; 0: none */
	uint16_t busy;	     /* reads in flight, or UINT16_MAX: one that changes it */
	uint8_t may_be;	     /* BLOCK_MAY_BE_* */
};

struct block_ledger {
	uint64_t nonce;
	uint64_t first; /* number of the part's first block on the device */
	uint64_t n;
	uint32_t block_bytes;
	struct block_entry *entry; /* [n] */
};

/* What was compared and what was wrong, and the first fault in words ("" = none). */
struct block_faults {
	uint64_t compared; /* blocks */
	uint64_t count[BLOCK_FAULTS];
	struct err first;
};

/* Entries of blocks that hold nothing known: block_ledger_fill comes first. -ENOMEM. */
int block_ledger_init(struct block_ledger *l, uint64_t nonce, uint64_t first, uint64_t n,
		      uint32_t block_bytes);
void block_ledger_free(struct block_ledger *l);

/* The first block at or after `block` (0 .. n - 1, around the end) on which an operation of this
 * kind may start. There must be one: n is more than what can be in flight. */
uint64_t block_ledger_find(const struct block_ledger *l, uint64_t block, enum block_kind kind);
/* An operation on the block starts: a write's data is made, a read's buffer is spoilt. */
void block_ledger_begin(struct block_ledger *l, uint64_t block, enum block_kind kind, void *data);
/* It has completed well: a read's data is checked. */
void block_ledger_end(struct block_ledger *l, uint64_t block, enum block_kind kind,
		      const void *data, struct block_faults *faults);

/* Makes the first content of a block, before any operation. */
void block_ledger_fill(struct block_ledger *l, uint64_t block, void *data);
/* Compares what was read of a block with what it must be. */
void block_ledger_check(const struct block_ledger *l, uint64_t block, const void *data,
			struct block_faults *faults);

void block_faults_add(struct block_faults *to, const struct block_faults *from);
/* Sum over all faults. */
uint64_t block_faults_total(const struct block_faults *f);

// SPDX-License-Identifier: MIT
/*
 * A lane publishes a floor below its place before it takes the place, and looks at the floors of
 * the others only when it has used up what it knew to be over: about once in a lap.
 *
 * Sound because of one order (all of it seq_cst): publish, then take, on one side; read the
 * position, then the floors, on the other. A claim that the reader's scan misses is published after
 * it, so it takes a place behind the position that was read. The lane with the lowest place waits
 * for nobody: no deadlock.
 */
#include "targets/wal/wal_claim.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "harness/util/cleanup.h"

#define LINE	 16u /* entries on the cache lines that a lane keeps to itself */
#define NO_CLAIM UINT64_MAX

int wal_claims_init(struct wal_claims *c, uint32_t lanes, uint32_t partitions)
{
	uint32_t stride = (partitions + LINE - 1) / LINE * LINE;
	size_t n = (size_t)lanes * stride;

	*c = (struct wal_claims){.lanes = lanes, .stride = stride};
	c->floors = aligned_alloc(LINE * sizeof(*c->floors), n * sizeof(*c->floors));
	c->safe = aligned_alloc(LINE * sizeof(*c->safe), n * sizeof(*c->safe));
	if (!c->floors || !c->safe)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		atomic_init(&c->floors[i], NO_CLAIM);
		c->safe[i] = 0;
	}
	return 0;
}

void wal_claims_free(struct wal_claims *c)
{
	free((void *)c->floors);
	free(c->safe);
	*c = (struct wal_claims){0};
}

/* No write of another lane is open, or will be, below this. */
static uint64_t oldest(struct wal_claims *c, uint32_t lane, struct wal_log *log, uint32_t partition)
{
	uint64_t low = atomic_load(&log->lsn);

	for (uint32_t i = 0; i < c->lanes; i++)
		if (i != lane)
			low = min_of(low, atomic_load(&c->floors[i * c->stride + partition]));
	return low;
}

uint64_t wal_claim(struct wal_claims *c, uint32_t lane, struct wal_log *log, uint32_t partition,
		   uint64_t bytes)
{
	_Atomic uint64_t *floor = &c->floors[lane * c->stride + partition];
	uint64_t *safe = &c->safe[lane * c->stride + partition];
	uint64_t lsn;

	atomic_store(floor, atomic_load(&log->lsn));
	lsn = atomic_fetch_add(&log->lsn, bytes);
	atomic_store(floor, lsn);
	while (lsn + bytes > *safe + log->ring_bytes) {
		*safe = oldest(c, lane, log, partition);
		if (lsn + bytes > *safe + log->ring_bytes)
			sched_yield();
	}
	return lsn % log->ring_bytes;
}

void wal_claim_end(struct wal_claims *c, uint32_t lane, uint32_t partition)
{
	atomic_store(&c->floors[lane * c->stride + partition], NO_CLAIM);
}

/* SPDX-License-Identifier: MIT */
/*
 * Places in a ring for lanes that write each by itself. A lane that is held up between taking its
 * place and writing there could otherwise be lapped by the others, and would then overwrite a newer
 * record that is acknowledged already.
 *
 * Rule: nobody writes at LSN l before every write below l + bytes - ring is over.
 */
#pragma once

#include "targets/wal/wal_log.h"

struct wal_claims {
	_Atomic uint64_t *floors; /* [lanes][stride], by partition: no open write lies below */
	uint64_t *safe;		  /* likewise, each lane's own: what it last saw to be over */
	uint32_t lanes, stride;
};

int wal_claims_init(struct wal_claims *c, uint32_t lanes, uint32_t partitions);
void wal_claims_free(struct wal_claims *c); /* safe on a zeroed one */
/* Reserves `bytes` of a partition and returns their offset in the file, when it is free: waits for
 * a lane that is a whole lap behind. One claim per lane at a time. */
uint64_t wal_claim(struct wal_claims *c, uint32_t lane, struct wal_log *log, uint32_t partition,
		   uint64_t bytes);
/* The write is over, well or not. */
void wal_claim_end(struct wal_claims *c, uint32_t lane, uint32_t partition);

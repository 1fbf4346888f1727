/* SPDX-License-Identifier: MIT */
/* A request as the driver describes it, and what is told of it when it is done. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "targets/block/block_stages.h"
#include "targets/ublk/ublk_io_abi.h"

#define UBLK_SECTOR_SHIFT 9

struct ublk_request {
	uint64_t offset;
	uint32_t bytes;
	uint8_t op; /* UBLK_IO_OP_*; what is unknown becomes WRITE_SAME, which nobody sends */
};

/*
 * False when it is none that a device of `size` bytes could serve: an unknown operation, or bytes
 * beyond its end. The driver sends no such thing, but what it sends must never make us touch memory
 * that is not the device's.
 */
static inline bool ublk_request_read(struct ublk_request *r, const struct ublksrv_io_desc *d,
				     uint64_t size)
{
	uint64_t bytes = (uint64_t)d->nr_sectors << UBLK_SECTOR_SHIFT;
	unsigned op = ublk_desc_op(d);

	r->op = op <= UBLK_IO_OP_WRITE_ZEROES ? (uint8_t)op : UBLK_IO_OP_WRITE_SAME;
	r->offset = d->start_sector << UBLK_SECTOR_SHIFT;
	r->bytes = (uint32_t)bytes;
	if (r->op == UBLK_IO_OP_WRITE_SAME)
		return false;
	if (r->op == UBLK_IO_OP_FLUSH)
		return true;
	return bytes <= UINT32_MAX && r->offset < size && bytes <= size - r->offset;
}

/* What the kernel merged of several operations of `each` bytes is told once for each of them. */
static inline void ublk_request_tell(const struct ublk_request *r, struct block_stages *stages,
				     struct block_stage times, uint32_t each)
{
	uint32_t done = 0;

	do {
		times.addr = r->offset + done;
		block_stages_put(stages, &times);
		done += each;
	} while (r->op <= UBLK_IO_OP_WRITE && done < r->bytes);
}

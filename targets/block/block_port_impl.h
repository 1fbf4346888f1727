/* SPDX-License-Identifier: MIT */
/* The port's own state, shared by its two halves: block_port.c (the run), block_lane.c (a lane). */
#pragma once

#include <liburing.h>

#include "harness/hist.h"
#include "targets/block/block_device.h"
#include "targets/block/block_port.h"
#include "targets/block/block_stages.h"

enum block_stage_name {
	STAGE_SUBMIT,
	STAGE_WAIT,
	STAGE_HANDLE,
	STAGE_COMMIT,
	STAGE_COMPLETE,
	STAGE_COUNT
};

/* What the joined operations of a lane came to, inside the window. */
struct block_joined {
	struct hist stage[STAGE_COUNT];
	uint64_t joined, missed;
};

/* Outlives the lane, for the report. */
struct block_port_lane {
	_Alignas(64) struct io_uring ring;
	int fd;
	bool open; /* the ring is there */
	bool fixed_buffers, poll;
	int file;	    /* what stands in an sqe: the descriptor, or 0 and ... */
	unsigned sqe_flags; /* ... IOSQE_FIXED_FILE */
	unsigned pending;   /* sqes that the kernel has not seen */
	uint64_t enters, ops;
	struct block_joined *joined; /* NULL: no table */
};

struct block_port {
	const struct block_port_config *config;
	const struct block_stages *stages; /* NULL: none was joined */
	struct block_limits limits;
	int fd; /* keeps the device while the run lasts */
	unsigned n_lanes;
	struct block_port_lane *lane; /* [n_lanes] */
};

/* Discards by io_uring_cmd on a block device: include/uapi/linux/blkdev.h (Linux 6.12). */
#define BLOCK_URING_CMD_DISCARD_NR _IO(0x12, 0)

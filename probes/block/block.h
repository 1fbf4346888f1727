/* SPDX-License-Identifier: MIT */
/* What the programs of `block` and its C side share. */
#pragma once

#include <stdint.h>

#include "probes/abi.h"

#define BLOCK_DEVICES 8
#define BLOCK_ROWS    24   /* of device, operation and by whom: 440 KiB per CPU */
#define BLOCK_SETS    2048 /* in flight, by their key: sets of ... */
#define BLOCK_WAYS    4

enum { BLOCK_ISSUE, BLOCK_COMPLETE, BLOCK_REQUEUE /* plain only */ };

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_OTHER, BLOCK_OPS };
enum block_by { BLOCK_WATCHED, BLOCK_OTHERS, BLOCK_BYS };

#define BLOCK_KEYS (BLOCK_DEVICES * BLOCK_OPS * BLOCK_BYS)

struct block_inflight {
	uint64_t key; /* 0: free */
	uint64_t issued_ns;
	uint32_t bytes, left;
	uint32_t dev; /* major << 20 | minor, as the kernel has it */
	uint16_t op, by;
};

struct block_set {
	struct block_inflight ways[BLOCK_WAYS];
};

struct block_row {
	struct bpf_hist hist;
	uint64_t bytes, failed;
};

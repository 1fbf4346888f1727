// SPDX-License-Identifier: MIT
/* The names of the operations on a block device, for the workload, its targets and reports. */
#include "harness/world/block.h"

#include <stddef.h>

const char *const block_kind_names[] = {
	[BLOCK_READ] = "read",
	[BLOCK_WRITE] = "write",
	[BLOCK_FLUSH] = "flush",
	[BLOCK_DISCARD] = "discard",
	[BLOCK_WRITE_ZEROES] = "write_zeroes",
	[BLOCK_KINDS] = NULL,
};

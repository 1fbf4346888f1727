/* SPDX-License-Identifier: MIT */
/*
 * Before and after a verified run: every block of a lane's part is written once, and read back at
 * the end. Both go through the device as everybody sees it, with O_DIRECT, and not through the
 * target's port.
 */
#pragma once

#include "workloads/block_ledger.h"

int block_sweep_fill(const char *device, struct block_ledger *l, struct err *err);
/* Adds to *faults; an error is about reading, not about what was read. */
int block_sweep_check(const char *device, const struct block_ledger *l, struct block_faults *faults,
		      struct err *err);

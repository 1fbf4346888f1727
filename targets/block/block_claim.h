/* SPDX-License-Identifier: MIT */
/*
 * May a block device be overwritten? Asked before any run that changes a device which is not the
 * run's own.
 */
#pragma once

#include <stdbool.h>

#include "harness/util/err.h"

/*
 * Opens the device exclusively (open(2), O_EXCL): while it is open nobody can mount it or use it as
 * swap, nor put a volume or RAID on it. Returns the descriptor, or -errno with the reason in `err`:
 * it is no block device or not writable, it is mounted, swap, or held, or one of its partitions is;
 * unless `destroy`, also when it has partitions or a signature (blkid(8)). What is in use is
 * refused in any case: it has to be freed first.
 */
int block_claim(const char *path, bool destroy, struct err *err);

/* SPDX-License-Identifier: MIT */
/* Rows of a table that are given to keys when these are first seen, so that only those cost memory
 * on every CPU. */
#pragma once

#include "probes/vmlinux.h"

#include <bpf/bpf_helpers.h>

/* The row of a key whose number stands in `at`; 0 when all `n` are given away. Row 0 is nobody's.
 * Two CPUs that see a key first at the same time waste a row. */
static __always_inline u32 row_number(u32 *at, u32 *used, u32 n)
{
	u32 row = *at, before;

	if (row)
		return row;
	if (*used >= n - 1)
		return 0;
	row = __sync_fetch_and_add(used, 1) + 1;
	before = __sync_val_compare_and_swap(at, 0, row);
	return before ? before : row;
}

/* SPDX-License-Identifier: MIT */
/*
 * The page by which whoever drives a load says when it is measured, to programs in the kernel that
 * watch it. Times are CLOCK_MONOTONIC nanoseconds; all 0: not known yet, nothing is counted.
 * Written in this order: start_ns, end_ns, then begin_ns with release semantics.
 */
#pragma once

#include <stdint.h>

/* end_ns of a window that is open until somebody closes it. */
#define PROBE_WINDOW_OPEN ((uint64_t)1 << 62)

struct probe_window {
	uint64_t start_ns; /* the load starts: warm-up */
	uint64_t begin_ns, end_ns;
};

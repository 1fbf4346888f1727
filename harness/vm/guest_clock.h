/* SPDX-License-Identifier: MIT */
/*
 * Does the guest's clock go as ours does? Emulated timers of a busy host come late, and a kernel
 * that measures its counter by them gets a clock that is wrong by any factor, with all that is
 * measured by it.
 *
 * A mark is a reading of the guest's clock, of which we know that it was taken between two moments
 * of ours. Two marks bound the rate from both sides, however late their messages came.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define GUEST_CLOCK_MIN_NS   2000000000ull /* between two marks that can be compared */
#define GUEST_CLOCK_OFF_PART 20		   /* an error of more than 1/20 is wrong */

struct guest_clock_mark {
	uint64_t guest_ns;
	uint64_t from_ns, until_ns; /* ours */
};

/* False: it is certainly wrong, and *rate is by how much, at least: 2 is twice as fast. */
bool guest_clock_agrees(const struct guest_clock_mark *a, const struct guest_clock_mark *b,
			double *rate);

/* What the processor's time stamp counter does in a second, in kHz, for the kernel of a guest that
 * is emulated; 0 where it has none that can be told. */
unsigned guest_clock_tsc_khz(void);

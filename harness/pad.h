/* SPDX-License-Identifier: MIT */
/*
 * A busy pad: a loop of a known number of iterations that stands for work. It is calibrated once,
 * by the parent, and handed to the children as iterations per nanosecond, because a pad that each
 * child calibrates for itself varies by a third from run to run.
 */
#pragma once

#include <stdint.h>

double pad_calibrate(void); /* iterations per nanosecond: best of several short trials */

static inline void pad_spin(uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++)
		__asm__ volatile("" ::: "memory");
}

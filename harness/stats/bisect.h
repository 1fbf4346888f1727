/* SPDX-License-Identifier: MIT */
/* Search in the doubles themselves: exact, and at most 64 steps whatever their size. */
#pragma once

#include <stdbool.h>

/* The least double x in [low, high] at which reached(x, ctx); it is taken to be monotone, and true
 * at `high`. Never -0. NAN unless low <= high. */
double bisect_least(double low, double high, bool (*reached)(double x, const void *ctx),
		    const void *ctx);

// SPDX-License-Identifier: MIT
/*
 * Bisection over doubles. Read as integers of sign and magnitude, doubles are in order, so that
 * halving the distance of the integers needs one step for each bit and ends at two neighbours:
 * there is no tolerance to choose, and the result is the double where the answer changes.
 */
#include "harness/stats/bisect.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Both zeros are 0; negative ones are minus the key of their magnitude. */
static int64_t key_of(double x)
{
	double magnitude = fabs(x);
	int64_t key;

	memcpy(&key, &magnitude, sizeof(key));
	return x < 0 ? -key : key;
}

static double double_of(int64_t key)
{
	int64_t magnitude = key < 0 ? -key : key;
	double x;

	memcpy(&x, &magnitude, sizeof(x));
	return key < 0 ? -x : x;
}

/* Rounded down, without overflow. */
static int64_t between(int64_t low, int64_t high)
{
	return (low >> 1) + (high >> 1) + (low & high & 1);
}

double bisect_least(double low, double high, bool (*reached)(double x, const void *ctx),
		    const void *ctx)
{
	int64_t from, to;

	if (!(low <= high))
		return NAN;
	from = key_of(low);
	to = key_of(high);
	while (from < to) {
		int64_t middle = between(from, to);

		if (reached(double_of(middle), ctx))
			to = middle;
		else
			from = middle + 1;
	}
	return double_of(to);
}

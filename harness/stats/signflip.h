/* SPDX-License-Identifier: MIT */
/*
 * Clipped sign-flip test of paired differences: is their centre above a margin? Each difference has
 * the score  max(1, round(8 * min(1, |d| / median |d|)))  and the sign of d; the statistic is the
 * sum of the scores of positive ones. Where the order within each pair was drawn by a fair coin,
 * every assignment of signs is as likely as any other under the null hypothesis, whatever drift and
 * tails the noise has: the tail is counted over all 2^n of them by dynamic programming over sums.
 * Differences of exactly 0 have no sign and are dropped.
 */
#pragma once

#include <stddef.h>

#define SIGNFLIP_LEVELS 8
#define SIGNFLIP_MAX	1000 /* differences: what is left of 2^-n is still a normal double */

struct signflip {
	size_t n;	   /* that are not 0 */
	unsigned sum, max; /* the statistic, and the sum of all scores */
	double p_greater;  /* P(statistic >= sum): small when d is above 0 */
	double p_less;	   /* P(statistic <= sum) */
	double p_two;	   /* min(1, 2 * the smaller one) */
	double p_equal; /* P(statistic == sum): p_greater - u * p_equal is uniform, u in [0, 1) */
};

/* Of d[i] - shift. -E2BIG above SIGNFLIP_MAX, -EINVAL for one that is not finite; with no
 * difference but 0 all p are 1. Exchanging signs exchanges the tails to the last bit. */
int signflip_test(const double *d, size_t n, double shift, struct signflip *ret);

/* The smallest p_greater that n differences can have: 2^-n. */
double signflip_smallest_p(size_t n);

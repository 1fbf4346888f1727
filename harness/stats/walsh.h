/* SPDX-License-Identifier: MIT */
/*
 * Hodges-Lehmann estimate of the centre of symmetric differences, and its interval: the median of
 * the Walsh averages (d[i] + d[j]) / 2, i <= j, and those that the exact distribution of Wilcoxon's
 * signed-rank statistic cuts off at each end (Hollander & Wolfe, Nonparametric Statistical
 * Methods, 3.2 and 3.3). Exact up to WALSH_EXACT differences, the normal approximation with
 * continuity correction above.
 */
#pragma once

#include <stddef.h>

#define WALSH_EXACT 100
#define WALSH_MAX   1000

struct walsh {
	double estimate;
	double low, high; /* -INFINITY, INFINITY where n is too small for the level */
	double level;	  /* that it has: at least what was asked for; 1 when it is infinite */
};

/* `level` in (0, 1), e.g. 0.90. NAN for n = 0. -E2BIG above WALSH_MAX; -EINVAL for another level,
 * and for a difference that is not finite. */
int walsh_estimate(const double *d, size_t n, double level, struct walsh *ret);

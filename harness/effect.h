/* SPDX-License-Identifier: MIT */
/*
 * By how much head is worse than base in one pair of runs: worse is positive, whatever direction of
 * the metric is better. On d's scale, on which pairs are averaged and tested; people are told the
 * fraction.
 *
 *   time   d = log(head / base), or log(base / head) where higher is better. The fraction is
 *          exp(d) - 1: 0.05 where an operation takes 5 % longer.
 *   count  d = (head - base) / max(min(base, head), floor): counts may be 0. The fraction is d
 *          where that is positive, and d / (1 - d) where not: 0.1 less than the base is -0.1.
 *
 * Both are such that a swap of the two mirrors d exactly. The test needs that: were a count divided
 * by the base, then in noise alone the rises would be larger than the falls (of counts that vary by
 * 20 % the centre is 2 % high), and a tail of 1 % would be 4 % where they vary by 80 %.
 */
#pragma once

#include <stdbool.h>

#include "harness/metric.h"

#define EFFECT_TARGET  0.05 /* what a gate looks for unless told otherwise, as a fraction */
#define EFFECT_MATTERS 0.025

struct effect {
	enum better better;
	bool count;
	double floor; /* of a count: the denominator's least, above 0 */
};

/* NAN where the two have none: a value that is not finite; of a time, one that is not above 0. */
double effect_of(const struct effect *e, double base, double head);
/* Of the values of two runs, base's and head's, that completed so many operations. One that
 * completed nothing did less than one operation: its rate counts as that of half of one, so that
 * what has come to a standstill is worse by far, and not unknown. */
double effect_of_runs(const struct effect *e, const double value[2], const double operations[2]);
double effect_fraction(const struct effect *e, double d);
/* The other way: of a target of 5 %. */
double effect_from_fraction(const struct effect *e, double fraction);

/* What a metric is judged by, in every gate. */
struct effect_limits {
	double target, matters; /* fractions */
	double floor;		/* of struct effect */
	double operations;	/* of a run, below which the metric means nothing */
};

/* `target` and `matters`: of what is no tail. A tail is made by few operations, and gets limits of
 * its own unless these are wider. */
struct effect_limits effect_limits(const struct metric *m, bool count, double target,
				   double matters);

/* SPDX-License-Identifier: MIT */
/*
 * By how much head is worse than base in one pair of runs: worse is positive, whatever direction of
 * the metric is better. On d's scale, on which pairs are averaged and tested; people are told the
 * fraction.
 *
 *   time    d = log(head / base), or log(base / head) where higher is better: what a swap of the
 *           two mirrors exactly. The fraction is exp(d) - 1: 0.05 where an operation takes 5 %
 * longer. count   d = (head - base) / max(base, floor): counts may be 0. The fraction is d.
 */
#pragma once

#include <stdbool.h>

#include "harness/metric.h"

struct effect {
	enum better better;
	bool count;
	double floor; /* of a count: the denominator's least, above 0 */
};

/* NAN where the two have none: a value that is not finite; of a time, one that is not above 0. */
double effect_of(const struct effect *e, double base, double head);
double effect_fraction(const struct effect *e, double d);
/* The other way: of a target of 5 %. */
double effect_from_fraction(const struct effect *e, double fraction);

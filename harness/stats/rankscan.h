/* SPDX-License-Identifier: MIT */
/*
 * Where a series of values changes its level: a rank scan with binary segmentation.
 *
 *   TEST    Values become normal scores of their ranks (van der Waerden). For every split that
 *	     leaves RANKSCAN_SEGMENT values on both sides, the sum of the scores on the left is
 *	     divided by its deviation over all orders of the values; the statistic is the largest of
 *	     these. Its distribution under "any order is as likely as any other" depends on n alone:
 *	     critical values for RANKSCAN_ALPHA were simulated (rankscan_gen.c).
 *   PLACE   Of the splits that are beyond the critical value, the one with the smallest sum of
 *	     absolute distances from the medians of its two sides. Ranks say whether, values say
 *	     where: they know how far apart two neighbours are.
 *   AGAIN   in both halves, as long as a part has RANKSCAN_MIN values: fewer cannot be improbable
 *	     enough. Then every place is looked for anew between its neighbours, and steps below
 *	     `least` are dropped, the smallest first.
 *
 * The test supposes that values without a step are independent of each other. Where what is left
 * after the steps is correlated (a machine that drifts), steps are found that are none, and the
 * result says so: RANKSCAN_CORRELATED. Binary segmentation sees a level that was left and came back
 * (up, and down again soon after) only when it lasted long enough to show in one split.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define RANKSCAN_ALPHA	    0.004
#define RANKSCAN_MIN	    12 /* the smallest n of which some order is rarer than alpha */
#define RANKSCAN_MAX	    4096
#define RANKSCAN_SEGMENT    3
#define RANKSCAN_LEAST	    0.02
#define RANKSCAN_CORRELATED 0.3

struct rankscan_step {
	size_t at;	      /* index of the first value of the new level */
	double before, after; /* medians of the levels on both sides */
	double step;	      /* (after - before) / |before|; INFINITY where before is 0 */
};

struct rankscan {
	struct rankscan_step *steps; /* in the order of the values */
	size_t n_steps;
	double level;		/* median of the last level */
	double autocorrelation; /* of lag 1, of the values around their levels; NAN: unknown */
	bool unreliable;	/* it is above RANKSCAN_CORRELATED */
};

/* Fewer than RANKSCAN_MIN values have no steps. -E2BIG above RANKSCAN_MAX, -EINVAL for n = 0 or a
 * value that is not finite, -ENOMEM. */
int rankscan(const double *v, size_t n, double least, struct rankscan *ret);
void rankscan_free(struct rankscan *r);

/* The parts that the generator of the table is made of. */

/* The scores of n values without ties, ascending. */
void rankscan_scores(size_t n, double *scores);
/* `scores` in the order of the values. 0 where all are equal. */
double rankscan_statistic(const double *scores, size_t n);
/* What the statistic exceeds by chance with probability alpha at most; INFINITY below
 * RANKSCAN_MIN. */
double rankscan_critical(size_t n);

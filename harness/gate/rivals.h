/* SPDX-License-Identifier: MIT */
/*
 * The usual ways to find out whether something has become slower, in the worlds of simulate.h:
 *
 *   single   one run of each cell, against one that was stored in an older session: slower by more
 *            than 10 % is a regression
 *   blocks   11 runs of each cell with base, then 11 of each with head: Mann-Whitney, one-sided,
 *            exact
 *   stored   11 runs of each cell with head, against 11 with base of an older session: Welch's t
 *
 * The two tests get what helps them: Holm over the cells at the gate's alpha, and nothing counts
 * that is below the smallest effect that matters. The runs of a cell come one after the other.
 */
#pragma once

#include "harness/gate/simulate.h"

#define RIVAL_RUNS  11
#define RIVAL_LIMIT 0.10

enum rival { RIVAL_SINGLE, RIVAL_BLOCKS, RIVAL_STORED, RIVALS };

/* What a cell is not called slower is "unchanged". -ENOMEM. */
int rival_gate(enum rival rival, const struct sim_world *w, uint64_t seed, struct sim_outcome *ret);

/* tail[s]: P(rank sum of RIVAL_RUNS values among twice as many >= s) where every order is as likely
 * as any other. Exact without ties. */
#define RIVAL_SUM_MAX (RIVAL_RUNS * (3 * RIVAL_RUNS + 1) / 2)
struct rival_ranksum {
	double tail[RIVAL_SUM_MAX + 1];
};
void rival_ranksum_tails(struct rival_ranksum *ret);

/* SPDX-License-Identifier: MIT */
/*
 * A whole gate, simulated: rounds in time's order, cells in random order in each, one adjacent pair
 * of every cell that wants one, the order in the pair by a coin. The verdicts are gate.h's own.
 * Nothing but (world, seed) decides what comes out.
 *
 * Pairs are never discarded here: what discards cost is pairs, and they cannot know the sides.
 */
#pragma once

#include <stdint.h>

#include "harness/gate/gate.h"
#include "harness/gate/noise.h"

/* What is judged, and where. Fractions: 0.05 is 5 % slower, -0.05 faster. */
struct sim_world {
	const struct noise_class *noise;
	size_t cells;
	size_t changed;	   /* of them, whose head differs from its base ... */
	double effect;	   /* ... by this much */
	double everywhere; /* by which every other cell's head differs, as a rebuild does */
	double second;	   /* by which whichever of a pair runs second is slower */
	bool fixed_order;  /* base first, always: what the coin is for */
	bool improvements; /* are confirmed, too */
	size_t sessions;   /* of a baseline; 0: base and head in pairs */
	size_t repeats;	   /* runs of a cell in each of them */
};

/* What every cell is judged by, and the gate's parameters in a world. */
extern const struct gate_series sim_series;
struct gate_params sim_params(const struct sim_world *w);

/* log(head / base) of a cell: the first `changed` ones are the changed ones. */
double sim_truth(const struct sim_world *w, size_t cell);

/* Of one design's one gate. Changed cells, and the innocent ones, counted by verdict. */
struct sim_outcome {
	unsigned changed[GATE_INCONCLUSIVE + 1], innocent[GATE_INCONCLUSIVE + 1];
	unsigned pairs;	      /* in all, the control's included */
	unsigned covered90;   /* cells whose interval holds the truth: the gate's own, ... */
	unsigned covered95;   /* ... and one of 95 % of the same pairs */
	unsigned without_mde; /* inconclusive, and no word on what could have been seen */
	double mde;	      /* median of the cells' */
	bool contaminated;    /* says the A/A control: there would be no verdict */
};

/* -ENOMEM, -EINVAL of gate_new. */
int simulate_gate(const struct sim_world *w, uint64_t seed, struct sim_outcome *ret,
		  struct err *err);

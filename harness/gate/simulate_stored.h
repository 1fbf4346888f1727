/* SPDX-License-Identifier: MIT */
/*
 * The stored gate, simulated: sessions of another day each, in which the runs of all cells come in
 * random order, and one more that is judged by predict.h at the gate's alpha. A cell's value is the
 * median of its runs. Effects are those of the world; the verdicts are predict_verdict's.
 */
#pragma once

#include "harness/gate/simulate.h"

/* w->sessions of the base, of w->repeats runs each. -ENOMEM. */
int simulate_stored(const struct sim_world *w, uint64_t seed, struct sim_outcome *ret,
		    struct err *err);

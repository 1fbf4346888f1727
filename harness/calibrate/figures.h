/* SPDX-License-Identifier: MIT */
/* The parts of a calibration: what is asked of one log that was cut into gates. All return JSON of
 * results/README.md, "Calibrations"; NULL: no memory. */
#pragma once

#include <stdint.h>

#include "harness/calibrate/cut.h"

/* A number, or null where it is not finite. */
void figures_add(cJSON *o, const char *key, double value);
/* {hits, of, share, low, high} */
cJSON *figures_share(size_t hits, size_t of);
/* Gates in which at least one metric has the verdict. */
size_t figures_gates_with(const struct cut *c, enum gate_verdict verdict);
/* Randomised p-values of all first stages against the uniform distribution: {n, p}. */
cJSON *figures_uniform(const struct cut *c, uint64_t seed);
/* Signs of the estimates of all first stages: {positive, negative, p}. */
cJSON *figures_symmetry(const struct cut *c);
/* Intervals of the deciding pairs that hold 0: level is an index of cut_sample.covers. */
cJSON *figures_coverage(const struct cut *c, int level);
/* [{cell, label, metric, gates, pairs, estimate, deviation, mde, verdicts..., base}] */
cJSON *figures_series(const struct cut *c);
/* By how much builds of the same text differ: {builds, pairs, differs, margin, from}. */
cJSON *figures_margin(const struct cut *c);
/* Median over the pairs of what base came to; NAN: none. */
double figures_base(const struct cut *c, size_t series);
/* Median, over the series that have one, of the median mde over gates. A fraction. */
double figures_sees(const struct cut *c);

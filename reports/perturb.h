/* SPDX-License-Identifier: MIT */
/*
 * What watching cost: each run with probes against the run of the same repeat without them, so that
 * what drifts over a session falls out. A ratio of 0.97 for throughput reads "with probes 3 %
 * less".
 */
#pragma once

#include "reports/summary.h"

#define PERTURB_BAR 0.05 /* a median further from 1 is called out */

struct perturbation {
	unsigned n; /* pairs; below 1 the rest is not set */
	double median, min, max;
};

struct perturbation perturb(const struct cell_sum *cell, enum figure_kind kind);
/* Further from 1 than the bar, and not only by chance: the range of the pairs leaves 1 out. */
bool perturb_large(const struct perturbation *p);
/* "with probes throughput is 0.91 of that without [0.90 .. 0.93, 5 pairs]: more than 5 % off". */
int perturb_text(const struct perturbation *p, enum figure_kind kind, char *buf, size_t size);
/* Where probes watched a part of the window only: "these are of whole windows: in the watched part,
 * of which the rest tells, throughput is 0.55 [0.52 .. 0.57] of that without". Else 0. */
int perturb_watched_text(const struct cell_sum *cell, char *buf, size_t size);

/* SPDX-License-Identifier: MIT */
/*
 * A machine that disturbs what is measured on it, for simulations. Time goes in slots of one run.
 * The logarithm of a run's time, beside that of an idle machine, is the sum of
 *
 *   drift    AR(1) from slot to slot, correlation NOISE_CORRELATION, of standard deviation `drift`
 *   bursts   a machine that is busy elsewhere for a share of the slots, NOISE_BURST_SLOTS in a row
 *            on average: each of them is slower by U(0, 2 * burst)
 *   run      the run's own noise: Student's t with 3 degrees of freedom, of standard deviation
 * `run` session  one offset for all slots of a session, normal, of standard deviation `session`
 *
 * What the machine does in a slot follows from the seed, the session and the slot's number alone:
 * all designs that are compared meet the same weather, whatever they run in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "harness/util/rng.h"

#define NOISE_CORRELATION 0.98
#define NOISE_BURST_SLOTS 10

struct noise_class {
	const char *name;
	double drift, burst_share, burst, run, session;
};
extern const struct noise_class noise_classes[]; /* quiet, ci, hostile; ended by a NULL name */

const struct noise_class *noise_class_find(const char *name); /* NULL when there is none */

struct noise {
	const struct noise_class *class;
	double session, drift;
	bool burst;
	struct rng weather, own;
};

/* The first slot is the next one. Drift and bursts begin in their stationary distribution. */
void noise_start(struct noise *n, const struct noise_class *class, uint64_t seed, uint64_t session);
/* One run in the next slot. */
double noise_run(struct noise *n);

double noise_normal(struct rng *r);
/* Of standard deviation 1, by the polar method of Bailey, Math. Comp. 62 (1994), 779-781. */
double noise_t3(struct rng *r);

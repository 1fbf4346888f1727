/* SPDX-License-Identifier: MIT */
/*
 * The intended starts of one lane under a rate. Lanes share the rate evenly; fixed spacing staggers
 * them, Poisson draws exponential gaps, so that all lanes together are Poisson again.
 */
#pragma once

#include <stdint.h>

#include "harness/util/rng.h"

struct pace {
	double gap_ns;	/* mean gap between this lane's starts */
	double next_ns; /* relative to base_ns, fraction kept: no drift */
	uint64_t base_ns;
	int poisson;
	struct rng rng;
};

void pace_init(struct pace *p, double rate, unsigned lane, unsigned lanes, int arrival,
	       uint64_t seed);
/* Sets the time from which starts are counted. */
void pace_start(struct pace *p, uint64_t base_ns);

static inline uint64_t pace_next(const struct pace *p)
{
	return p->base_ns + (uint64_t)p->next_ns;
}

void pace_advance(struct pace *p);

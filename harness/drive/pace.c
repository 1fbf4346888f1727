// SPDX-License-Identifier: MIT
/* Intended starts: kept as a sum of gaps in floating point, exact to below a nanosecond for days.
 */
#include "harness/drive/pace.h"

#include <math.h>

#include "harness/cell.h"
#include "harness/util/nsec.h"

static double exponential(struct pace *p)
{
	/* 1 - u lies in (0, 1]: the logarithm is finite. */
	return -log(1 - rng_double(&p->rng)) * p->gap_ns;
}

void pace_init(struct pace *p, double rate, unsigned lane, unsigned lanes, int arrival,
	       uint64_t seed)
{
	p->gap_ns = (double)NSEC_PER_SEC * lanes / rate;
	p->poisson = arrival == ARRIVAL_POISSON;
	p->base_ns = 0;
	rng_seed(&p->rng, seed ^ (0x9e3779b97f4a7c15ull * (lane + 1)));
	p->next_ns = p->poisson ? exponential(p) : p->gap_ns * lane / lanes;
}

void pace_start(struct pace *p, uint64_t base_ns)
{
	p->base_ns = base_ns;
}

void pace_advance(struct pace *p)
{
	p->next_ns += p->poisson ? exponential(p) : p->gap_ns;
}

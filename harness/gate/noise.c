// SPDX-License-Identifier: MIT
/*
 * A machine with noise. Two generators: one for the weather, which draws the same numbers in a slot
 * whatever runs in it, and one for the runs' own noise. Both follow from (seed, session).
 */
#include "harness/gate/noise.h"

#include <math.h>
#include <string.h>

#include "harness/stats/dist.h"

const struct noise_class noise_classes[] = {
	{"quiet", .drift = 0.01, .burst_share = 0.02, .burst = 0.08, .run = 0.01, .session = 0.01},
	{"ci", .drift = 0.03, .burst_share = 0.08, .burst = 0.15, .run = 0.02, .session = 0.03},
	{"hostile", .drift = 0.06, .burst_share = 0.2, .burst = 0.3, .run = 0.04, .session = 0.08},
	{NULL},
};

const struct noise_class *noise_class_find(const char *name)
{
	for (const struct noise_class *c = noise_classes; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

double noise_normal(struct rng *r)
{
	/* Half a step from both ends: never 0 and never 1. */
	return dist_normal_quantile(((double)(rng_next(r) >> 12) + 0.5) * 0x1p-52);
}

double noise_t3(struct rng *r)
{
	const double df = 3;
	double u, v, w;

	do {
		u = 2 * rng_double(r) - 1;
		v = 2 * rng_double(r) - 1;
		w = u * u + v * v;
	} while (w > 1 || w == 0);
	/* The variance of t is df / (df - 2). */
	return u * sqrt((df - 2) * (pow(w, -2 / df) - 1) / w);
}

void noise_start(struct noise *n, const struct noise_class *class, uint64_t seed, uint64_t session)
{
	uint64_t state = seed, spread = rng_splitmix(&state) ^ session;

	*n = (struct noise){.class = class};
	rng_seed(&n->weather, rng_splitmix(&spread));
	rng_seed(&n->own, rng_splitmix(&spread));
	n->session = class->session * noise_normal(&n->weather);
	n->drift = class->drift * noise_normal(&n->weather);
	n->burst = rng_double(&n->weather) < class->burst_share;
}

/* A Markov chain whose busy state lasts NOISE_BURST_SLOTS on average and has its share of slots. */
static void move_on(struct noise *n)
{
	const struct noise_class *c = n->class;
	double leave = 1.0 / NOISE_BURST_SLOTS;
	double enter = leave * c->burst_share / (1 - c->burst_share);
	double fresh = sqrt(1 - NOISE_CORRELATION * NOISE_CORRELATION) * c->drift;

	n->drift = NOISE_CORRELATION * n->drift + fresh * noise_normal(&n->weather);
	if (rng_double(&n->weather) < (n->burst ? leave : enter))
		n->burst = !n->burst;
}

double noise_run(struct noise *n)
{
	const struct noise_class *c = n->class;
	double busy = 2 * c->burst * rng_double(&n->weather);
	double run = n->session + n->drift + (n->burst ? busy : 0) + c->run * noise_t3(&n->own);

	move_on(n);
	return run;
}

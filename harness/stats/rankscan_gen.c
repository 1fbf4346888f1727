// SPDX-License-Identifier: MIT
/*
 * Writes harness/stats/rankscan_critical.inc: for each n the critical value of rankscan_statistic()
 * at RANKSCAN_ALPHA, the (1 - alpha) quantile of it over random orders of the scores of n values
 * without ties. Every n has a seed of its own, so that a row does not depend on the others. The
 * statistic of few values has few possible values: a row is rounded up in its third decimal, and
 * only what is above it counts, which keeps the test on the safe side of alpha.
 *
 *	ninja -C build harness/stats/rankscan_gen
 *	build/harness/stats/rankscan_gen 1000000 > harness/stats/rankscan_critical.inc
 *
 * Some minutes on one CPU. With 10^6 orders the real level of a row lies within 0.00013 of
 * alpha (two deviations of a binomial share).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/stats/rankscan.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"
#include "harness/util/rng.h"
#include "harness/util/units.h"

#define EVERY_N_UP_TO 64

static void shuffle(struct rng *rng, double *v, size_t n)
{
	for (size_t i = n - 1; i > 0; i--) {
		size_t j = (size_t)rng_below(rng, i + 1);
		double x = v[i];

		v[i] = v[j];
		v[j] = x;
	}
}

static void write_row(size_t n, double *statistics, size_t orders)
{
	double scores[RANKSCAN_MAX];
	struct rng rng;
	size_t beyond = (size_t)floor(RANKSCAN_ALPHA * (double)orders);

	rng_seed(&rng, n);
	rankscan_scores(n, scores);
	for (size_t i = 0; i < orders; i++) {
		shuffle(&rng, scores, n);
		statistics[i] = rankscan_statistic(scores, n);
	}
	order_sort(statistics, orders);
	printf("{%zu, %.3f},\n", n, ceil(statistics[orders - 1 - beyond] * 1000) / 1000);
	fflush(stdout);
}

/* Every n where each one matters, then steps of about a quarter. */
static size_t next_n(size_t n)
{
	return n < EVERY_N_UP_TO ? n + 1 : n + n / 4;
}

int main(int argc, char **argv)
{
	_cleanup_free_ double *statistics = NULL;
	uint64_t orders;

	if (argc != 2 || units_parse_uint(argv[1], &orders) || orders < 1000) {
		fprintf(stderr, "usage: rankscan_gen ORDERS (1000 or more)\n");
		return 2;
	}
	statistics = calloc(orders, sizeof(*statistics));
	if (!statistics) {
		fprintf(stderr, "rankscan_gen: out of memory\n");
		return 3;
	}
	printf("/* SPDX-License-Identifier: MIT */\n/* rankscan_gen %s: n, critical value */\n",
	       argv[1]);
	for (size_t n = RANKSCAN_MIN; n < RANKSCAN_MAX; n = next_n(n))
		write_row(n, statistics, orders);
	write_row(RANKSCAN_MAX, statistics, orders);
	return 0;
}

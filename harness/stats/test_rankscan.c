// SPDX-License-Identifier: MIT
/*
 * The rank scan against what can be counted out by hand, and on simulated series with a fixed seed:
 * how often it sees a step that is there, where, and how often one that is not.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/stats/rankscan.h"
#include "harness/util/cleanup.h"
#include "harness/util/rng.h"

#define POINTS 60
#define SERIES 10000u

static double normal(struct rng *r)
{
	return sqrt(-2 * log(1 - rng_double(r))) * cos(2 * M_PI * rng_double(r));
}

/* Draws orders of the scores anew, with seeds that the table was not made with. */
static double level_of(size_t n, unsigned orders)
{
	double scores[RANKSCAN_MAX];
	unsigned beyond = 0;
	struct rng rng;

	rng_seed(&rng, 1000000 + n);
	rankscan_scores(n, scores);
	for (unsigned i = 0; i < orders; i++) {
		for (size_t k = n - 1; k > 0; k--) {
			size_t j = (size_t)rng_below(&rng, k + 1);
			double x = scores[k];

			scores[k] = scores[j];
			scores[j] = x;
		}
		beyond += rankscan_statistic(scores, n) > rankscan_critical(n);
	}
	return (double)beyond / orders;
}

static void test_level(void **state)
{
	static const struct {
		size_t n;
		double low, high;
	} rows[] = {
		/* 2 of the 924 ways to choose 6 of 12: all low ones first, or all high ones */
		{12, 0.0013, 0.0031}, {13, 0, 0.0051},	    {20, 0.0029, 0.0051},
		{60, 0.0029, 0.0051}, {70, 0.0029, 0.0051}, {1000, 0.0025, 0.0055},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		double level = level_of(rows[i].n, rows[i].n > 100 ? 10000 : 30000);

		if (level < rows[i].low || level > rows[i].high)
			fail_msg("n = %zu: level %.5f", rows[i].n, level);
	}
}

static void test_table_is_smooth(void **state)
{
	(void)state;
	assert_true(isinf(rankscan_critical(RANKSCAN_MIN - 1)));
	for (size_t n = RANKSCAN_MIN; n < RANKSCAN_MAX; n++) {
		double step = rankscan_critical(n + 1) - rankscan_critical(n);

		assert_true(step > -0.03 && step < 0.12);
	}
}

static void test_twelve(void **state)
{
	double v[12] = {100, 101, 99, 100.5, 99.5, 100.2, 106, 105, 107, 105.5, 106.5, 105.2};
	struct rankscan r;

	(void)state;
	assert_int_equal(rankscan(v, 12, RANKSCAN_LEAST, &r), 0);
	assert_int_equal(r.n_steps, 1);
	assert_int_equal(r.steps[0].at, 6);
	assert_float_equal(r.steps[0].before, 100.1, 1e-9);
	assert_float_equal(r.steps[0].after, 105.75, 1e-9);
	assert_float_equal(r.steps[0].step, 5.65 / 100.1, 1e-9);
	assert_float_equal(r.level, 105.75, 1e-9);
	rankscan_free(&r);
	v[5] = 105.8; /* one of the low ones is among the high ones: that is not rare enough */
	assert_int_equal(rankscan(v, 12, RANKSCAN_LEAST, &r), 0);
	assert_int_equal(r.n_steps, 0);
	rankscan_free(&r);
}

static void test_few_and_bad(void **state)
{
	double v[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
	struct rankscan r;

	(void)state;
	assert_int_equal(rankscan(v, 0, 0.02, &r), -EINVAL);
	assert_int_equal(rankscan(v, RANKSCAN_MAX + 1, 0.02, &r), -E2BIG);
	assert_int_equal(rankscan(v, 12, 0.02, &r), 0); /* all equal */
	assert_int_equal(r.n_steps, 0);
	assert_true(isnan(r.autocorrelation));
	assert_false(r.unreliable);
	rankscan_free(&r);
	v[3] = 9;
	assert_int_equal(rankscan(v, 11, 0.02, &r), 0);
	assert_int_equal(r.n_steps, 0);
	rankscan_free(&r);
	v[3] = NAN;
	assert_int_equal(rankscan(v, 12, 0.02, &r), -EINVAL);
}

/* Counts of events: mostly equal, then mostly one more. From 0 any step is infinite. */
static void test_ties_and_zero(void **state)
{
	double v[40];
	struct rankscan r;

	(void)state;
	for (size_t i = 0; i < 40; i++)
		v[i] = i >= 20;
	assert_int_equal(rankscan(v, 40, 0.02, &r), 0);
	assert_int_equal(r.n_steps, 1);
	assert_int_equal(r.steps[0].at, 20);
	assert_true(isinf(r.steps[0].step) && r.steps[0].step > 0);
	rankscan_free(&r);
	for (size_t i = 0; i < 40; i++)
		v[i] = i == 13; /* one that stands out is no level */
	assert_int_equal(rankscan(v, 40, 0.02, &r), 0);
	assert_int_equal(r.n_steps, 0);
	rankscan_free(&r);
}

/* Levels are found in order, at their places, and steps below `least` are none. */
static void test_several(void **state)
{
	static const double levels[] = {100, 108, 100, 101, 90};
	double v[200];
	struct rankscan r;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	for (size_t i = 0; i < 200; i++)
		v[i] = levels[i / 40] * (1 + 0.003 * normal(&rng));
	assert_int_equal(rankscan(v, 200, 0.02, &r), 0);
	assert_int_equal(r.n_steps, 3);
	assert_int_equal(r.steps[0].at, 40);
	assert_int_equal(r.steps[1].at, 80);
	assert_int_equal(r.steps[2].at, 160);
	assert_true(r.steps[0].step > 0.07 && r.steps[1].step < -0.06 && r.steps[2].step < -0.09);
	rankscan_free(&r);
	assert_int_equal(rankscan(v, 200, 0.005, &r), 0);
	assert_int_equal(r.n_steps, 4);
	rankscan_free(&r);
}

/* What a step is does not depend on the unit, and a mirrored series has the same places. */
static void test_scale_and_mirror(void **state)
{
	double v[POINTS], scaled[POINTS], mirrored[POINTS];
	struct rankscan a, b, c;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 11);
	for (size_t i = 0; i < POINTS; i++) {
		v[i] = (i < 33 ? 100 : 106) * (1 + 0.015 * normal(&rng));
		scaled[i] = v[i] * 4096;
		mirrored[POINTS - 1 - i] = v[i];
	}
	assert_int_equal(rankscan(v, POINTS, 0.02, &a), 0);
	assert_int_equal(rankscan(scaled, POINTS, 0.02, &b), 0);
	assert_int_equal(rankscan(mirrored, POINTS, 0.02, &c), 0);
	assert_int_equal(a.n_steps, 1);
	assert_int_equal(b.n_steps, 1);
	assert_int_equal(c.n_steps, 1);
	assert_int_equal(a.steps[0].at, b.steps[0].at);
	assert_float_equal(a.steps[0].step, b.steps[0].step, 1e-12);
	assert_int_equal(a.steps[0].at, POINTS - c.steps[0].at);
	assert_float_equal(a.steps[0].before, c.steps[0].after, 1e-9);
	rankscan_free(&a);
	rankscan_free(&b);
	rankscan_free(&c);
}

/* "Nothing seen yet" is often DBL_MAX: no sum of such values is finite. */
static void test_largest_values(void **state)
{
	double v[40];
	struct rankscan r;

	(void)state;
	for (size_t i = 0; i < 40; i++)
		v[i] = i < 20 ? 100 + (double)(i % 3) : DBL_MAX;
	assert_int_equal(rankscan(v, 40, 0.02, &r), 0);
	assert_int_equal(r.n_steps, 1);
	assert_int_equal(r.steps[0].at, 20);
	assert_float_equal(r.steps[0].before, 101, 1e-9);
	assert_true(r.steps[0].after == DBL_MAX && r.level == DBL_MAX);
	rankscan_free(&r);
	for (size_t i = 0; i < 40; i++)
		v[i] = (i < 20 ? -1 : 1) * DBL_MAX * (1 - 0.001 * (double)(i % 3));
	assert_int_equal(rankscan(v, 40, 0.02, &r), 0);
	assert_int_equal(r.n_steps, 1);
	assert_int_equal(r.steps[0].at, 20);
	assert_float_equal(r.steps[0].step, 2, 1e-9);
	assert_true(isfinite(r.autocorrelation));
	rankscan_free(&r);
}

static size_t found(struct rng *rng, double noise, double correlation, size_t at, double step,
		    bool *hit, bool *unreliable)
{
	double v[POINTS], ar = normal(rng);
	struct rankscan r;
	size_t n;

	for (size_t i = 0; i < POINTS; i++) {
		ar = correlation * ar + sqrt(1 - correlation * correlation) * normal(rng);
		v[i] = exp(noise * ar) * (i >= at ? 1 + step : 1);
	}
	assert_int_equal(rankscan(v, POINTS, RANKSCAN_LEAST, &r), 0);
	n = r.n_steps;
	*hit = false;
	for (size_t i = 0; i < n; i++)
		*hit |= r.steps[i].at + 3 >= at && r.steps[i].at <= at + 3;
	*unreliable = r.unreliable;
	rankscan_free(&r);
	return n;
}

struct counts {
	unsigned wrong, seen, drifting, told;
};

/* Noise from `low` to `high`, a step anywhere but in the first and last 10 points. */
static struct counts simulate(double low, double high)
{
	struct counts c = {0};
	struct rng rng;
	bool hit, unreliable;

	rng_seed(&rng, 5);
	for (unsigned i = 0; i < SERIES; i++) {
		double noise = low + (high - low) * rng_double(&rng);
		double sign = i % 2 ? 1 : -1;
		size_t at = 10 + (size_t)rng_below(&rng, POINTS - 19);

		c.wrong += found(&rng, noise, 0, POINTS, 0, &hit, &unreliable) > 0;
		found(&rng, noise, 0, at, sign * 0.05, &hit, &unreliable);
		c.seen += hit;
		if (found(&rng, noise, 0.9, POINTS, 0, &hit, &unreliable)) {
			c.drifting++;
			c.told += unreliable;
		}
	}
	print_message("%d points, noise %.0f to %.0f %%: steps in %u of %u series that have none; "
		      "of as many steps of 5 %% %.1f %% found within 3 points; steps in %.0f %% of "
		      "series that drift, of which %.0f %% are said to be unreliable\n",
		      POINTS, 100 * low, 100 * high, c.wrong, SERIES, 100.0 * c.seen / SERIES,
		      100.0 * c.drifting / SERIES, 100.0 * c.told / c.drifting);
	return c;
}

/* What it prints is what README says ("Over time"). */
static void test_simulated(void **state)
{
	struct counts steady = simulate(0.01, 0.01), noisy = simulate(0.01, 0.02);

	(void)state;
	assert_int_equal(steady.wrong, 0);
	assert_true(noisy.wrong <= RANKSCAN_ALPHA * SERIES);
	assert_true(steady.seen >= 0.98 * SERIES && noisy.seen >= 0.98 * SERIES);
	assert_true(noisy.drifting > SERIES / 10);	   /* drift looks like steps, */
	assert_true(noisy.told * 10 > noisy.drifting * 9); /* and the result says so */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_table_is_smooth),
		cmocka_unit_test(test_twelve),
		cmocka_unit_test(test_few_and_bad),
		cmocka_unit_test(test_ties_and_zero),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_scale_and_mirror),
		cmocka_unit_test(test_largest_values),
		cmocka_unit_test(test_simulated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

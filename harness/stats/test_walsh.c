// SPDX-License-Identifier: MIT
/*
 * Walsh averages against all of them, sorted, and a signed-rank distribution counted over all 2^n
 * signs; the interval's ranks against Hollander & Wolfe's table A.4; and that it covers.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/stats/dist.h"
#include "harness/stats/walsh.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"
#include "harness/util/rng.h"

#define BRUTE_MAX 14
#define AVERAGES  (BRUTE_MAX * (BRUTE_MAX + 1) / 2)

static size_t all_averages(const double *d, size_t n, double *averages)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = i; j < n; j++)
			averages[count++] = (d[i] + d[j]) / 2;
	order_sort(averages, count);
	return count;
}

/* P(T <= t), over all signs of the ranks. */
static double signed_rank_below(size_t n, size_t t)
{
	unsigned long below = 0;

	for (unsigned long signs = 0; signs < 1ul << n; signs++) {
		size_t sum = 0;

		for (size_t i = 0; i < n; i++)
			sum += signs >> i & 1 ? i + 1 : 0;
		below += sum <= t;
	}
	return ldexp((double)below, -(int)n);
}

static void assert_as_enumerated(const double *d, size_t n, double level)
{
	double averages[AVERAGES], tail = (1 - level) / 2, reached = 0;
	size_t count = all_averages(d, n, averages), cut = 0;
	struct walsh w;

	while (signed_rank_below(n, cut) <= tail)
		reached = signed_rank_below(n, cut++);
	assert_int_equal(walsh_estimate(d, n, level, &w), 0);
	assert_true(w.estimate == order_median(averages, count));
	assert_true(w.low == (cut ? averages[cut - 1] : -INFINITY));
	assert_true(w.high == (cut ? averages[count - cut] : INFINITY));
	assert_true(w.level == 1 - 2 * reached && w.level >= level);
}

static void test_against_all(void **state)
{
	static const double levels[] = {0.5, 0.75, 0.9, 0.95, 0.99};
	double d[BRUTE_MAX];
	struct rng r;

	(void)state;
	rng_seed(&r, 1);
	for (unsigned round = 0; round < 200; round++) {
		size_t n = 1 + rng_below(&r, round % 20 ? 10 : BRUTE_MAX);

		/* sixteenths, so that halves of sums are exact, with ties and of both signs */
		for (size_t i = 0; i < n; i++)
			d[i] = ((double)rng_below(&r, round % 2 ? 8 : 4096) - 3) / 16;
		assert_as_enumerated(d, n, levels[rng_below(&r, array_size(levels))]);
	}
}

/* Of 1, 2, 4, ...: with powers of two every average is another, and which one is kept tells its
 * rank. Table A.4 has P(T >= 45) = 0.042 for n = 10, 0.053 for 44: 90 % needs C = 11. */
static void test_table_ranks(void **state)
{
	static const struct {
		size_t n, cut;
		double level;
	} cases[] = {
		{4, 0, 1},	     {5, 1, 0.9375},	  {6, 3, 1 - 0.094},   {8, 6, 1 - 0.078},
		{10, 11, 1 - 0.084}, {15, 31, 1 - 0.094}, {20, 61, 1 - 0.097},
	};
	double d[20], averages[20 * 21 / 2];
	struct walsh w;

	(void)state;
	for (size_t i = 0; i < array_size(d); i++)
		d[i] = ldexp(1, (int)i);
	for (size_t i = 0; i < array_size(cases); i++) {
		size_t count = all_averages(d, cases[i].n, averages), cut = cases[i].cut;

		assert_int_equal(walsh_estimate(d, cases[i].n, 0.90, &w), 0);
		assert_true(w.low == (cut ? averages[cut - 1] : -INFINITY));
		assert_true(w.high == (cut ? averages[count - cut] : INFINITY));
		assert_true(fabs(w.level - cases[i].level) < 0.0011 /* three digits a side */);
	}
}

static void test_mirror_and_scale(void **state)
{
	double d[84], mirrored[84], scaled[84];
	struct walsh a, b, c;
	struct rng r;

	(void)state;
	rng_seed(&r, 2);
	for (unsigned round = 0; round < 200; round++) {
		size_t n = 1 + rng_below(&r, array_size(d));

		for (size_t i = 0; i < n; i++) {
			d[i] = rng_double(&r) - 0.5;
			mirrored[i] = -d[i];
			scaled[i] = 64 * d[i];
		}
		assert_int_equal(walsh_estimate(d, n, 0.9, &a), 0);
		assert_int_equal(walsh_estimate(mirrored, n, 0.9, &b), 0);
		assert_int_equal(walsh_estimate(scaled, n, 0.9, &c), 0);
		assert_true(a.estimate == -b.estimate && a.low == -b.high && a.high == -b.low);
		assert_true(c.estimate == 64 * a.estimate && c.low == 64 * a.low);
		assert_true(a.low <= a.estimate && a.estimate <= a.high);
	}
}

/* At 100 differences the exact interval and the approximated one of 101 are nearly the same. */
static void test_seam(void **state)
{
	double d[WALSH_MAX];
	struct walsh a, b;

	(void)state;
	for (size_t i = 0; i < array_size(d); i++)
		d[i] = dist_normal_quantile(((double)(i * 37 % 101) + 0.5) / 101);
	assert_int_equal(walsh_estimate(d, WALSH_EXACT, 0.95, &a), 0);
	assert_int_equal(walsh_estimate(d, WALSH_EXACT + 1, 0.95, &b), 0);
	assert_true(fabs(a.high - a.low - (b.high - b.low)) < 0.03);
	assert_true(fabs(a.level - b.level) < 0.001 && b.level >= 0.95);
	assert_int_equal(walsh_estimate(d, WALSH_MAX, 0.95, &b), 0);
	assert_true(b.low < 0 && b.high > 0 && b.high - b.low < 0.2);
}

/* Beyond the exact distribution: ranks that it has for 109 and 113 differences at 90 %, too. */
static void test_normal_ranks(void **state)
{
	static const size_t cases[][2] = {{109, 2453}, {113, 2646}};
	static double averages[113 * 114 / 2];
	double d[113];
	struct walsh w;
	struct rng r;

	(void)state;
	rng_seed(&r, 3);
	for (size_t i = 0; i < array_size(d); i++)
		d[i] = (double)rng_below(&r, 1 << 30) - (1 << 29);
	for (size_t i = 0; i < array_size(cases); i++) {
		size_t count = all_averages(d, cases[i][0], averages), cut = cases[i][1];

		assert_int_equal(walsh_estimate(d, cases[i][0], 0.9, &w), 0);
		assert_true(w.estimate == order_median(averages, count));
		assert_true(w.low == averages[cut - 1] && w.high == averages[count - cut]);
	}
}

/* The share of 4000 intervals that hold the centre, which is the level (4 sigma: 1.8 %). */
static void test_coverage(void **state)
{
	static const size_t sizes[] = {10, 24, 60};
	struct rng r;

	(void)state;
	rng_seed(&r, 4);
	for (size_t k = 0; k < array_size(sizes); k++) {
		unsigned held = 0;
		struct walsh w;

		for (unsigned round = 0; round < 4000; round++) {
			double d[60];

			for (size_t i = 0; i < sizes[k]; i++)
				d[i] = pow(dist_normal_quantile(rng_double(&r)), 3) + 7;
			assert_int_equal(walsh_estimate(d, sizes[k], 0.9, &w), 0);
			held += w.low <= 7 && 7 <= w.high;
		}
		assert_true(fabs(held / 4000.0 - w.level) < 0.019);
	}
}

static void test_refused(void **state)
{
	static double many[WALSH_MAX + 1];
	const double bad[] = {1, NAN}, zeros[] = {0, -0.0, 0}, one = 3;
	struct walsh w;

	(void)state;
	assert_int_equal(walsh_estimate(many, WALSH_MAX + 1, 0.9, &w), -E2BIG);
	assert_int_equal(walsh_estimate(bad, 2, 0.9, &w), -EINVAL);
	assert_int_equal(walsh_estimate(&one, 1, 1, &w), -EINVAL);
	assert_int_equal(walsh_estimate(&one, 1, 0, &w), -EINVAL);
	assert_int_equal(walsh_estimate(&one, 1, NAN, &w), -EINVAL);
	assert_int_equal(walsh_estimate(NULL, 0, 0.9, &w), 0);
	assert_true(isnan(w.estimate) && isnan(w.low) && isnan(w.high));
	assert_int_equal(walsh_estimate(&one, 1, 0.9, &w), 0);
	assert_true(w.estimate == 3 && isinf(w.low) && isinf(w.high) && w.level == 1);
	assert_int_equal(walsh_estimate(zeros, 3, 0.5, &w), 0);
	assert_true(w.estimate == 0 && !signbit(w.estimate));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_all),	 cmocka_unit_test(test_table_ranks),
		cmocka_unit_test(test_mirror_and_scale), cmocka_unit_test(test_seam),
		cmocka_unit_test(test_normal_ranks),	 cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

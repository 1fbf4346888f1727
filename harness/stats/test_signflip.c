// SPDX-License-Identifier: MIT
/*
 * The sign-flip test against all 2^n assignments of signs, counted one by one, for vectors with
 * ties, zeros and shifts; by hand where that is short; and what must hold of any: mirroring
 * exchanges the tails, scale and order do not matter, and p of noise alone is uniform.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/stats/dist.h"
#include "harness/stats/signflip.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"
#include "harness/util/rng.h"

#define BRUTE_MAX 16

/* The scores, from their definition and with other code: exact by comparing 16 |d| with odd
 * multiples of the median. */
static size_t brute_scores(const double *d, size_t n, double shift, unsigned *score, bool *up)
{
	double magnitude[BRUTE_MAX], sorted[BRUTE_MAX], median;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (d[i] == shift)
			continue;
		up[kept] = d[i] > shift;
		magnitude[kept] = sorted[kept] = fabs(d[i] - shift);
		kept++;
	}
	order_sort(sorted, kept);
	median = order_median(sorted, kept);
	for (size_t i = 0; i < kept; i++) {
		score[i] = 1;
		while (score[i] < 8 && 16 * magnitude[i] >= (2 * score[i] + 1) * median)
			score[i]++;
	}
	return kept;
}

static void assert_as_counted(const double *d, size_t n, double shift)
{
	unsigned score[BRUTE_MAX], seen = 0, max = 0;
	unsigned long greater = 0, less = 0, equal = 0;
	bool up[BRUTE_MAX];
	size_t kept = brute_scores(d, n, shift, score, up);
	struct signflip s;

	for (size_t i = 0; i < kept; i++) {
		max += score[i];
		seen += up[i] ? score[i] : 0;
	}
	for (unsigned long signs = 0; signs < 1ul << kept; signs++) {
		unsigned sum = 0;

		for (size_t i = 0; i < kept; i++)
			sum += signs >> i & 1 ? score[i] : 0;
		greater += sum >= seen;
		less += sum <= seen;
		equal += sum == seen;
	}
	assert_int_equal(signflip_test(d, n, shift, &s), 0);
	assert_int_equal(s.n, kept);
	assert_int_equal(s.sum, seen);
	assert_int_equal(s.max, max);
	assert_true(s.p_greater == ldexp((double)greater, -(int)kept));
	assert_true(s.p_less == ldexp((double)less, -(int)kept));
	assert_true(s.p_equal == ldexp((double)equal, -(int)kept));
	assert_true(s.p_two == fmin(1, 2 * fmin(s.p_greater, s.p_less)));
}

/* Kinds: small whole numbers (many ties and zeros), smooth ones, and ones with heavy tails. */
static double draw(struct rng *r, unsigned kind)
{
	double u = rng_double(r) - 0.4;

	if (kind == 0)
		return (double)rng_below(r, 7) - 2;
	return kind == 1 ? u : u / (0.001 + rng_double(r) * rng_double(r));
}

static void test_against_all_signs(void **state)
{
	static const double shifts[] = {0, 0.25, -1, 2};
	double d[BRUTE_MAX];
	struct rng r;

	(void)state;
	rng_seed(&r, 1);
	for (unsigned round = 0; round < 900; round++) {
		size_t n = rng_below(&r, round % 30 ? 11 : BRUTE_MAX + 1);

		for (size_t i = 0; i < n; i++)
			d[i] = draw(&r, round % 3);
		assert_as_counted(d, n, shifts[rng_below(&r, array_size(shifts))]);
	}
}

static void test_by_hand(void **state)
{
	/* median 4; scores 2, 4, 8, 8, 8: of 32 assignments only one reaches 30, and two 28 */
	static const double all[] = {1, 2, 4, 8, 100}, but_first[] = {-1, 2, 4, 8, 100};
	static const double zeros[] = {0, 0, 0};
	struct signflip s;

	(void)state;
	assert_int_equal(signflip_test(all, 5, 0, &s), 0);
	assert_int_equal(s.max, 30);
	assert_true(s.p_greater == 1 / 32.0 && s.p_less == 1 && s.p_two == 2 / 32.0);
	assert_true(s.p_greater == signflip_smallest_p(5));
	assert_int_equal(signflip_test(but_first, 5, 0, &s), 0);
	assert_int_equal(s.sum, 28);
	assert_true(s.p_greater == 2 / 32.0 && s.p_equal == 1 / 32.0);
	assert_int_equal(signflip_test(zeros, 3, 0, &s), 0);
	assert_true(!s.n && s.p_greater == 1 && s.p_less == 1 && s.p_two == 1);
	assert_int_equal(signflip_test(NULL, 0, 0, &s), 0);
	assert_true(s.p_greater == 1);
}

/* All above 0, for any number: p is the smallest there is. */
static void test_smallest(void **state)
{
	double d[SIGNFLIP_MAX];
	struct signflip s;

	(void)state;
	for (size_t i = 0; i < SIGNFLIP_MAX; i++)
		d[i] = 1 + (double)(i % 13);
	for (size_t n = 1; n <= SIGNFLIP_MAX; n += n < 60 ? 1 : 235) {
		assert_int_equal(signflip_test(d, n, 0, &s), 0);
		assert_true(s.p_greater == ldexp(1, -(int)n));
		assert_true(s.p_greater == signflip_smallest_p(n));
	}
	assert_true(signflip_smallest_p(0) == 1);
}

static void test_mirror_scale_order(void **state)
{
	double d[84], mirrored[84], scaled[84], turned[84];
	struct rng r;

	(void)state;
	rng_seed(&r, 2);
	for (unsigned round = 0; round < 300; round++) {
		size_t n = 1 + rng_below(&r, array_size(d));
		struct signflip a, b, c, e;

		for (size_t i = 0; i < n; i++) {
			d[i] = draw(&r, round % 3);
			mirrored[i] = -d[i];
			scaled[i] = 1024 * d[i];
			turned[n - 1 - i] = d[i];
		}
		assert_int_equal(signflip_test(d, n, 0.5, &a), 0);
		assert_int_equal(signflip_test(mirrored, n, -0.5, &b), 0);
		assert_int_equal(signflip_test(scaled, n, 512, &c), 0);
		assert_int_equal(signflip_test(turned, n, 0.5, &e), 0);
		assert_true(a.p_greater == b.p_less && a.p_less == b.p_greater);
		assert_true(a.p_two == b.p_two && a.p_equal == b.p_equal);
		assert_true(a.p_greater == c.p_greater && a.p_less == c.p_less);
		/* beyond 53 differences the last bit is rounded in another place */
		assert_true(fabs(a.p_greater - e.p_greater) <= 1e-15);
	}
}

/* 3000 times noise of which the largest is 1000 times the smallest, with the coin's sign. */
static void test_noise_is_uniform(void **state)
{
	double randomised[3000];
	struct rng r;

	(void)state;
	rng_seed(&r, 3);
	for (size_t i = 0; i < array_size(randomised); i++) {
		double d[24];
		struct signflip s;

		for (size_t j = 0; j < array_size(d); j++)
			d[j] = (rng_next(&r) & 1 ? 1 : -1) / (0.001 + rng_double(&r));
		assert_int_equal(signflip_test(d, array_size(d), 0, &s), 0);
		randomised[i] = fmin(1, fmax(0, s.p_greater - rng_double(&r) * s.p_equal));
	}
	order_sort(randomised, array_size(randomised));
	assert_true(dist_ks_uniform(randomised, array_size(randomised)) > 0.01);
}

static void test_refused(void **state)
{
	static double many[SIGNFLIP_MAX + 1];
	const double bad[] = {1, NAN}, endless[] = {INFINITY, 1}, one = 1;
	struct signflip s = {.n = 77};

	(void)state;
	assert_int_equal(signflip_test(many, SIGNFLIP_MAX + 1, 0, &s), -E2BIG);
	assert_int_equal(signflip_test(bad, 2, 0, &s), -EINVAL);
	assert_int_equal(signflip_test(endless, 2, 0, &s), -EINVAL);
	assert_int_equal(signflip_test(&one, 1, NAN, &s), -EINVAL);
	assert_int_equal(s.n, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_all_signs), cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_smallest),	  cmocka_unit_test(test_mirror_scale_order),
		cmocka_unit_test(test_noise_is_uniform),  cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

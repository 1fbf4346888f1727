// SPDX-License-Identifier: MIT
/*
 * Distributions against values computed with 30 digits (mpmath; Kolmogorov's with fractions), which
 * agree with the tables in print as far as those go: Student's 12.706, 2.228, 2.132; Smirnov's
 * 0.409 for 10 values at 5 %; 1 - 0.05^(1/n) for none of n.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/stats/dist.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"
#include "harness/util/rng.h"

static void assert_close(double value, double expected, double relative)
{
	if (!(fabs(value - expected) <= relative * fabs(expected)))
		fail_msg("%.17g is not %.17g", value, expected);
}

static void test_normal(void **state)
{
	static const double cdf[][2] = {
		{-8.2, 1.20193515427358581525e-16}, {-1.96, 0.0249978951482204362128}, {0, 0.5},
		{1, 0.841344746068542948585},	    {3.09, 0.998999217523385989122},
	};
	static const double quantiles[][2] = {
		{1e-300, -37.0470962993611992372}, {1e-20, -9.26234008979840757372},
		{0.001, -3.09023230616781354154},  {0.025, -1.95996398454005423552},
		{0.2, -0.841621233572914205179},   {0.5, 0},
		{0.9, 1.28155156554460046697},	   {0.00001, -4.26489079392282462850},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cdf); i++)
		assert_close(dist_normal_cdf(cdf[i][0]), cdf[i][1], 1e-14);
	for (size_t i = 0; i < array_size(quantiles); i++)
		assert_close(dist_normal_quantile(quantiles[i][0]), quantiles[i][1], 1e-14);
	assert_true(dist_normal_quantile(0) == -INFINITY && dist_normal_quantile(1) == INFINITY);
	assert_true(isnan(dist_normal_quantile(-0.1)) && isnan(dist_normal_quantile(1.1)));
	assert_true(isnan(dist_normal_quantile(NAN)) && isnan(dist_normal_cdf(NAN)));
}

static void test_beta(void **state)
{
	static const struct {
		double x, a, b, expected;
	} cases[] = {
		{0.5, 0.5, 0.5, 0.5},
		{0.1, 2, 3, 0.0523},
		{0.9, 2, 3, 0.9963},
		{0.3, 40, 80, 0.221938812935082083406},
		{0.35, 40, 80, 0.657237253217716342903},
		{0.01, 1, 600, 0.997594990708688918978},
		{0.51, 5000, 5000, 0.977257967675425357938},
		{0, 2, 3, 0},
		{1, 2, 3, 1},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++)
		assert_close(dist_beta_cdf(cases[i].x, cases[i].a, cases[i].b), cases[i].expected,
			     1e-13);
	assert_close(dist_beta_cdf(0.5, 1e6, 1e6), 0.5, 1e-11);
	assert_true(isnan(dist_beta_cdf(1.1, 1, 1)) && isnan(dist_beta_cdf(0.5, 0, 1)));
	assert_true(isnan(dist_beta_cdf(0.5, 1, NAN)));
}

static void test_t_tails(void **state)
{
	static const struct {
		double t, df, upper;
	} cases[] = {
		{1, 1, 0.25},
		{12.706, 1, 0.0250004011790665939523},
		{2.228, 10, 0.0250058859085556826809},
		{4, 3.5, 0.0104603081827018620914},
		{0.001, 7, 0.499615008622499421871},
		{50, 4, 4.78722682848484920503e-7},
		{3, 1e6, 0.00134993127071089852935},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		assert_close(dist_t_cdf(-cases[i].t, cases[i].df), cases[i].upper, 1e-11);
		assert_close(dist_t_cdf(cases[i].t, cases[i].df), 1 - cases[i].upper, 1e-11);
	}
	assert_close(dist_t_cdf(-1.96, INFINITY), dist_normal_cdf(-1.96), 1e-15);
	assert_true(dist_t_cdf(INFINITY, 3) == 1 && dist_t_cdf(-INFINITY, 3) == 0);
	assert_true(isnan(dist_t_cdf(1, 0)) && isnan(dist_t_cdf(NAN, 1)));
}

static void test_t_quantiles(void **state)
{
	static const struct {
		double p, df, expected;
	} cases[] = {
		{0.975, 1, 12.7062047361746931433},  {0.975, 10, 2.22813885198627422452},
		{0.95, 4, 2.13184678632664952851},   {0.999, 2.5, 13.8221931108659596789},
		{0.6, 30, 0.255605364951912714439},  {0.0005, 100, -3.39049131116422991306},
		{0.975, 1e300, 1.95996398454005424},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++)
		assert_close(dist_t_quantile(cases[i].p, cases[i].df), cases[i].expected, 1e-12);
	assert_true(dist_t_quantile(0.5, 3) == 0 && dist_t_quantile(1, 3) == INFINITY);
	assert_true(dist_t_quantile(0, 3) == -INFINITY);
	assert_true(isnan(dist_t_quantile(2, 3)) && isnan(dist_t_quantile(0.5, -1)));
}

/* The binomial tail, summed as it is defined. */
static double upper_by_sum(unsigned k, unsigned n, double p)
{
	double sum = 0;

	for (unsigned j = k; j <= n; j++)
		sum += exp(lgamma(n + 1) - lgamma(j + 1) - lgamma(n - j + 1)) * pow(p, j) *
		       pow(1 - p, n - j);
	return sum;
}

static void test_binomial(void **state)
{
	(void)state;
	assert_close(dist_binomial_upper(3, 10, 0.2), 0.3222004736, 1e-13);
	assert_close(dist_binomial_upper(50, 60, 0.5), 8.08190728307858763380e-8, 1e-12);
	assert_close(dist_binomial_upper(7, 600, 0.01), 0.393695865549492139800, 1e-12);
	for (unsigned n = 1; n < 30; n++)
		for (unsigned k = 0; k <= n + 1; k++)
			for (double p = 0.05; p < 1; p += 0.15)
				assert_close(dist_binomial_upper(k, n, p), upper_by_sum(k, n, p),
					     1e-11);
	assert_true(dist_binomial_upper(1, 5, 0) == 0 && dist_binomial_upper(5, 5, 1) == 1);
	assert_true(isnan(dist_binomial_upper(1, 5, 1.5)));
	/* 2 (1 + 10 + 45) / 1024, whichever side the 2 are on */
	assert_close(dist_binomial_half_two(2, 10), 0.109375, 1e-14);
	assert_close(dist_binomial_half_two(8, 10), 0.109375, 1e-14);
	assert_true(dist_binomial_half_two(5, 10) == 1 && dist_binomial_half_two(0, 0) == 1);
	assert_true(isnan(dist_binomial_half_two(3, 2)));
}

static void test_shares(void **state)
{
	(void)state;
	assert_close(dist_share_upper(0, 600, 0.95), 1 - pow(0.05, 1.0 / 600), 1e-12);
	assert_close(dist_share_upper(0, 299, 0.95), 0.00996914679289927, 1e-12);
	assert_close(dist_share_upper(6, 600, 0.95), 0.0196413302422939924, 1e-12);
	/* the two-sided 95 % interval of 5 in 10 that all tables have */
	assert_close(dist_share_lower(5, 10, 0.975), 0.187086028447398, 1e-12);
	assert_close(dist_share_upper(5, 10, 0.975), 0.812913971552602, 1e-12);
	assert_true(dist_share_lower(0, 10, 0.95) == 0 && dist_share_upper(10, 10, 0.95) == 1);
	assert_true(dist_share_lower(0, 0, 0.95) == 0 && dist_share_upper(0, 0, 0.95) == 1);
	assert_true(isnan(dist_share_lower(3, 2, 0.9)) && isnan(dist_share_upper(3, 2, 0.9)));
	assert_true(isnan(dist_share_lower(0, 2, 1)) && isnan(dist_share_upper(1, 2, 0)));
}

/* The bounds hold what they promise: a share that lies at the bound is seen so with 1 - level. */
static void test_shares_cover(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 40; n += 3)
		for (unsigned k = 1; k < n; k++) {
			double low = dist_share_lower(k, n, 0.95);
			double high = dist_share_upper(k, n, 0.95);

			assert_close(upper_by_sum(k, n, low), 0.05, 1e-9);
			assert_close(upper_by_sum(k + 1, n, high), 0.95, 1e-9);
		}
}

/* n values whose largest distance is d: the first is d, the others are where they should be. */
static double ks_at(size_t n, double d)
{
	double values[5000];

	for (size_t i = 0; i < n; i++)
		values[i] = fmax(d, ((double)i + 0.5) / (double)n);
	return dist_ks_uniform(values, n);
}

static void test_ks(void **state)
{
	static const struct {
		size_t n;
		double d, expected;
	} cases[] = {
		{1, 0.8, 0.4},
		{3, 0.3, 0.8862222222222222222},
		{10, 0.274, 0.3715203845434957247},
		{10, 0.41, 0.0493207578287048831},
		{20, 0.29408, 0.0499941602720404386},
		{60, 0.1, 0.5521961259289286873},
		{60, 0.2, 0.0140234039602747420},
		{60, 0.27, 0.0002358363907413997},
		{4000, 0.02, 0.0805200471084252436},
		{4000, 0.01, 0.8168136141243961781},
		{4000, 0.03, 0.0014523133564891416},
	};
	static const double bad[] = {0.5, 0.4}, outside[] = {0.5, 1.4};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++)
		assert_close(ks_at(cases[i].n, cases[i].d), cases[i].expected, 1e-9);
	assert_true(isnan(dist_ks_uniform(bad, 2)) && isnan(dist_ks_uniform(outside, 2)));
	assert_true(isnan(dist_ks_uniform(bad, 0)));
}

/* Where the ways of computing it meet, they agree. */
static void test_ks_seams(void **state)
{
	double far = 2 / sqrt(500);

	(void)state;
	assert_close(ks_at(500, far * (1 - 1e-9)), ks_at(500, far * (1 + 1e-9)), 1e-6);
	assert_close(ks_at(1000, 0.043), ks_at(1001, 0.043), 0.01);
	assert_close(ks_at(1000, 0.02), ks_at(1001, 0.02), 0.005);
}

/* Of uniform values it is uniform: 2000 tests of 30 values, and 5 % of them below 5 %. */
static void test_ks_uniform(void **state)
{
	unsigned below = 0;
	struct rng r;

	(void)state;
	rng_seed(&r, 5);
	for (int test = 0; test < 2000; test++) {
		double values[30];

		for (size_t i = 0; i < array_size(values); i++)
			values[i] = rng_double(&r);
		order_sort(values, array_size(values));
		below += dist_ks_uniform(values, array_size(values)) < 0.05;
	}
	assert_in_range(below, 70, 130);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normal),	     cmocka_unit_test(test_beta),
		cmocka_unit_test(test_t_tails),	     cmocka_unit_test(test_t_quantiles),
		cmocka_unit_test(test_binomial),     cmocka_unit_test(test_shares),
		cmocka_unit_test(test_shares_cover), cmocka_unit_test(test_ks),
		cmocka_unit_test(test_ks_seams),     cmocka_unit_test(test_ks_uniform),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

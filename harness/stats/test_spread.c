// SPDX-License-Identifier: MIT
/* Spread by hand: 2, 4, 4, 4, 5, 5, 7, 9 have the mean 5 and squares that sum to 32. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/stats/dist.h"
#include "harness/stats/spread.h"
#include "harness/util/cleanup.h"

static const double eight[] = {2, 4, 4, 4, 5, 5, 7, 9};

static void test_by_hand(void **state)
{
	static const double turns[] = {1, -1, 1, -1}, rise[] = {1, 2, 3, 4, 5};

	(void)state;
	assert_true(spread_mean(eight, 8) == 5);
	assert_true(fabs(spread_deviation(eight, 8) - sqrt(32 / 7.0)) < 1e-15);
	/* median 4.5; distances 0.5 (five times), 2.5 (twice), 4.5 */
	assert_true(fabs(spread_mad(eight, 8) - 1.4826022185056018 * 0.5) < 1e-15);
	assert_true(spread_autocorrelation(turns, 4) == -0.75);
	assert_true(fabs(spread_autocorrelation(rise, 5) - 0.4) < 1e-15);
}

/* Of the quantiles of a normal distribution both are its deviation, and one of them stays so when
 * a tenth of the values is broken. */
static void test_normal(void **state)
{
	double v[1001];

	(void)state;
	for (size_t i = 0; i < array_size(v); i++)
		v[i] = 100 + 3 * dist_normal_quantile(((double)i + 0.5) / array_size(v));
	assert_true(fabs(spread_deviation(v, array_size(v)) - 3) < 0.02);
	assert_true(fabs(spread_mad(v, array_size(v)) - 3) < 0.02);
	for (size_t i = 0; i < 100; i++)
		v[i * 10] = 1e9;
	assert_true(spread_mad(v, array_size(v)) < 4);
}

static void test_none(void **state)
{
	static const double same[] = {3, 3, 3};

	(void)state;
	assert_true(isnan(spread_mean(NULL, 0)) && isnan(spread_mad(NULL, 0)));
	assert_true(isnan(spread_deviation(same, 1)) && spread_deviation(same, 2) == 0);
	assert_true(spread_mad(same, 1) == 0);
	assert_true(isnan(spread_autocorrelation(same, 2)) &&
		    isnan(spread_autocorrelation(same, 3)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_normal),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

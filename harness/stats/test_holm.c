// SPDX-License-Identifier: MIT
/* Holm's procedure by hand, and against its definition: step down until the first that stays. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/stats/holm.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"
#include "harness/util/rng.h"

static void test_by_hand(void **state)
{
	/* at 5 %: 0.005 <= 0.05/4, 0.01 <= 0.05/3, then 0.03 > 0.05/2 stops 0.04 as well */
	static const double p[] = {0.01, 0.04, 0.03, 0.005};
	static const double expected[] = {0.03, 0.06, 0.06, 0.02};
	static const bool rejected[] = {true, false, false, true};
	double adjusted[4];
	bool reject[4];

	(void)state;
	assert_int_equal(holm(p, 4, 0.05, reject, adjusted), 0);
	for (size_t i = 0; i < array_size(p); i++) {
		assert_int_equal(reject[i], rejected[i]);
		assert_true(fabs(adjusted[i] - expected[i]) < 1e-15);
	}
}

static void test_edges(void **state)
{
	static const double same[] = {0.02, 0.02, 0.02}, one = 0.01, ones[] = {1, 0.9};
	double adjusted[3];
	bool reject[3];

	(void)state;
	assert_int_equal(holm(same, 3, 0.05, reject, adjusted), 0);
	for (int i = 0; i < 3; i++)
		assert_true(!reject[i] && fabs(adjusted[i] - 0.06) < 1e-15);
	assert_int_equal(holm(&one, 1, 0.01, reject, NULL), 0);
	assert_true(reject[0]);
	assert_int_equal(holm(ones, 2, 0.5, reject, adjusted), 0);
	assert_true(adjusted[0] == 1 && adjusted[1] == 1);
	assert_int_equal(holm(NULL, 0, 0.05, NULL, NULL), 0);
}

static void test_by_definition(void **state)
{
	struct rng r;

	(void)state;
	rng_seed(&r, 1);
	for (unsigned round = 0; round < 500; round++) {
		double p[20], sorted[20];
		size_t n = 1 + rng_below(&r, 20), first = 0;
		bool reject[20];

		for (size_t i = 0; i < n; i++)
			sorted[i] = p[i] = pow(rng_double(&r), 4);
		order_sort(sorted, n);
		while (first < n && sorted[first] <= 0.05 / (double)(n - first))
			first++;
		assert_int_equal(holm(p, n, 0.05, reject, NULL), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(reject[i], first == n || p[i] < sorted[first]);
	}
}

static void test_refused(void **state)
{
	static const double bad[] = {0.5, NAN}, above = 1.5, below = -0.1, fine = 0.5;
	bool reject[2];

	(void)state;
	assert_int_equal(holm(bad, 2, 0.05, reject, NULL), -EINVAL);
	assert_int_equal(holm(&above, 1, 0.05, reject, NULL), -EINVAL);
	assert_int_equal(holm(&below, 1, 0.05, reject, NULL), -EINVAL);
	assert_int_equal(holm(&fine, 1, 0, reject, NULL), -EINVAL);
	assert_int_equal(holm(&fine, 1, 1, reject, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_by_definition),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

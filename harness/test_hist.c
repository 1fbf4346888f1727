// SPDX-License-Identifier: MIT
/* Buckets against their definition, errors against the promise, quantiles against sorted values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "harness/hist.h"

static void buckets_tile_the_range(void **state)
{
	(void)state;
	assert_int_equal(hist_low(0), 0);
	for (unsigned i = 0; i + 1 < HIST_BUCKETS; i++) {
		assert_int_equal(hist_high(i) + 1, hist_low(i + 1));
		assert_int_equal(hist_index(hist_low(i)), i);
		assert_int_equal(hist_index(hist_high(i)), i);
	}
	assert_int_equal(hist_high(HIST_BUCKETS - 1), HIST_MAX);
}

static void one_hour_fits(void **state)
{
	(void)state;
	assert_true(HIST_MAX >= 3600ull * 1000000000ull);
	assert_int_equal(hist_index(UINT64_MAX), HIST_BUCKETS - 1);
}

static void midpoint_is_within_one_percent(void **state)
{
	(void)state;
	for (unsigned i = 1; i < HIST_BUCKETS; i++) {
		double mid = (double)(hist_low(i) + (hist_high(i) - hist_low(i)) / 2);

		assert_true(fabs(mid / (double)hist_low(i) - 1) <= 0.005);
		assert_true(fabs(mid / (double)hist_high(i) - 1) <= 0.005);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void quantiles_match_sorted_values(void **state)
{
	enum { N = 20000 };
	static uint64_t values[N];
	struct hist *h = hist_new();
	uint64_t x = 88172645463325252ull;
	static const double qs[] = {0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1};

	(void)state;
	for (int i = 0; i < N; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		values[i] = x >> (22 + x % 40);
		hist_record(h, values[i]);
	}
	qsort(values, N, sizeof(values[0]), compare);
	for (unsigned i = 0; i < sizeof(qs) / sizeof(qs[0]); i++) {
		double rank = ceil(qs[i] * N);
		uint64_t exact = values[(int)(rank < 1 ? 1 : rank) - 1];
		double got = (double)hist_quantile(h, qs[i]);

		assert_true(fabs(got - (double)exact) <= 0.01 * (double)exact);
	}
	assert_int_equal(h->min, values[0]);
	assert_int_equal(h->max, values[N - 1]);
	free(h);
}

static void merge_equals_recording_into_one(void **state)
{
	struct hist *a = hist_new(), *b = hist_new(), *both = hist_new();

	(void)state;
	for (uint64_t v = 1; v < 1000000; v = v * 3 / 2 + 1) {
		hist_record_n(v % 2 ? a : b, v, v % 5 + 1);
		hist_record_n(both, v, v % 5 + 1);
	}
	hist_merge(a, b);
	assert_memory_equal(a, both, sizeof(*a));
	free(a);
	free(b);
	free(both);
}

static void empty_answers_zero(void **state)
{
	struct hist *h = hist_new();

	(void)state;
	assert_int_equal(hist_quantile(h, 0.5), 0);
	assert_true(hist_mean(h) == 0);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_tile_the_range),
		cmocka_unit_test(one_hour_fits),
		cmocka_unit_test(midpoint_is_within_one_percent),
		cmocka_unit_test(quantiles_match_sorted_values),
		cmocka_unit_test(merge_equals_recording_into_one),
		cmocka_unit_test(empty_answers_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

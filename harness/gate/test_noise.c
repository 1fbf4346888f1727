// SPDX-License-Identifier: MIT
/* The simulated machine: moments, tails and correlation of its noise, and that its weather is the
 * same whatever runs in it. Seeds are fixed; limits are several standard errors wide. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "harness/gate/noise.h"
#include "harness/stats/dist.h"
#include "harness/stats/spread.h"
#include "harness/util/order.h"

#define N 100000

static double values[N];

static void run_slots(const struct noise_class *class, uint64_t seed)
{
	struct noise n;

	noise_start(&n, class, seed, 0);
	for (size_t i = 0; i < N; i++)
		values[i] = noise_run(&n);
}

static void assert_near(double value, double expected, double by)
{
	if (!(fabs(value - expected) <= by))
		fail_msg("%g is not within %g of %g", value, by, expected);
}

static void test_classes(void **state)
{
	(void)state;
	assert_string_equal(noise_class_find("ci")->name, "ci");
	assert_null(noise_class_find("all"));
	assert_true(noise_class_find("quiet")->run < noise_class_find("hostile")->run);
}

static void test_normal(void **state)
{
	struct rng r;

	(void)state;
	rng_seed(&r, 1);
	for (size_t i = 0; i < N; i++)
		values[i] = noise_normal(&r);
	assert_near(spread_mean(values, N), 0, 0.015);
	assert_near(spread_deviation(values, N), 1, 0.01);
	for (size_t i = 0; i < N; i++)
		values[i] = dist_normal_cdf(values[i]);
	order_sort(values, N);
	assert_true(dist_ks_uniform(values, N) > 0.01);
}

/* The fourth moment of t with 3 degrees of freedom is infinite: its distribution tells more than
 * its variance. */
static void test_t3(void **state)
{
	struct rng r;

	(void)state;
	rng_seed(&r, 2);
	for (size_t i = 0; i < N; i++)
		values[i] = dist_t_cdf(noise_t3(&r) * sqrt(3), 3);
	order_sort(values, N);
	assert_true(dist_ks_uniform(values, N) > 0.01);
	assert_near(order_median(values, N), 0.5, 0.008);
}

static void test_drift(void **state)
{
	const struct noise_class drift = {"drift", .drift = 0.03};

	(void)state;
	run_slots(&drift, 3);
	/* About N / 100 of the values are independent. */
	assert_near(spread_deviation(values, N), 0.03, 0.003);
	assert_near(spread_autocorrelation(values, N), NOISE_CORRELATION, 0.003);
	for (size_t i = 0; i + 1 < N; i++)
		values[i] = values[i + 1] - values[i];
	assert_near(spread_deviation(values, N - 1), 0.03 * sqrt(2 * (1 - NOISE_CORRELATION)),
		    0.0001);
}

static void test_bursts(void **state)
{
	const struct noise_class bursts = {"bursts", .burst_share = 0.2, .burst = 0.3};
	size_t busy = 0, bursts_seen = 0;
	double sum = 0, largest = 0;

	(void)state;
	run_slots(&bursts, 4);
	for (size_t i = 0; i < N; i++) {
		busy += values[i] > 0;
		bursts_seen += values[i] > 0 && (i == 0 || values[i - 1] == 0);
		sum += values[i];
		largest = fmax(largest, values[i]);
	}
	assert_near((double)busy / N, 0.2, 0.015);
	assert_near((double)busy / (double)bursts_seen, NOISE_BURST_SLOTS, 0.7);
	assert_near(sum / (double)busy, 0.3, 0.005);
	assert_near(largest, 0.6, 0.001);
}

static void test_sessions(void **state)
{
	const struct noise_class offset = {"offset", .session = 0.08};
	struct noise n;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		noise_start(&n, &offset, 5, i);
		values[i] = noise_run(&n);
		if (i < 10)
			assert_true(noise_run(&n) == values[i]);
	}
	assert_near(spread_mean(values, N), 0, 0.001);
	assert_near(spread_deviation(values, N), 0.08, 0.0008);
	assert_near(spread_autocorrelation(values, N), 0, 0.015);
}

/* What is left of a noisy run, less the weather, is what its own generator draws. */
static void test_weather_is_the_same_for_all(void **state)
{
	const struct noise_class *ci = noise_class_find("ci");
	struct noise_class calm = *ci;
	struct noise n, m;
	struct rng own;

	(void)state;
	calm.run = 0;
	noise_start(&n, ci, 6, 0);
	noise_start(&m, &calm, 6, 0);
	own = n.own;
	for (size_t i = 0; i < 1000; i++) {
		double weather = noise_run(&m);

		assert_near(noise_run(&n) - weather, ci->run * noise_t3(&own), 1e-12);
	}
}

static void test_seed_decides(void **state)
{
	struct noise n, same, other;
	const struct noise_class *quiet = noise_class_find("quiet");

	(void)state;
	noise_start(&n, quiet, 7, 0);
	noise_start(&same, quiet, 7, 0);
	noise_start(&other, quiet, 8, 0);
	for (size_t i = 0; i < 100; i++) {
		double run = noise_run(&n);

		assert_true(run == noise_run(&same));
		assert_true(run != noise_run(&other));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_normal),
		cmocka_unit_test(test_t3),
		cmocka_unit_test(test_drift),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_weather_is_the_same_for_all),
		cmocka_unit_test(test_seed_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

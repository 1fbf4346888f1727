// SPDX-License-Identifier: MIT
/* Signs, scales, and pairs that have no effect to speak of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "harness/effect.h"
#include "harness/util/cleanup.h"

static const struct effect rate = {.better = BETTER_HIGHER}, latency = {.better = BETTER_LOWER},
			   switches = {.better = BETTER_LOWER, .count = true, .floor = 0.5};

static void worse_is_positive(void **state)
{
	static const struct {
		const struct effect *e;
		double base, head, d;
	} rows[] = {
		{&latency, 100, 105, 0.04879016416943205},
		{&latency, 105, 100, -0.04879016416943205},
		{&rate, 105, 100, 0.04879016416943205},
		{&switches, 2, 3, 0.5},
		{&switches, 3, 2, -0.5},
		{&switches, 0.1, 0.3, 0.4}, /* the floor below */
		{&switches, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_true(fabs(effect_of(rows[i].e, rows[i].base, rows[i].head) - rows[i].d) <
			    1e-12);
}

static void no_effect(void **state)
{
	(void)state;
	assert_true(isnan(effect_of(&latency, 0, 1)));
	assert_true(isnan(effect_of(&latency, 1, 0)));
	assert_true(isnan(effect_of(&rate, -1, 1)));
	assert_true(isnan(effect_of(&rate, NAN, 1)));
	assert_true(isnan(effect_of(&switches, 1, INFINITY)));
}

static void standstill(void **state)
{
	const double values[] = {500, 0}, none[] = {0, 0}, operations[] = {1000, 0};
	const double mirrored[] = {0, 500}, other[] = {0, 1000};

	(void)state;
	assert_true(fabs(effect_of_runs(&rate, values, operations) - log(2000)) < 1e-12);
	assert_true(fabs(effect_of_runs(&rate, mirrored, other) + log(2000)) < 1e-12);
	assert_true(isnan(effect_of_runs(&rate, none, operations)));
	assert_true(isnan(effect_of_runs(&latency, values, operations)));
	assert_true(effect_of_runs(&switches, mirrored, operations) == 1000);
}

static void swapped_is_mirrored(void **state)
{
	(void)state;
	for (double head = 1; head < 1000; head *= 1.37) {
		assert_true(fabs(effect_of(&rate, 17, head) + effect_of(&rate, head, 17)) < 1e-14);
		assert_true(effect_of(&switches, 17, head) == -effect_of(&switches, head, 17));
		assert_true(effect_of(&switches, 0, head) == -effect_of(&switches, head, 0));
	}
}

static void fractions(void **state)
{
	(void)state;
	assert_true(fabs(effect_fraction(&latency, effect_of(&latency, 200, 210)) - 0.05) < 1e-12);
	assert_true(fabs(effect_from_fraction(&latency, 0.05) - 0.04879016416943205) < 1e-12);
	assert_true(effect_fraction(&switches, 0.05) == 0.05);
	assert_true(effect_from_fraction(&switches, 0.05) == 0.05);
	assert_true(fabs(effect_fraction(&switches, effect_of(&switches, 10, 9)) + 0.1) < 1e-15);
	assert_true(fabs(effect_from_fraction(&switches, -0.1) + 1 / 9.0) < 1e-15);
}

static void limits(void **state)
{
	static const struct {
		struct metric metric;
		bool count;
		double given, target, matters, floor, operations;
	} rows[] = {
		{{"throughput", "1/s", BETTER_HIGHER, ""}, false, 0.05, 0.05, 0.025, 0, 0},
		{{"intended_p50", "ns", BETTER_LOWER, ""}, false, 0.05, 0.05, 0.025, 0, 0},
		{{"read_p99", "ns", BETTER_LOWER, ""}, false, 0.05, 0.15, 0.075, 0, 1e4},
		{{"read_p999", "ns", BETTER_LOWER, ""}, false, 0.3, 0.3, 0.15, 0, 1e5},
		{{"switches", "1", BETTER_LOWER, ""}, true, 0.05, 0.05, 0.025, 0.01, 0},
		{{"bytes", "bytes", BETTER_LOWER, ""}, true, 0.05, 0.05, 0.025, 16, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct effect_limits l = effect_limits(&rows[i].metric, rows[i].count,
						       rows[i].given, EFFECT_MATTERS);

		assert_true(l.target == rows[i].target && l.matters == rows[i].matters);
		assert_true(l.floor == rows[i].floor && l.operations == rows[i].operations);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worse_is_positive), cmocka_unit_test(no_effect),
		cmocka_unit_test(standstill),	     cmocka_unit_test(swapped_is_mirrored),
		cmocka_unit_test(fractions),	     cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* What of a series is analysed: with a yardstick, where that helps, and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "harness/history/trend_basis.h"
#include "harness/util/cleanup.h"

#define POINTS 20

struct series {
	struct trend trend;
	struct trend_point points[POINTS];
};

static double wobble(size_t i)
{
	static const double by[] = {0.002, -0.001, 0.003, -0.003, 0.001, -0.002};

	return 1 + by[i % array_size(by)];
}

/* The machine is slower from the 8th to the 14th session; the yardstick knows. */
static void make(struct series *s, const char *unit)
{
	bool time = !strcmp(unit, "ns");

	memset(s, 0, sizeof(*s));
	s->trend = (struct trend){.workload = (char *)"nop",
				  .unit = (char *)unit,
				  .better = (char *)(time ? "lower" : "higher"),
				  .reference = (char *)"",
				  .points = s->points,
				  .n = POINTS,
				  .change = NAN};
	for (size_t i = 0; i < POINTS; i++) {
		double slow = i >= 8 && i < 14 ? 1.25 : 1;

		s->points[i].measured = time ? 100 * slow * wobble(i) : 1e6 / slow * wobble(i);
		s->points[i].yardstick_ns = 40 * slow;
		s->points[i].yardstick_version = 1;
	}
}

static void test_both_directions(void **state)
{
	static const char *const units[] = {"ns", "1/s"};

	(void)state;
	for (size_t u = 0; u < array_size(units); u++) {
		struct series s;

		make(&s, units[u]);
		assert_int_equal(trend_analyse(&s.trend, NULL), 0);
		assert_string_equal(s.trend.yardstick, "spin");
		assert_int_equal(s.trend.scan.n_steps, 0);
		for (size_t i = 0; i < POINTS; i++)
			assert_true(fabs(s.points[i].value / (u ? 1e6 : 100) - wobble(i)) < 1e-9);
		rankscan_free(&s.trend.scan);
	}
}

/* Analyses, and looks that nothing but the measured values was taken. */
static void check_as_measured(struct series *s, const char *why)
{
	assert_int_equal(trend_analyse(&s->trend, NULL), 0);
	assert_null(s->trend.yardstick);
	assert_non_null(strstr(s->trend.basis, why));
	for (size_t i = 0; i < s->trend.n; i++)
		assert_true(s->points[i].value == s->points[i].measured);
	rankscan_free(&s->trend.scan);
}

static void test_without_a_yardstick(void **state)
{
	struct series s;

	(void)state;
	make(&s, "ns");
	for (size_t i = 0; i < 6; i++)
		s.points[3 * i].yardstick_ns = NAN;
	check_as_measured(&s, "too many sessions have no yardstick");
	make(&s, "ns");
	for (size_t i = POINTS - 3; i < POINTS; i++)
		s.points[i].yardstick_ns = NAN;
	check_as_measured(&s, "the last sessions have no yardstick");
	make(&s, "ns");
	s.points[19].yardstick_version = 2;
	check_as_measured(&s, "version changed");
	make(&s, "bytes");
	check_as_measured(&s, "no figure of the machine's speed");
	make(&s, "ns");
	s.points[0].measured = 0;
	check_as_measured(&s, "some value is 0");
	make(&s, "ns");
	s.trend.n = 2;
	check_as_measured(&s, "too few");
	make(&s, "1");
	s.trend.reference = (char *)"0123456789ab";
	check_as_measured(&s, "relative to the base");
}

/* One that is noisier than what it measures is no help. */
static void test_noisy_yardstick(void **state)
{
	struct series s;

	(void)state;
	make(&s, "ns");
	for (size_t i = 0; i < POINTS; i++) {
		s.points[i].measured = 100 * wobble(i);
		s.points[i].yardstick_ns = 40 * (1 + 0.1 * (double)(i % 2));
	}
	check_as_measured(&s, "not clearly less");
	make(&s, "ns");
	for (size_t i = 0; i < POINTS; i++) /* the same of all: it takes nothing out */
		s.points[i].yardstick_ns = 40;
	check_as_measured(&s, "not clearly less");
}

/* Few sessions without the yardstick are left out, be they the first, the last or beside a step. */
static void test_some_without_a_yardstick(void **state)
{
	static const size_t bare[] = {0, 9, 10, POINTS - 1};
	struct series s;

	(void)state;
	make(&s, "ns");
	for (size_t i = 0; i < POINTS; i++)
		s.points[i].measured *= i >= 10 ? 1.1 : 1;
	for (size_t i = 0; i < array_size(bare); i++)
		s.points[bare[i]].yardstick_ns = NAN;
	assert_int_equal(trend_analyse(&s.trend, NULL), 0);
	assert_string_equal(s.trend.yardstick, "spin");
	assert_non_null(strstr(s.trend.basis, "4 without it are left out"));
	assert_int_equal(s.trend.n_bare, 4);
	assert_int_equal(s.trend.last, POINTS - 2);
	assert_int_equal(s.trend.scan.n_steps, 1);
	assert_int_equal(s.trend.scan.steps[0].at, 11);
	assert_ptr_equal(trend_before(&s.trend, &s.trend.scan.steps[0]), &s.points[8]);
	assert_true(fabs(s.trend.scan.steps[0].step - 0.1) < 0.005);
	for (size_t i = 0; i < array_size(bare); i++)
		assert_true(isnan(s.points[bare[i]].value));
	rankscan_free(&s.trend.scan);
}

static void test_what_a_step_is(void **state)
{
	struct series s;
	struct rankscan_step up = {.step = 0.1}, down = {.step = -0.1}, none = {.step = 0};

	(void)state;
	make(&s, "ns");
	assert_int_equal(trend_step_is(&s.trend, &up), 1);
	assert_int_equal(trend_step_is(&s.trend, &down), -1);
	assert_int_equal(trend_step_is(&s.trend, &none), 0);
	make(&s, "1/s");
	assert_int_equal(trend_step_is(&s.trend, &up), -1);
	assert_int_equal(trend_step_is(&s.trend, &down), 1);
	s.trend.better = (char *)"none";
	assert_int_equal(trend_step_is(&s.trend, &down), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_directions),
		cmocka_unit_test(test_without_a_yardstick),
		cmocka_unit_test(test_noisy_yardstick),
		cmocka_unit_test(test_some_without_a_yardstick),
		cmocka_unit_test(test_what_a_step_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

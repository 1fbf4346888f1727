// SPDX-License-Identifier: MIT
/* Campaigns: how answers are judged, on outcomes made by hand, and that threads change nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/gate/campaign_rows.h"
#include "harness/util/cleanup.h"

static struct sim_outcome outcomes[600];

/* `hits` gates with a false alarm, or a change that was found; the rest have none. */
static struct campaign_row answer(enum campaign_measure measure, size_t gates, size_t hits,
				  double bar_low, double bar_high)
{
	const struct campaign_question q = {.measure = measure};
	struct campaign_row row = {.gates = gates, .bar_low = bar_low, .bar_high = bar_high};

	memset(outcomes, 0, sizeof(outcomes));
	for (size_t i = 0; i < gates; i++) {
		outcomes[i].innocent[i < hits ? GATE_REGRESSED : GATE_UNCHANGED] = 1;
		outcomes[i].changed[i < hits ? GATE_REGRESSED : GATE_UNCHANGED] = 1;
	}
	assert_int_equal(campaign_answer(&q, outcomes, &row), 0);
	return row;
}

static void test_shares_of_gates(void **state)
{
	static const struct {
		enum campaign_measure measure;
		size_t gates, hits;
		double low, high;
		enum campaign_state state;
	} cases[] = {
		{MEASURE_ALARMS, 600, 0, NAN, 0.01, CAMPAIGN_OK},
		{MEASURE_ALARMS, 298, 0, NAN, 0.01, CAMPAIGN_FEW},
		{MEASURE_ALARMS, 299, 0, NAN, 0.01, CAMPAIGN_OK},
		{MEASURE_ALARMS, 600, 2, NAN, 0.01, CAMPAIGN_FEW},
		{MEASURE_ALARMS, 600, 11, NAN, 0.01, CAMPAIGN_MISSED},
		{MEASURE_ALARMS, 600, 600, NAN, NAN, CAMPAIGN_NO_BAR},
		{MEASURE_FOUND, 600, 585, 0.95, NAN, CAMPAIGN_OK},
		{MEASURE_FOUND, 600, 570, 0.95, NAN, CAMPAIGN_FEW},
		{MEASURE_FOUND, 600, 550, 0.95, NAN, CAMPAIGN_MISSED},
		{MEASURE_EITHER, 600, 0, NAN, 0.01, CAMPAIGN_OK},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		struct campaign_row row = answer(cases[i].measure, cases[i].gates, cases[i].hits,
						 cases[i].low, cases[i].high);

		assert_int_equal(row.state, cases[i].state);
		assert_int_equal(row.hits, cases[i].hits);
		assert_true(row.low <= row.value && row.value <= row.high);
	}
}

/* Half of the gates with an inconclusive share of 0, half with 0.5: the mean's bounds by hand. */
static void test_shares_of_cells(void **state)
{
	const struct campaign_question q = {.measure = MEASURE_INCONCLUSIVE};
	struct campaign_row row = {.gates = 100, .bar_low = NAN, .bar_high = 0.3};

	(void)state;
	memset(outcomes, 0, sizeof(outcomes));
	for (size_t i = 0; i < 100; i++) {
		outcomes[i].innocent[GATE_INCONCLUSIVE] = i % 2;
		outcomes[i].innocent[GATE_UNCHANGED] = 2 - i % 2;
	}
	assert_int_equal(campaign_answer(&q, outcomes, &row), 0);
	assert_true(fabs(row.value - 0.25) < 1e-12);
	/* deviation 0.25 sqrt(100 / 99), t(99) at 95 % 1.66039 */
	assert_true(fabs(row.high - 0.25 - 1.66039 * 0.25 / sqrt(99)) < 1e-5);
	assert_true(fabs(row.high + row.low - 0.5) < 1e-12);
	assert_int_equal(row.state, CAMPAIGN_OK);
	row = (struct campaign_row){.gates = 100, .bar_low = NAN, .bar_high = 0.2};
	assert_int_equal(campaign_answer(&q, outcomes, &row), 0);
	assert_int_equal(row.state, CAMPAIGN_MISSED);
}

/* Gates that are all alike are no proof: each is one trial. */
static void test_gates_that_are_alike(void **state)
{
	struct campaign_row row = answer(MEASURE_INCONCLUSIVE, 20, 0, NAN, 0.05);

	(void)state;
	assert_true(row.value == 0 && fabs(row.high - (1 - pow(0.05, 1 / 20.0))) < 1e-9);
	assert_int_equal(row.state, CAMPAIGN_FEW);
}

/* A minute is 60 pairs. One gate of a hundred may take as long as it likes. */
static void test_time(void **state)
{
	const struct campaign_question q = {.measure = MEASURE_MINUTES99};
	struct campaign_row row = {.gates = 100, .bar_low = NAN, .bar_high = 6};

	(void)state;
	for (size_t i = 0; i < 100; i++)
		outcomes[i].pairs = 261 + (unsigned)i;
	outcomes[99].pairs = 1000;
	outcomes[98].pairs = 360;
	assert_int_equal(campaign_answer(&q, outcomes, &row), 0);
	assert_true(row.value == 6);
	assert_int_equal(row.state, CAMPAIGN_OK);
	outcomes[7].pairs = 361;
	assert_int_equal(campaign_answer(&q, outcomes, &row), 0);
	assert_true(fabs(row.value - 361 / 60.0) < 1e-12);
	assert_int_equal(row.state, CAMPAIGN_MISSED);
}

static struct campaign_row *run(const struct campaign *c, size_t *n)
{
	struct campaign_row *rows;
	struct err err;

	assert_int_equal(campaign_run(c, &rows, n, &err), 0);
	return rows;
}

static void test_threads_change_nothing(void **state)
{
	struct campaign c = {.gates = 5, .cells = 12, .seed = 9, .threads = 1};
	_cleanup_free_ struct campaign_row *one = NULL, *many = NULL, *other = NULL;
	size_t n, n_many, differ = 0;

	(void)state;
	one = run(&c, &n);
	c.threads = 7;
	many = run(&c, &n_many);
	c.seed = 10;
	other = run(&c, &n_many);
	assert_int_equal(n, n_many);
	assert_int_equal(n, 3 * campaign_n_questions);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(one[i].title, many[i].title);
		assert_true(one[i].value == many[i].value);
		assert_int_equal(one[i].state, many[i].state);
		differ += one[i].value != other[i].value;
	}
	assert_true(differ > n / 4);
}

/* A class across, a question down; a brief campaign has the same answers to fewer questions. */
static void test_layout(void **state)
{
	struct campaign c = {.gates = 2, .cells = 11, .threads = 2, .brief = true};
	_cleanup_free_ struct campaign_row *all = NULL, *quiet = NULL;
	size_t n, n_quiet;

	(void)state;
	all = run(&c, &n);
	c.only = noise_class_find("quiet");
	quiet = run(&c, &n_quiet);
	assert_int_equal(n, 3 * n_quiet);
	assert_true(n_quiet < campaign_n_questions);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(all[i].class, &noise_classes[i % 3]);
		assert_string_equal(all[i].title, quiet[i / 3].title);
		assert_string_equal(all[i].design, quiet[i / 3].design);
		if (i % 3 == 0)
			assert_true(all[i].value == quiet[i / 3].value);
	}
}

static void test_the_worst_counts(void **state)
{
	struct campaign_row rows[] = {{.state = CAMPAIGN_OK},
				      {.state = CAMPAIGN_FEW},
				      {.state = CAMPAIGN_NO_BAR},
				      {.state = CAMPAIGN_MISSED}};

	(void)state;
	assert_int_equal(campaign_judge(rows, 1), CAMPAIGN_OK);
	assert_int_equal(campaign_judge(rows, 3), CAMPAIGN_FEW);
	assert_int_equal(campaign_judge(rows, 4), CAMPAIGN_MISSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares_of_gates),
		cmocka_unit_test(test_shares_of_cells),
		cmocka_unit_test(test_gates_that_are_alike),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_threads_change_nothing),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_the_worst_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

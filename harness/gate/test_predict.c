// SPDX-License-Identifier: MIT
/*
 * The prediction of one more session: the figures that the specification names, and by simulation
 * how often anything is beyond what may be, where nothing changed. The sessions' offsets are shared
 * by all cells, or by none, or a mixture; deviations are all the same, or not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>

#include "harness/stats/dist.h"
#include "harness/gate/predict.h"
#include "harness/util/cleanup.h"
#include "harness/util/rng.h"

#define CELLS_MAX    100
#define SESSIONS_MAX 20

static double base[CELLS_MAX][SESSIONS_MAX], head[CELLS_MAX][3];
static struct predict_cell cells[CELLS_MAX];
static struct predict_result results[CELLS_MAX];

static void run_predict(size_t n_cells, size_t n_base, size_t n_head)
{
	struct predict p = {.cells = cells, .n_cells = n_cells, .n_base = n_base, .n_head = n_head};
	struct err err;

	for (size_t i = 0; i < n_cells; i++)
		cells[i] = (struct predict_cell){
			.base = base[i], .head = head[i], .best = head[i], .worst = head[i]};
	assert_int_equal(predict(&p, results, &err), 0);
}

/* Sessions whose deviation is exactly 3 %, the same in all cells. */
static void three_percent(size_t n_cells, size_t n)
{
	double sum = 0;

	for (size_t j = 0; j < n; j++)
		sum += ((double)j - (double)(n - 1) / 2) * ((double)j - (double)(n - 1) / 2);
	for (size_t i = 0; i < n_cells; i++)
		for (size_t j = 0; j < n; j++)
			base[i][j] = ((double)j - (double)(n - 1) / 2) * 0.03 /
				     sqrt(sum / (double)(n - 1));
}

static void test_what_it_can_see(void **state)
{
	static const struct {
		size_t cells, sessions;
		double percent;
	} rows[] = {{1, 5, 13}, {100, 5, 54}, {100, 20, 15}};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		double reach;

		three_percent(rows[i].cells, rows[i].sessions);
		run_predict(rows[i].cells, rows[i].sessions, 1);
		reach = predict_reach(&results[0], 0.01 / (double)rows[i].cells);
		assert_true(fabs(100 * expm1(reach) - rows[i].percent) < 1);
		assert_true(fabs(results[0].deviation - 0.03) < 1e-9);
	}
}

static void test_gaps(void **state)
{
	(void)state;
	three_percent(1, 5);
	base[0][2] = NAN;
	head[0][0] = 0.5;
	run_predict(1, 5, 1);
	assert_int_equal(results[0].n_base, 4);
	assert_true(results[0].df == 3);
	assert_true(results[0].p_worse < 0.001);
	head[0][0] = NAN;
	run_predict(1, 5, 1);
	assert_int_equal(results[0].n_head, 0);
	assert_true(isnan(results[0].estimate) && isnan(results[0].p_worse));
	run_predict(1, 1, 1);
	assert_true(isnan(predict_reach(&results[0], 0.01)));
}

/* A cell that repeats itself exactly has no deviation of 0. */
static void test_no_spread(void **state)
{
	(void)state;
	for (int j = 0; j < 5; j++)
		base[0][j] = 1;
	head[0][0] = 1 + 1e-6;
	run_predict(1, 5, 1);
	assert_true(results[0].p_worse > 0.4);
	assert_true(results[0].deviation == PREDICT_DEVIATION);
}

/* Few runs: the farthest session of all cells counts, and each p five times. */
static void test_few_runs(void **state)
{
	static const bool cases[] = {false, true};
	struct predict p = {.cells = cells, .n_cells = 2, .n_base = 20, .n_head = 1};
	double sure[2], near[2], reach[2];
	struct err err;

	(void)state;
	three_percent(2, 20);
	base[1][19] += 0.2;
	for (int k = 0; k < 2; k++) {
		head[1][0] = 0;
		head[0][0] = 0.3;
		run_predict(2, 20, 1);
		cells[0].few = cases[k];
		assert_int_equal(predict(&p, results, &err), 0);
		near[k] = results[0].p_worse;
		reach[k] = predict_reach(&results[0], 0.01);
		head[0][0] = 0.6;
		assert_int_equal(predict(&p, results, &err), 0);
		sure[k] = results[0].p_worse;
	}
	assert_true(near[0] < 1e-4 && near[1] == 1);
	assert_true(sure[0] < 1e-6 && fabs(sure[1] / sure[0] - 5) < 1e-9);
	assert_true(reach[0] < 0.3 && reach[1] > 0.3);
}

struct world {
	const char *name;
	double shared, own; /* deviations of a session: of all cells, of each */
	bool differ;	    /* own deviations: from a third of that to three times */
	size_t sessions;
};

static double normal(struct rng *rng)
{
	return dist_normal_quantile(fmax(rng_double(rng), 1e-12));
}

static void draw(struct rng *rng, const struct world *w, size_t n_cells)
{
	double scale[CELLS_MAX];

	for (size_t i = 0; i < n_cells; i++)
		scale[i] = w->differ ? exp(log(9) * (rng_double(rng) - 0.5)) : 1;
	for (size_t j = 0; j <= w->sessions; j++) {
		double shared = w->shared * normal(rng);

		for (size_t i = 0; i < n_cells; i++)
			*(j < w->sessions ? &base[i][j] : &head[i][0]) =
				shared + w->own * scale[i] * normal(rng);
	}
}

static void simulate(const struct world *w, size_t n_cells, unsigned gates, double *ret_alarms,
		     double *ret_covered)
{
	unsigned alarms = 0, covered = 0;
	struct rng rng;

	rng_seed(&rng, 7);
	for (unsigned g = 0; g < gates; g++) {
		double least = 1;

		draw(&rng, w, n_cells);
		run_predict(n_cells, w->sessions, 1);
		for (size_t i = 0; i < n_cells; i++) {
			least = fmin(least, results[i].p_worse);
			covered += fabs(results[i].estimate) <= predict_reach(&results[i], 0.05);
		}
		alarms += least * (double)n_cells <= 0.01; /* Holm's first step */
	}
	*ret_alarms = (double)alarms / gates;
	*ret_covered = (double)covered / ((double)gates * (double)n_cells);
}

static void test_false_alarms(void **state)
{
	static const struct world worlds[] = {
		{"shared, 5 sessions", 0.03, 0, false, 5},
		{"shared, 20 sessions", 0.03, 0, false, 20},
		{"own, 5 sessions", 0, 0.03, false, 5},
		{"own, 20 sessions", 0, 0.03, false, 20},
		{"own and different, 5 sessions", 0, 0.03, true, 5},
		{"own and different, 20 sessions", 0, 0.03, true, 20},
		{"half and half, 5 sessions", 0.02, 0.02, false, 5},
		{"mostly shared, 5 sessions", 0.03, 0.01, true, 5},
		{"mostly own, 5 sessions", 0.01, 0.03, true, 5},
	};

	(void)state;
	for (size_t i = 0; i < array_size(worlds); i++) {
		double alarms, covered;

		simulate(&worlds[i], 20, 1000, &alarms, &covered);
		print_message("%-32s alarms %4.1f %%, 90 %% interval %5.1f %%\n", worlds[i].name,
			      100 * alarms, 100 * covered);
		assert_true(alarms <= 0.015); /* 1 %, and what 1000 gates are off by chance */
		assert_true(covered >= 0.89);
	}
}

/* Cells that do not move together do make each other's deviation known. */
static void test_pooling_pays(void **state)
{
	static const struct world w = {"own", 0, 0.03, false, 5};
	unsigned seen = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 7);
	for (int i = 0; i < 50; i++) {
		draw(&rng, &w, CELLS_MAX);
		run_predict(CELLS_MAX, w.sessions, 1);
		seen += expm1(predict_reach(&results[0], 0.01 / CELLS_MAX)) <
			0.25; /* alone: 54 % */
	}
	assert_true(seen >= 45);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_it_can_see), cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_no_spread),	cmocka_unit_test(test_few_runs),
		cmocka_unit_test(test_false_alarms),	cmocka_unit_test(test_pooling_pays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

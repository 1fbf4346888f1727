// SPDX-License-Identifier: MIT
/* Simulated gates: what the seed decides, what the coin is for, and how many pairs they take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "harness/gate/simulate.h"
#include "harness/gate/simulate_stored.h"

#define CELLS 20

/* All that is left is a little noise of the runs. */
static const struct noise_class calm = {"calm", .run = 0.002};

static struct sim_outcome simulate(const struct sim_world *w, uint64_t seed)
{
	struct sim_outcome o;
	struct err err;

	assert_int_equal(simulate_gate(w, seed, &o, &err), 0);
	return o;
}

static unsigned judged(const unsigned *verdicts)
{
	unsigned n = 0;

	for (int v = GATE_UNDECIDED + 1; v <= GATE_INCONCLUSIVE; v++)
		n += verdicts[v];
	return n;
}

static void test_truth(void **state)
{
	const struct sim_world w = {.cells = 3, .changed = 1, .effect = 0.05, .everywhere = 0.01};

	(void)state;
	assert_true(fabs(sim_truth(&w, 0) - log(1.05)) < 1e-15);
	assert_true(fabs(sim_truth(&w, 1) - log(1.01)) < 1e-15);
}

static void test_seed_decides(void **state)
{
	const struct sim_world w = {.noise = noise_class_find("hostile"), .cells = CELLS};
	struct sim_outcome one = simulate(&w, 1), again = simulate(&w, 1), two = simulate(&w, 2);

	(void)state;
	assert_memory_equal(&one, &again, sizeof(one));
	assert_memory_not_equal(&one, &two, sizeof(one));
}

/* Nobody is suspected: ten pairs of each, and those of the control. */
static void test_the_least_pairs(void **state)
{
	const struct sim_world w = {.noise = &calm, .cells = CELLS};
	struct sim_outcome o = simulate(&w, 3);

	(void)state;
	assert_int_equal(o.innocent[GATE_UNCHANGED], CELLS);
	assert_int_equal(o.pairs, CELLS * GATE_STAGE1 + GATE_CONTROL_PAIRS);
	assert_true(o.mde > log(1.025) && o.mde < log(1.03));
}

static void test_what_is_there_is_found(void **state)
{
	struct sim_world w = {.noise = &calm, .cells = CELLS, .changed = 4, .effect = 0.05};
	struct sim_outcome o = simulate(&w, 4);

	(void)state;
	assert_int_equal(o.changed[GATE_REGRESSED], 4);
	assert_int_equal(o.innocent[GATE_UNCHANGED], CELLS - 4);
	assert_true(o.pairs >= CELLS * GATE_STAGE1 + 4 * GATE_STAGE2_MIN);
	w.effect = -0.05;
	w.improvements = true;
	o = simulate(&w, 4);
	assert_int_equal(o.changed[GATE_IMPROVED], 4);
}

/* Every cell gets a verdict, whatever the machine does. */
static void test_all_are_judged(void **state)
{
	struct sim_world w = {.cells = CELLS, .changed = 5, .effect = 0.1};

	(void)state;
	for (w.noise = noise_classes; w.noise->name; w.noise++)
		for (uint64_t seed = 0; seed < 10; seed++) {
			struct sim_outcome o = simulate(&w, seed);

			assert_int_equal(judged(o.changed), 5);
			assert_int_equal(judged(o.innocent), CELLS - 5);
			assert_int_equal(o.without_mde, 0);
			assert_true(o.covered90 <= o.covered95);
			assert_true(o.covered95 <= CELLS);
		}
}

/* Whatever runs second is slower by 4 %: a coin makes noise of it, a fixed order a regression, and
 * the control sees that. */
static void test_second_slot(void **state)
{
	struct sim_world w = {.noise = &calm, .cells = CELLS, .second = 0.04};

	(void)state;
	for (uint64_t seed = 0; seed < 10; seed++) {
		struct sim_outcome o;

		w.fixed_order = false;
		o = simulate(&w, seed);
		assert_int_equal(o.innocent[GATE_REGRESSED], 0);
		assert_false(o.contaminated);
		w.fixed_order = true;
		o = simulate(&w, seed);
		assert_int_equal(o.innocent[GATE_REGRESSED], CELLS);
		assert_true(o.contaminated);
	}
}

/* A drift that is far larger than the change does not hide it: it is the same for both. */
static void test_drift_cancels(void **state)
{
	const struct noise_class drift = {"drift", .drift = 0.10, .run = 0.002};
	const struct sim_world w = {.noise = &drift, .cells = CELLS, .changed = 1, .effect = 0.1};
	unsigned found = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct sim_outcome o = simulate(&w, seed);

		found += o.changed[GATE_REGRESSED];
		assert_int_equal(o.innocent[GATE_REGRESSED], 0);
	}
	assert_int_equal(found, 20);
}

/* Bursts are one-sided: taken for normal numbers, they raise ten times as many alarms. */
static void test_sessions(void **state)
{
	struct sim_world w = {
		.noise = noise_class_find("ci"), .cells = CELLS, .sessions = 20, .changed = 1};
	static const size_t repeats[] = {3, 5};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		unsigned found = 0, alarms = 0;

		w.repeats = repeats[i];
		w.effect = repeats[i] == 3 ? 1.2 : 0.5;
		for (uint64_t seed = 0; seed < 200; seed++) {
			struct sim_outcome o;
			struct err err;

			assert_int_equal(simulate_stored(&w, seed, &o, &err), 0);
			found += o.changed[GATE_REGRESSED];
			alarms += o.innocent[GATE_REGRESSED] > 0;
			assert_int_equal(judged(o.innocent), CELLS - 1);
		}
		assert_true(found >= 180);
		assert_true(alarms <= 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truth),
		cmocka_unit_test(test_seed_decides),
		cmocka_unit_test(test_the_least_pairs),
		cmocka_unit_test(test_what_is_there_is_found),
		cmocka_unit_test(test_all_are_judged),
		cmocka_unit_test(test_second_slot),
		cmocka_unit_test(test_drift_cancels),
		cmocka_unit_test(test_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

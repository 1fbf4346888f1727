// SPDX-License-Identifier: MIT
/* The usual designs: their rank test against a printed table, and that each of them sees what is
 * there on a machine without noise, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "harness/gate/rivals.h"

/* All that is left is a little noise of the runs. */
static const struct noise_class calm = {"calm", .run = 0.0005};

static void test_ranksum(void **state)
{
	const unsigned ranks = 2 * RIVAL_RUNS * (2 * RIVAL_RUNS + 1) / 2;
	const unsigned least = RIVAL_RUNS * (RIVAL_RUNS + 1) / 2;
	struct rival_ranksum r;

	(void)state;
	rival_ranksum_tails(&r);
	assert_true(r.tail[0] == 1);
	assert_true(r.tail[least] == 1);
	/* One of the choices of 11 out of 22. */
	assert_true(fabs(r.tail[RIVAL_SUM_MAX] - 1 / 705432.0) < 1e-18);
	for (unsigned s = least + 1; s <= RIVAL_SUM_MAX; s++)
		assert_true(fabs(r.tail[s] + r.tail[ranks - s + 1] - 1) < 1e-12);
	/* Mann and Whitney's U of 11 and 11: at most 30 is significant at 5 %, two-sided. */
	assert_true(r.tail[RIVAL_SUM_MAX - 30] <= 0.025);
	assert_true(r.tail[RIVAL_SUM_MAX - 31] > 0.025);
}

static void judge(enum rival rival, double effect, unsigned found)
{
	const struct sim_world w = {.noise = &calm, .cells = 20, .changed = 3, .effect = effect};
	struct sim_outcome o;

	for (uint64_t seed = 0; seed < 20; seed++) {
		assert_int_equal(rival_gate(rival, &w, seed, &o), 0);
		assert_int_equal(o.changed[GATE_REGRESSED], found);
		assert_int_equal(o.changed[GATE_UNCHANGED], 3 - found);
		assert_int_equal(o.innocent[GATE_REGRESSED], 0);
		assert_int_equal(o.innocent[GATE_UNCHANGED], 17);
	}
}

static void test_a_calm_machine(void **state)
{
	(void)state;
	for (enum rival r = 0; r < RIVALS; r++) {
		judge(r, 0.15, 3);
		judge(r, 0.05, r == RIVAL_SINGLE ? 0 : 3);
		judge(r, 0.01, 0);
		judge(r, -0.15, 0);
	}
}

/* Where days differ by 20 %, what is stored is of no use; what was run today does not mind. */
static void test_days_that_differ(void **state)
{
	const struct noise_class days = {"days", .run = 0.0005, .session = 0.2};
	const struct sim_world w = {.noise = &days, .cells = 20};
	unsigned alarms[RIVALS] = {0};
	struct sim_outcome o;

	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++)
		for (enum rival r = 0; r < RIVALS; r++) {
			assert_int_equal(rival_gate(r, &w, seed, &o), 0);
			alarms[r] += o.innocent[GATE_REGRESSED] > 0;
		}
	assert_in_range(alarms[RIVAL_SINGLE], 20, 50);
	assert_int_equal(alarms[RIVAL_BLOCKS], 0);
	assert_in_range(alarms[RIVAL_STORED], 30, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranksum),
		cmocka_unit_test(test_a_calm_machine),
		cmocka_unit_test(test_days_that_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

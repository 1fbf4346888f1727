// SPDX-License-Identifier: MIT
/* How much `cqe` times: all that fits the budget, then a sample, then slices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probes/cqe/cqe_rate.h"

static struct cqe_plan plan(double hits_per_s, double ns_per_hit)
{
	struct cqe_rate rate = {.hits_per_s = hits_per_s, .ns_per_hit = ns_per_hit, .share = 0.05};
	struct cqe_plan p;

	cqe_plan(&rate, &p);
	return p;
}

static void test_slow(void **state)
{
	(void)state;
	for (double hits = 0; hits <= 150e3; hits += 50e3) {
		assert_int_equal(plan(hits, 180).every, 1);
		assert_int_equal(plan(hits, 180).slice_ns, 0);
	}
}

/* 180 ns of 3.3 us are a little too much, what stays without timing is not. */
static void test_sampled(void **state)
{
	struct cqe_plan p = plan(300e3, 180);

	(void)state;
	assert_true(p.every > 1 && p.every < 16);
	assert_int_equal(p.slice_ns, 0);
	assert_true(plan(330e3, 180).every >= p.every);
}

static void test_sliced(void **state)
{
	struct cqe_plan p = plan(4e6, 160), faster = plan(8e6, 120);
	double on = (double)p.slice_ns / (double)(p.slice_ns + p.pause_ns);

	(void)state;
	assert_true(p.slice_ns > 0 && p.pause_ns > 0 && p.every > 1);
	assert_true(on * p.bare_share <= 0.0501);
	assert_true(on > 0.01);
	assert_true(faster.pause_ns >= p.pause_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_sampled),
		cmocka_unit_test(test_sliced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * SplitMix64 against the published vector for seed 1234567 (Rosetta Code and the Java and Rust
 * ports carry the same numbers), xoshiro256** against the vector of rust's rand_xoshiro (state
 * 1, 2, 3, 4), and that bounded draws stay in bounds and are even.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "harness/util/rng.h"

static void test_splitmix(void **state)
{
	static const uint64_t expected[] = {6457827717110365317u, 3203168211198807973u,
					    9817491932198370423u, 4593380528125082431u,
					    16408922859458223821u};
	uint64_t s = 1234567;

	(void)state;
	for (size_t i = 0; i < array_size(expected); i++)
		assert_true(rng_splitmix(&s) == expected[i]);
}

static void test_xoshiro(void **state)
{
	static const uint64_t expected[] = {11520u,
					    0u,
					    1509978240u,
					    1215971899390074240u,
					    1216172134540287360u,
					    607988272756665600u,
					    16172922978634559625u,
					    8476171486693032832u,
					    10595114339597558777u,
					    2904607092377533576u};
	struct rng r = {{1, 2, 3, 4}};

	(void)state;
	for (size_t i = 0; i < array_size(expected); i++)
		assert_true(rng_next(&r) == expected[i]);
}

static void test_bounds(void **state)
{
	unsigned counts[7] = {0};
	struct rng r;

	(void)state;
	rng_seed(&r, 0);
	for (int i = 0; i < 70000; i++)
		counts[rng_below(&r, array_size(counts))]++;
	for (size_t i = 0; i < array_size(counts); i++)
		assert_in_range(counts[i], 9500, 10500);
	for (int i = 0; i < 1000; i++) {
		double d = rng_double(&r);

		assert_true(d >= 0 && d < 1);
		assert_true(rng_below(&r, 1) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_splitmix),
		cmocka_unit_test(test_xoshiro),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

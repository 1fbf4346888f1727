// SPDX-License-Identifier: MIT
/* Edit distances known by hand, and which word wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "harness/util/nearest.h"

static void test_distance(void **state)
{
	static const struct {
		const char *a, *b;
		size_t distance;
	} rows[] = {
		{"", "", 0},
		{"", "abc", 3},
		{"run", "run", 0},
		{"rnu", "run", 1},
		{"kitten", "sitting", 3},
		{"RUN", "run", 0},
		{"report", "repot", 1},
		{"ca", "abc", 3},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		assert_int_equal(nearest_distance(rows[i].a, rows[i].b), rows[i].distance);
		assert_int_equal(nearest_distance(rows[i].b, rows[i].a), rows[i].distance);
	}
}

static void test_long_words_are_cut(void **state)
{
	char a[200], b[200];

	(void)state;
	for (size_t i = 0; i < sizeof(a) - 1; i++) {
		a[i] = 'a';
		b[i] = i < 63 ? 'a' : 'b';
	}
	a[199] = b[199] = 0;
	assert_int_equal(nearest_distance(a, b), 0);
}

static void test_first_of_equals_wins(void **state)
{
	struct nearest n = nearest_to("bat");

	(void)state;
	assert_null(n.best);
	nearest_offer(&n, "elephant");
	nearest_offer(&n, "cat");
	nearest_offer(&n, "hat");
	assert_string_equal(n.best, "cat");
	assert_int_equal(n.distance, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_long_words_are_cut),
		cmocka_unit_test(test_first_of_equals_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

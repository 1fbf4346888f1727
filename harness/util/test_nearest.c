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

/* Nothing is named that is not near: a wrong hint is worse than none. */
static void test_far_words_are_not_named(void **state)
{
	static const struct {
		const char *word, *offered, *hint;
	} rows[] = {
		{"windw", "dir", ""},
		{"comment", "name", ""},
		{"x", "dir", ""},
		{"ab", "xy", ""},
		{"", "a", ""},
		{"lgo", "log", "; the nearest is \"log\""},
		{"preallocation", "preallocate", "; the nearest is \"preallocate\""},
		{"preallocation", "partitions", ""},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct nearest n = nearest_to(rows[i].word);
		char hint[NEAREST_HINT_MAX];

		nearest_offer(&n, rows[i].offered);
		assert_string_equal(nearest_hint(&n, hint), rows[i].hint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_long_words_are_cut),
		cmocka_unit_test(test_first_of_equals_wins),
		cmocka_unit_test(test_far_words_are_not_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* CPU lists: right ones give the CPUs they name, wrong ones give nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "harness/util/cpuset.h"

static void lists(void **state)
{
	static const struct {
		const char *text;
		int code, count, first, last;
	} rows[] = {
		{"0", 0, 1, 0, 0},
		{"0-3", 0, 4, 0, 3},
		{"1,3,5", 0, 3, 1, 5},
		{"0-1,4-5", 0, 4, 0, 5},
		{"1023", 0, 1, 1023, 1023},
		{"1024", -ERANGE, 0, 0, 0},
		{"99999999999999999999", -ERANGE, 0, 0, 0},
		{"", -EINVAL, 0, 0, 0},
		{"a", -EINVAL, 0, 0, 0},
		{"1-", -EINVAL, 0, 0, 0},
		{"3-1", -EINVAL, 0, 0, 0},
		{"1,", -EINVAL, 0, 0, 0},
		{"1;2", -EINVAL, 0, 0, 0},
		{"-1", -EINVAL, 0, 0, 0},
		{" 1", -EINVAL, 0, 0, 0},
	};

	(void)state;
	for (unsigned i = 0; i < array_size(rows); i++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		assert_int_equal(cpuset_parse(rows[i].text, &set), rows[i].code);
		assert_int_equal(CPU_COUNT(&set), rows[i].count);
		if (!rows[i].code) {
			assert_true(CPU_ISSET(rows[i].first, &set));
			assert_true(CPU_ISSET(rows[i].last, &set));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lists)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

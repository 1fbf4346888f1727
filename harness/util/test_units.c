// SPDX-License-Identifier: MIT
/* Numbers with units: what is accepted, what is refused and how, and that formatting is exact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "harness/util/cleanup.h"
#include "harness/util/units.h"

enum kind { UINT, SIZE, RATE, TIME };

static int parse(enum kind kind, const char *text, uint64_t *ret)
{
	switch (kind) {
	case UINT:
		return units_parse_uint(text, ret);
	case SIZE:
		return units_parse_size(text, ret);
	case RATE:
		return units_parse_rate(text, ret);
	default:
		return units_parse_time(text, ret);
	}
}

static const struct {
	enum kind kind;
	const char *text;
	int rc;
	uint64_t value;
} parsed[] = {
	{UINT, "0", 0, 0},
	{UINT, "18446744073709551615", 0, UINT64_MAX},
	{UINT, "18446744073709551616", -ERANGE, 0},
	{UINT, "", -EINVAL, 0},
	{UINT, "-1", -EINVAL, 0},
	{UINT, "1.0", -EINVAL, 0},
	{UINT, " 1", -EINVAL, 0},
	{SIZE, "4096", 0, 4096},
	{SIZE, "4k", 0, 4096},
	{SIZE, "4K", 0, 4096},
	{SIZE, "4KiB", 0, 4096},
	{SIZE, "0.5k", 0, 512},
	{SIZE, "64M", 0, 64ull << 20},
	{SIZE, "1GiB", 0, 1ull << 30},
	{SIZE, "8388608G", 0, 1ull << 53},
	{SIZE, "8388609G", -ERANGE, 0},
	{SIZE, "1T", 0, 1ull << 40},
	{SIZE, "8192TiB", 0, 1ull << 53},
	{SIZE, "4kB", 0, 4096},
	{SIZE, "4kiB", 0, 4096},
	{SIZE, "4Ki", 0, 4096},
	{SIZE, "4B", 0, 4},
	{SIZE, "4iB", -EINVAL, 0},
	{SIZE, "4i", -EINVAL, 0},
	{SIZE, "4kBi", -EINVAL, 0},
	{SIZE, "4m", -EINVAL, 0},
	{SIZE, "4P", -EINVAL, 0},
	{SIZE, "B", -EINVAL, 0},
	{RATE, "0", 0, 0},
	{RATE, "10k", 0, 10000},
	{RATE, "10K", 0, 10000},
	{RATE, "1.5M", 0, 1500000},
	{RATE, "1G", 0, 1000000000},
	{RATE, "1T", -EINVAL, 0},
	{RATE, "1kB", -EINVAL, 0},
	{RATE, "1Ki", -EINVAL, 0},
	{RATE, "1/s", -EINVAL, 0},
	{RATE, "0.5", -ERANGE, 0},
	{SIZE, "99999999999999999999999", -ERANGE, 0},
	{SIZE, "0.3k", -ERANGE, 0},
	{SIZE, "4x", -EINVAL, 0},
	{SIZE, "4 k", -EINVAL, 0},
	{SIZE, "k", -EINVAL, 0},
	{SIZE, "", -EINVAL, 0},
	{SIZE, ".5k", -EINVAL, 0},
	{SIZE, "5.k", -EINVAL, 0},
	{SIZE, "1.2.3k", -EINVAL, 0},
	{SIZE, "-4k", -EINVAL, 0},
	{TIME, "10m", 0, 600 * 1000000000ull},
	{TIME, "10min", 0, 600 * 1000000000ull},
	{TIME, "0", 0, 0},
	{TIME, "500ms", 0, 500000000},
	{TIME, "1.5s", 0, 1500000000},
	{TIME, "20us", 0, 20000},
	{TIME, "1ns", 0, 1},
	{TIME, "2min", 0, 120000000000},
	{TIME, "1h", 0, 3600000000000},
	{TIME, "0.5ns", -ERANGE, 0},
	{TIME, "5", -EINVAL, 0},
	{TIME, "5sec", -EINVAL, 0},
	{TIME, "99999999h", -ERANGE, 0},
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(parsed); i++) {
		uint64_t value = 77;

		print_message("%s\n", parsed[i].text);
		assert_int_equal(parse(parsed[i].kind, parsed[i].text, &value), parsed[i].rc);
		assert_true(value == (parsed[i].rc ? 77 : parsed[i].value));
	}
}

static void test_format(void **state)
{
	static const struct {
		enum kind kind;
		uint64_t value;
		const char *text;
	} rows[] = {
		{SIZE, 0, "0"},
		{SIZE, 1, "1"},
		{SIZE, 4096, "4k"},
		{SIZE, 4097, "4097"},
		{SIZE, 1ull << 20, "1M"},
		{SIZE, 1ull << 42, "4T"},
		{SIZE, 1ull << 53, "8192T"},
		{RATE, 0, "0"},
		{RATE, 1500, "1500"},
		{RATE, 10000, "10k"},
		{RATE, 1500000, "1500k"},
		{RATE, 3000000000, "3G"},
		{TIME, 0, "0"},
		{TIME, 1, "1ns"},
		{TIME, 1500, "1.5us"},
		{TIME, 200000000, "200ms"},
		{TIME, 1000000001, "1.000000001s"},
		{TIME, 90000000000, "90s"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		char buf[UNITS_TEXT_MAX];
		uint64_t back;

		if (rows[i].kind == SIZE)
			assert_string_equal(units_format_size(rows[i].value, buf), rows[i].text);
		else if (rows[i].kind == RATE)
			assert_string_equal(units_format_rate(rows[i].value, buf), rows[i].text);
		else
			assert_string_equal(units_format_time(rows[i].value, buf), rows[i].text);
		assert_int_equal(parse(rows[i].kind, buf, &back), 0);
		assert_true(back == rows[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

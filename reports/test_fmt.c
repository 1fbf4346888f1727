// SPDX-License-Identifier: MIT
/* Figures for people: rounding at the edges of units, what is not a number, control characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "harness/util/cleanup.h"
#include "reports/fmt.h"

static void test_values(void **state)
{
	static const struct {
		double v;
		const char *unit, *want;
	} rows[] = {
		{0, "ns", "0 ns"},	  {999, "ns", "999 ns"},     {999.6, "ns", "1.00 us"},
		{1234, "ns", "1.23 us"},  {99950, "ns", "100 us"},   {1e9, "ns", "1.00 s"},
		{3.6e12, "ns", "3600 s"}, {12345, "1/s", "12.3k/s"}, {999999, "1/s", "1.00M/s"},
		{7, "1/s", "7/s"},	  {2.5, "1", "2.50"},	     {65536, "bytes", "64.0 KiB"},
		{98.5, "%", "98.5 %"},	  {NAN, "ns", "-"},	     {INFINITY, "1/s", "-"},
		{-1500, "1", "-1.50k"},
	};
	char buf[FMT_MAX];

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_string_equal(fmt_value(buf, rows[i].v, rows[i].unit, false), rows[i].want);
	assert_string_equal(fmt_value(buf, 1500, "ns", true), "1.50 µs");
}

static void test_spans(void **state)
{
	char buf[FMT_MAX];

	(void)state;
	assert_string_equal(fmt_span(buf, 1.25), "1.2 s");
	assert_string_equal(fmt_span(buf, 59.4), "59 s");
	assert_string_equal(fmt_span(buf, 200), "3 min 20 s");
	assert_string_equal(fmt_span(buf, 3900), "1 h 5 min");
}

static void test_safe(void **state)
{
	char buf[8];

	(void)state;
	assert_string_equal(fmt_safe(buf, sizeof(buf), "a\033[31mb"), "a [31mb");
	assert_string_equal(fmt_safe(buf, sizeof(buf),
				     "\xc2\x9b"
				     "31m"),
			    " 31m");
	assert_string_equal(fmt_safe(buf, sizeof(buf),
				     "\x9b"
				     "2J\xc3\x9b\x9b"),
			    " 2J\xc3\x9b ");
	assert_string_equal(fmt_safe(buf, sizeof(buf), "\xe2\x82z\x82"), "\xe2\x82z ");
	assert_string_equal(fmt_safe(buf, sizeof(buf), "\xf0\x9f\x98\x80\x80"),
			    "\xf0\x9f\x98\x80 ");
	assert_string_equal(fmt_safe(buf, sizeof(buf), "µs\n"), "µs ");
	assert_string_equal(fmt_safe(buf, 4, "abcdef"), "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_spans),
		cmocka_unit_test(test_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

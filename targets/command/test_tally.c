// SPDX-License-Identifier: MIT
/* What a program's lines come to: operations by the time they are about, metrics by the time they
 * were told at; and which lines make no sense. The window is from 1000 to 2000 ns. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "targets/command/tally.h"

#define NEAR 1e-6

static struct tally fresh(void)
{
	return (struct tally){.own_common = true, .begin_ns = 1000, .end_ns = 2000};
}

static void tell(struct tally *t, const char *line, uint64_t *since, uint64_t now)
{
	struct err err = {""};

	if (tally_line(t, line, since, now, &err))
		fail_msg("%s: %s", line, err.text);
}

static void test_operations_are_spread_over_their_time(void **state)
{
	struct tally t = fresh();
	uint64_t since = 500;
	double sum = 0;

	(void)state;
	tell(&t, "{\"operations\": 100}", &since, 1500); /* half of it inside */
	assert_float_equal(t.operations, 50, NEAR);
	assert_int_equal(since, 1500);
	tell(&t, "{\"operations\": 10}", &since, 1600);
	tell(&t, "{\"operations\": 0}", &since, 1900);
	tell(&t, "{\"operations\": 40}", &since, 2100); /* half of it inside */
	assert_float_equal(t.operations, 80, NEAR);
	assert_int_equal(t.covered_ns, 1000);
	assert_int_equal(t.longest_ns, 1000);
	assert_int_equal(t.lines, 4);
	for (unsigned i = 0; i < TALLY_POINTS; i++)
		sum += t.points[i];
	assert_float_equal(sum, 80, NEAR);
	assert_float_equal(t.points[0], 2, NEAR);  /* 20 ns at 0.1 each */
	assert_float_equal(t.points[35], 0, NEAR); /* from 1700 on: none */
	assert_float_equal(t.points[49], 4, NEAR); /* at 0.2 */
}

static void test_outside_counts_nothing(void **state)
{
	struct tally t = fresh();
	uint64_t since = 0;

	(void)state;
	tell(&t, "{\"operations\": 100}", &since, 900);
	since = 2000;
	tell(&t, "{\"operations\": 100}", &since, 2500);
	assert_float_equal(t.operations, 0, NEAR);
	assert_int_equal(t.covered_ns, 0);
}

static void test_without_a_window_nothing_counts(void **state)
{
	struct tally t = {.own_common = true};
	uint64_t since = 100;

	(void)state;
	tell(&t, "{\"operations\": 100}", &since, 900);
	tell(&t, "{\"metric\": \"x\", \"value\": 7}", &since, 900);
	assert_float_equal(t.operations, 0, NEAR);
	assert_int_equal(since, 900);
	t.begin_ns = 1000;
	t.end_ns = 2000;
	tell(&t, "{\"operations\": 30}", &since, 1200);
	assert_float_equal(t.operations, 20, NEAR);
	assert_float_equal(tally_value(tally_find(&t, "x")), 7, NEAR);
}

static void test_seconds_say_what_a_line_is_about(void **state)
{
	struct tally t = fresh();
	uint64_t since = 0;

	(void)state;
	tell(&t, "{\"operations\": 100, \"seconds\": 2e-7}", &since, 1500);
	assert_float_equal(t.operations, 100, NEAR);
	assert_int_equal(t.covered_ns, 200);
	/* The same time again, by another thread of the program. */
	tell(&t, "{\"operations\": 100, \"seconds\": 2e-7}", &since, 1500);
	assert_float_equal(t.operations, 200, NEAR);
	assert_int_equal(t.covered_ns, 200);
}

static void test_two_lines_in_one_instant(void **state)
{
	struct tally t = fresh();
	uint64_t since = 1200;

	(void)state;
	tell(&t, "{\"operations\": 5}", &since, 1200);
	assert_float_equal(t.operations, 5, NEAR);
}

static void test_silence_is_no_work(void **state)
{
	struct tally t = fresh();
	uint64_t since = 1000;

	(void)state;
	tell(&t, "{\"operations\": 100}", &since, 1500);
	tally_silence(&t, since, 2000);
	assert_float_equal(t.operations, 100, NEAR);
	assert_int_equal(t.covered_ns, 1000);
}

static void test_metrics_of_the_window_are_averaged(void **state)
{
	struct tally t = fresh();
	const struct tally_metric *m;
	uint64_t since = 0;

	(void)state;
	tell(&t, "{\"metric\":\"hits\",\"value\":90,\"unit\":\"%\",\"better\":\"higher\"}", &since,
	     500);
	m = tally_find(&t, "hits");
	assert_float_equal(tally_value(m), 90, NEAR);
	tell(&t, "{\"metric\":\"hits\",\"value\":10,\"unit\":\"%\",\"better\":\"higher\"}", &since,
	     1000);
	tell(&t, "{\"metric\":\"hits\",\"value\":20,\"unit\":\"%\",\"better\":\"higher\"}", &since,
	     1999);
	tell(&t, "{\"metric\":\"hits\",\"value\":70,\"unit\":\"%\",\"better\":\"higher\"}", &since,
	     2000);
	assert_float_equal(tally_value(m), 15, NEAR);
	assert_string_equal(m->unit, "%");
	assert_int_equal(m->better, BETTER_HIGHER);
	assert_null(tally_find(&t, "miss"));
}

static void test_other_lines_are_nobodys(void **state)
{
	static const char *const lines[] = {
		"", "ready", "[1]", "{\"level\": \"info\"}", "7", "x {\"operations\": 1}"};
	struct tally t = fresh();
	uint64_t since = 1100;

	(void)state;
	for (size_t i = 0; i < array_size(lines); i++)
		tell(&t, lines[i], &since, 1500);
	assert_int_equal(t.lines + t.n_metrics + t.broken, 0);
	tell(&t, "{broken", &since, 1500);
	tell(&t, "{\"operations\": 1} and more", &since, 1500);
	assert_int_equal(t.broken, 2);
	assert_int_equal(since, 1100);
}

static void test_what_makes_no_sense_is_an_error(void **state)
{
	static const char *const lines[] = {
		"{\"operations\": -1}",
		"{\"operations\": \"5\"}",
		"{\"operations\": null}",
		"{\"operations\": 1e999}",
		"{\"operations\": 1, \"seconds\": 0}",
		"{\"operations\": 1, \"seconds\": \"1\"}",
		"{\"metric\": \"x\"}",
		"{\"metric\": \"x\", \"value\": \"3\"}",
		"{\"metric\": \"a b\", \"value\": 3}",
		"{\"metric\": \"\", \"value\": 3}",
		"{\"metric\": 5, \"value\": 3}",
		"{\"metric\": \"x\", \"value\": 3, \"unit\": 5}",
		"{\"metric\": \"x\", \"value\": 3, \"unit\": \"<b>\"}",
		"{\"metric\": \"x\", \"value\": 3, \"unit\": \"a\\n# x\"}",
		"{\"metric\": \"x\", \"value\": 3, \"unit\": \"\xc2\"}",
		"{\"metric\": \"x\", \"value\": 1.7e308}",
		"{\"operations\": 1e300}",
		"{\"metric\": \"x\", \"value\": 3, \"unit\": \"\"}",
		"{\"metric\": \"x\", \"value\": 3, \"unit\": \"0123456789abcdef\"}",
		"{\"metric\": \"x\", \"value\": 3, \"better\": \"more\"}",
		"{\"metric\": \"cpu_per_op\", \"value\": 3, \"unit\": \"ns\"}",
		"{\"metric\": \"errors\", \"value\": 3}",
		"{\"metric\": \"latency_p99\", \"value\": 3, \"unit\": \"ms\"}",
		"{\"metric\": \"operation_rate\", \"value\": 3, \"unit\": \"1/s\"}",
		"{\"metric\": \"same\", \"value\": 3, \"unit\": \"other\"}",
	};
	struct tally t = fresh();
	uint64_t since = 0;

	(void)state;
	tell(&t, "{\"metric\": \"same\", \"value\": 1}", &since, 1500);
	for (size_t i = 0; i < array_size(lines); i++) {
		struct err err = {""};

		if (tally_line(&t, lines[i], &since, 1500, &err) != -EPROTO)
			fail_msg("%s was taken", lines[i]);
		assert_int_equal(strncmp(err.text, "stdout: \"{", 10), 0);
	}
	assert_int_equal(t.n_metrics, 1);
}

static void test_common_metrics_are_told_by_those_who_may(void **state)
{
	static const char line[] = "{\"metric\": \"latency_p99\", \"value\": 3, \"unit\": \"ns\"}";
	struct tally t = fresh();
	uint64_t since = 0;
	struct err err;

	(void)state;
	tell(&t, line, &since, 1500);
	assert_int_equal(tally_find(&t, "latency_p99")->better, BETTER_LOWER);
	t = fresh();
	t.own_common = false;
	assert_int_equal(tally_line(&t, line, &since, 1500, &err), -EPROTO);
	/* Of a server, only the program's operations are asked for. */
	assert_int_equal(tally_line(&t, "{\"operations\": 1}", NULL, 1500, &err), -EPROTO);
}

static void test_too_many_metrics(void **state)
{
	struct tally t = fresh();
	uint64_t since = 0;
	struct err err;
	char line[64];

	(void)state;
	for (unsigned i = 0; i < TALLY_METRICS_MAX; i++) {
		snprintf(line, sizeof(line), "{\"metric\": \"m%u\", \"value\": 1}", i);
		tell(&t, line, &since, 1500);
	}
	tell(&t, line, &since, 1600);
	assert_int_equal(tally_line(&t, "{\"metric\": \"one\", \"value\": 1}", &since, 1500, &err),
			 -EPROTO);
}

static void test_lanes_are_merged(void **state)
{
	struct tally a = fresh(), b = fresh(), sum = {.own_common = true};
	uint64_t since_a = 1000, since_b = 1000;
	struct err err;

	(void)state;
	tell(&a, "{\"operations\": 5}", &since_a, 1500);
	tell(&a, "{\"metric\": \"x\", \"value\": 1}", &since_a, 1500);
	tell(&b, "{\"operations\": 7}", &since_b, 1500);
	tell(&b, "{\"metric\": \"x\", \"value\": 2}", &since_b, 1500);
	tell(&b, "{\"metric\": \"x\", \"value\": 3}", &since_b, 1500);
	assert_int_equal(tally_merge(&sum, &a, &err), 0);
	assert_int_equal(tally_merge(&sum, &b, &err), 0);
	assert_float_equal(sum.operations, 12, NEAR);
	assert_int_equal(sum.lines, 2);
	assert_float_equal(tally_value(tally_find(&sum, "x")), 2, NEAR);
	b = fresh();
	tell(&b, "{\"metric\": \"x\", \"value\": 2, \"unit\": \"ms\"}", &since_b, 1500);
	assert_int_equal(tally_merge(&sum, &b, &err), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operations_are_spread_over_their_time),
		cmocka_unit_test(test_outside_counts_nothing),
		cmocka_unit_test(test_without_a_window_nothing_counts),
		cmocka_unit_test(test_seconds_say_what_a_line_is_about),
		cmocka_unit_test(test_two_lines_in_one_instant),
		cmocka_unit_test(test_silence_is_no_work),
		cmocka_unit_test(test_metrics_of_the_window_are_averaged),
		cmocka_unit_test(test_other_lines_are_nobodys),
		cmocka_unit_test(test_what_makes_no_sense_is_an_error),
		cmocka_unit_test(test_common_metrics_are_told_by_those_who_may),
		cmocka_unit_test(test_too_many_metrics),
		cmocka_unit_test(test_lanes_are_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

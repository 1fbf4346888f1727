// SPDX-License-Identifier: MIT
/* Counts of a record by hand, and that what is known in part only is not known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "harness/metric.h"
#include "harness/session/counts.h"
#include "harness/util/cleanup.h"

#define RECORD                                                          \
	"{\"histograms\":{\"service\":{\"count\":100}},\"usage\":{"     \
	"\"harness\":{\"voluntary\":7},\"driver\":{\"voluntary\":150}," \
	"\"kernel:iou-wrk\":{\"voluntary\":50},\"ended\":{\"cpu_ns\":1}}}"
#define PROBE(name, rest)                                                          \
	"\"" name "\":{\"status\":\"ok\",\"lost\":0,\"map_full\":0,\"sampling\":{" \
	"\"every\":1,\"share\":1}," rest "}"
#define CALLS                                                                      \
	"\"calls\":[{\"role\":\"driver\",\"syscall\":\"pwrite64\",\"count\":100}," \
	"{\"role\":\"driver\",\"syscall\":\"fdatasync\",\"count\":50},"            \
	"{\"role\":\"harness\",\"syscall\":\"read\",\"count\":9}]"
#define RINGS                                    \
	"\"rings\":[{\"punts\":25,\"opcodes\":[" \
	"{\"opcode\":\"FSYNC\",\"submitted\":10},{\"opcode\":\"WRITE\",\"submitted\":90}]}]"

static const struct {
	const char *probes, *name;
	double expected; /* NAN: not known */
} cases[] = {
	{"{}", "switches", 2},
	{"{}", "syscalls", NAN},
	{"{" PROBE("syscalls", CALLS) "}", "syscalls", 1.5},
	{"{" PROBE("syscalls", CALLS) "}", "fsyncs", 0.5},
	{"{" PROBE("syscalls", CALLS) "," PROBE("cqe", RINGS) "}", "fsyncs", 0.6},
	{"{" PROBE("syscalls", CALLS) ",\"cqe\":{\"status\":\"failed\"}}", "fsyncs", NAN},
	{"{" PROBE("cqe", RINGS) "}", "punts", 0.25},
	{"{" PROBE("lock", "\"futex_calls\":[{\"role\":\"driver\",\"slept\":3}]") "}",
	 "futex_waits", 0.03},
	{"{" PROBE("lock", "\"futex_calls\":null") "}", "futex_waits", NAN},
	{"{" PROBE("block", "\"devices\":[{\"by\":\"watched\",\"bytes\":4096},"
			    "{\"by\":\"others\",\"bytes\":1}]") "}",
	 "bytes", 40.96},
	{"{\"syscalls\":{\"status\":\"ok\",\"lost\":1," CALLS "}}", "syscalls", NAN},
	{"{\"syscalls\":{\"status\":\"ok\",\"sampling\":{\"share\":0.5}," CALLS "}}", "syscalls",
	 NAN},
	{"{\"syscalls\":{\"status\":\"unsupported\"}}", "syscalls", NAN},
	{"{}", "none-such", NAN},
};

static void test_cases(void **state)
{
	_cleanup_json_ cJSON *record = cJSON_Parse(RECORD);

	(void)state;
	assert_non_null(record);
	for (size_t i = 0; i < array_size(cases); i++) {
		_cleanup_json_ cJSON *probes = cJSON_Parse(cases[i].probes);
		double found;

		assert_non_null(probes);
		found = counts_of(record, probes, cases[i].name);
		print_message("%s of %s: %g\n", cases[i].name, cases[i].probes, found);
		if (isnan(cases[i].expected))
			assert_true(isnan(found));
		else
			assert_true(fabs(found - cases[i].expected) < 1e-9);
	}
}

static void test_no_operations(void **state)
{
	_cleanup_json_ cJSON *record =
		cJSON_Parse("{\"usage\":{\"driver\":{\"voluntary\":1}},\"histograms\":{}}");

	(void)state;
	assert_true(isnan(counts_of(record, NULL, "switches")));
	assert_true(isnan(counts_of(NULL, NULL, "switches")));
}

/* Every count that a matrix may name is one that is made here. */
static void test_every_metric_has_a_count(void **state)
{
	_cleanup_json_ cJSON *record = cJSON_Parse(RECORD);

	(void)state;
	for (const struct metric *m = count_metrics; m->name; m++)
		assert_true(counts_probe(m->name) || !isnan(counts_of(record, NULL, m->name)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_no_operations),
		cmocka_unit_test(test_every_metric_has_a_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* From counts to figures: when a quantile, a verdict on steadiness or Little's law may be told. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/drive/drive.h"
#include "harness/drive/procstat.h"
#include "harness/drive/roles.h"
#include "harness/drive/run_report.h"
#include "harness/result.h"
#include "harness/target.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"

static const struct workload_ops workload = {.name = "fake"};
static const struct target_ops target = {.workload = "fake", .name = "fake"};

struct bench {
	struct cell cell;
	struct run run;
	struct drive_result drive;
	struct result result;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct err err;

	b->cell = (struct cell){.workload = &workload,
				.target = &target,
				.axes = {.threads = 1, .depth = 1, .batch = 1}};
	b->run.cell = &b->cell;
	b->run.axes = &b->cell.axes;
	b->run.roles = roles_new();
	b->drive.window = (struct window){.begin_ns = 1, .end_ns = 1 + NSEC_PER_SEC};
	b->drive.interval_ns = NSEC_PER_SEC / SERIES_POINTS;
	hist_init(&b->drive.service);
	hist_init(&b->drive.intended);
	hist_init(&b->drive.lateness);
	result_init(&b->result, &b->run);
	*state = b;
	if (procstat_begin(NULL, &b->drive.procstat, &err))
		return -1;
	return procstat_end(b->drive.procstat, &err);
}

static int teardown(void **state)
{
	struct bench *b = *state;

	result_free(&b->result);
	procstat_free(b->drive.procstat);
	roles_free(b->run.roles);
	free(b);
	return 0;
}

/* n operations of took_ns each, spread evenly, but for the factor of the second half. */
static void report(struct bench *b, uint64_t n, uint64_t took_ns, double second_half)
{
	for (unsigned i = 0; i < SERIES_POINTS; i++) {
		double share = (double)n / SERIES_POINTS;

		b->drive.series_ops[i] =
			(uint64_t)(i < SERIES_POINTS / 2 ? share : share * second_half);
	}
	if (n)
		hist_record_n(&b->drive.service, took_ns, n);
	b->drive.window.ops = n;
	b->drive.in_flight = (double)n * (double)took_ns / (double)NSEC_PER_SEC;
	run_report(&b->run, &b->drive, &b->result);
}

static const cJSON *at(const cJSON *o, const char *a, const char *b)
{
	const cJSON *item = cJSON_GetObjectItem(cJSON_GetObjectItem(o, a), b);

	assert_non_null(item);
	return item;
}

/* The quantile q needs 10 / (1 - q) values: 20, 1000 and 10000. */
static void quantiles_need_their_values(void **state)
{
	static const struct {
		uint64_t n;
		int p50, p99, p999;
	} rows[] = {{19, 0, 0, 0},   {20, 1, 0, 0},   {999, 1, 0, 0},
		    {1000, 1, 1, 0}, {9999, 1, 1, 0}, {10000, 1, 1, 1}};

	for (unsigned i = 0; i < array_size(rows); i++) {
		struct bench *b;

		assert_int_equal(setup(state), 0);
		b = *state;
		report(b, rows[i].n, 1000, 1);
		assert_int_equal(cJSON_IsNumber(at(b->result.metrics, "latency_p50", "value")),
				 rows[i].p50);
		assert_int_equal(cJSON_IsNumber(at(b->result.metrics, "latency_p99", "value")),
				 rows[i].p99);
		assert_int_equal(cJSON_IsNumber(at(b->result.metrics, "latency_p999", "value")),
				 rows[i].p999);
		if (!rows[i].p999)
			assert_true(
				cJSON_IsString(at(b->result.metrics, "latency_p999", "reason")));
		teardown(state);
	}
}

static void steadiness_is_told_when_it_can_be(void **state)
{
	enum { UNTOLD, STEADY, UNSTEADY };
	static const struct {
		uint64_t n;
		double second_half;
		int verdict;
	} rows[] = {{0, 1, UNTOLD},	   {300, 1, UNTOLD},	   {50000, 1, STEADY},
		    {50000, 1.08, STEADY}, {50000, 1.2, UNSTEADY}, {50000, 0.8, UNSTEADY},
		    {5000, 1, STEADY},	   {5000, 0.5, UNSTEADY}};

	for (unsigned i = 0; i < array_size(rows); i++) {
		const cJSON *steady;
		struct bench *b;

		assert_int_equal(setup(state), 0);
		b = *state;
		report(b, rows[i].n, 1000, rows[i].second_half);
		steady = cJSON_GetObjectItem(b->result.series, "steady");
		assert_int_equal(cJSON_IsNull(steady)	? UNTOLD
				 : cJSON_IsTrue(steady) ? STEADY
							: UNSTEADY,
				 rows[i].verdict);
		teardown(state);
	}
}

static void little_needs_both_accounts(void **state)
{
	struct bench *b;

	assert_int_equal(setup(state), 0);
	b = *state;
	report(b, 1000, 990000, 1);
	assert_true(cJSON_IsTrue(at(b->result.extra, "little", "ok")));
	assert_true(cJSON_IsTrue(at(b->result.extra, "little", "full")));
	/* Half of the operations forgotten by one of the two. */
	result_free(&b->result);
	result_init(&b->result, &b->run);
	b->drive.in_flight *= 2;
	run_report(&b->run, &b->drive, &b->result);
	assert_true(cJSON_IsFalse(at(b->result.extra, "little", "ok")));
	teardown(state);

	assert_int_equal(setup(state), 0);
	b = *state;
	report(b, 0, 1000, 1);
	assert_true(cJSON_IsNull(at(b->result.extra, "little", "ok")));
	teardown(state);
}

static bool is_noted(const struct bench *b, const char *says)
{
	const cJSON *note;

	cJSON_ArrayForEach (note, b->result.notes)
		if (strstr(cJSON_GetStringValue(note), says))
			return true;
	return false;
}

static void backlog_is_told(void **state)
{
	struct bench *b;

	assert_int_equal(setup(state), 0);
	b = *state;
	b->cell.axes.rate = 100;
	b->drive.started = 70;
	b->drive.backlog = 30;
	report(b, 0, 1000, 1);
	assert_int_equal((int)at(b->result.extra, "open_loop", "offered")->valuedouble, 100);
	assert_int_equal((int)at(b->result.extra, "open_loop", "backlog")->valuedouble, 30);
	assert_true(cJSON_IsNull(at(b->result.metrics, "lateness_max", "value")));
	assert_true(is_noted(b, "30 starts were due"));
	teardown(state);
}

/* The samples of the fixture are taken at once, and its window is a second long. */
static void usage_of_another_interval_is_not_used(void **state)
{
	uint64_t interval;
	struct bench *b;

	assert_int_equal(setup(state), 0);
	b = *state;
	report(b, 1000, 1000, 1);
	assert_true(cJSON_IsNull(at(b->result.metrics, "cpu_per_op", "value")));
	assert_true(is_noted(b, "usage is not of the window"));
	teardown(state);

	assert_int_equal(setup(state), 0);
	b = *state;
	interval = procstat_interval_ns(b->drive.procstat);
	b->drive.window.end_ns = b->drive.window.begin_ns + interval;
	report(b, 1000, 1000, 1);
	assert_true(cJSON_IsNumber(at(b->result.metrics, "cpu_per_op", "value")));
	assert_false(is_noted(b, "usage"));
	teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_need_their_values),
		cmocka_unit_test(steadiness_is_told_when_it_can_be),
		cmocka_unit_test(little_needs_both_accounts),
		cmocka_unit_test(backlog_is_told),
		cmocka_unit_test(usage_of_another_interval_is_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

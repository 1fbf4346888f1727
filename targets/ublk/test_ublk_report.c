// SPDX-License-Identifier: MIT
/* Counters that are known, and the figures that they come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "harness/cell.h"
#include "harness/run.h"
#include "harness/util/cleanup.h"
#include "harness/workload.h"
#include "targets/targets.h"
#include "targets/ublk/ublk_report.h"

#define QUEUES	2u
#define TASKS	2u
#define THREADS 2u

struct fixture {
	struct ublk_config config;
	struct ublk_thread_counts threads[THREADS][2];
	struct ublk_queue_counts queues[QUEUES * TASKS][2];
	struct ublk_setup setup;
	struct workload_ops workload;
	struct cell cell;
	struct run run;
	struct result result;
};

static void begin(struct fixture *f)
{
	*f = (struct fixture){
		.config = {.queues = QUEUES, .queue_tasks = TASKS},
		.workload = {.name = "block"},
	};
	f->setup = (struct ublk_setup){.config = &f->config,
				       .dev = {.queues = QUEUES},
				       .threads = THREADS,
				       .thread_counts = f->threads,
				       .queue_counts = f->queues};
	f->cell.workload = &f->workload;
	f->cell.target = &target_block_ublk;
	f->run.cell = &f->cell;
	result_init(&f->result, &f->run);
	f->result.processes =
		cJSON_Parse("[{\"cpu_ns\": 4000, \"voluntary\": 30, \"involuntary\": 10},"
			    " {\"cpu_ns\": 7, \"voluntary\": 7, \"involuntary\": 7}]");
}

static double metric(const struct fixture *f, const char *name)
{
	const cJSON *m = cJSON_GetObjectItemCaseSensitive(f->result.metrics, name);

	assert_non_null(m);
	return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(m, "value"));
}

/* The second task of queue 0 counts for it, too; what was outside the window never does. */
static void test_figures(void **state)
{
	const cJSON *table, *row;
	struct fixture f;

	(void)state;
	begin(&f);
	f.queues[0][true].ops[UBLK_IO_OP_READ] = 40;
	f.queues[1][true].ops[UBLK_IO_OP_WRITE] = 20;
	f.queues[1][true].bytes = 4096;
	f.queues[3][true].ops[UBLK_IO_OP_FLUSH] = 20;
	f.queues[3][true].errors = 3;
	f.queues[2][false].ops[UBLK_IO_OP_READ] = 1000;
	f.threads[0][true] = (struct ublk_thread_counts){.enters = 15, .lock = {60, 8, 160}};
	f.threads[1][true].enters = 5;
	f.threads[1][false].enters = 1000;
	ublk_report(&f.result, &f.setup);
	assert_float_equal(metric(&f, "requests_per_enter"), 4.0, 1e-9);
	assert_float_equal(metric(&f, "server_switches_per_io"), 0.5, 1e-9);
	assert_float_equal(metric(&f, "server_cpu_per_io"), 50.0, 1e-9);
	assert_float_equal(metric(&f, "contended_per_io"), 0.1, 1e-9);
	assert_float_equal(metric(&f, "lock_wait_per_io"), 2.0, 1e-9);
	assert_float_equal(metric(&f, "queue_imbalance"), 1.5, 1e-9);

	table = cJSON_GetObjectItemCaseSensitive(f.result.detail, "queues");
	row = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(table, "rows"), 0);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(table, "columns")),
			 cJSON_GetArraySize(row));
	assert_int_equal(cJSON_GetArrayItem(row, 1)->valueint, 60);
	assert_int_equal(cJSON_GetArrayItem(row, 7)->valueint, 4096);
	row = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(table, "rows"), 1);
	assert_int_equal(cJSON_GetArrayItem(row, 4)->valueint, 20);
	assert_int_equal(cJSON_GetArrayItem(row, 8)->valueint, 3);
	result_free(&f.result);
}

static void no_figure(const struct fixture *f, const char *name, const char *says)
{
	const cJSON *o = cJSON_GetObjectItemCaseSensitive(f->result.metrics, name);
	const char *reason = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, "reason"));

	assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(o, "value")));
	assert_non_null(reason);
	assert_non_null(strstr(reason, says));
}

/* Its counts stay, its CPU time went with it; or that is of another interval. */
static void test_usage_unknown(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.queues[0][true].ops[UBLK_IO_OP_READ] = 40;
	f.threads[0][true].enters = 10;
	cJSON_DeleteItemFromObject(cJSON_GetArrayItem(f.result.processes, 0), "cpu_ns");
	ublk_report(&f.result, &f.setup);
	no_figure(&f, "server_cpu_per_io", "ended in the window");
	no_figure(&f, "server_switches_per_io", "ended in the window");
	assert_float_equal(metric(&f, "requests_per_enter"), 4.0, 1e-9);
	strcpy(f.result.no_usage.text, "read late");
	ublk_report(&f.result, &f.setup);
	no_figure(&f, "server_cpu_per_io", "read late");
	result_free(&f.result);
}

static void test_nothing_answered(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.threads[0][true].enters = 1;
	ublk_report(&f.result, &f.setup);
	for (const struct metric *m = ublk_metrics + 1; m->name; m++) {
		const cJSON *o = cJSON_GetObjectItemCaseSensitive(f.result.metrics, m->name);

		assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(o, "value")));
		assert_non_null(cJSON_GetObjectItemCaseSensitive(o, "reason"));
	}
	result_free(&f.result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_nothing_answered),
		cmocka_unit_test(test_usage_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

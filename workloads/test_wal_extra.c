// SPDX-License-Identifier: MIT
/* The time that a log's size asks for beyond the window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/cell.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "workloads/workloads.h"

static void *knob(void *config, const char *name)
{
	const struct param *p = workload_wal.params;

	while (p->name && strcmp(p->name, name) != 0)
		p++;
	assert_non_null(p->name);
	return (char *)config + p->offset;
}

static void test_extra(void **state)
{
	static const struct {
		uint64_t partitions, log_bytes;
		int preallocate; /* in the order of the choices: none, fallocate, zero */
		uint64_t seconds;
	} rows[] = {
		{1, 100000000, 2, 2 + 1},
		{1, 100000000, 0, 1},
		{1, 100000000, 1, 1},
		{128, 100000000, 2, 128 * 3}, /* a default deadline of 30 s or so would not do */
		{1, 4096, 2, 0},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_free_ void *config = calloc(1, workload_wal.config_size);
		struct cell cell = {.workload_config = config};

		assert_non_null(config);
		*(uint64_t *)knob(config, "partitions") = rows[i].partitions;
		*(uint64_t *)knob(config, "log_bytes") = rows[i].log_bytes;
		*(int *)knob(config, "preallocate") = rows[i].preallocate;
		assert_int_equal(workload_wal.extra_ns(&cell) / NSEC_PER_SEC, rows[i].seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extra),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

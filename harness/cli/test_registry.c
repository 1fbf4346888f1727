// SPDX-License-Identifier: MIT
/* The tables of this build: every row of every workload, target and probe is sound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/host/yardstick.h"
#include "harness/matrix/catalog.h"
#include "harness/util/cleanup.h"
#include "probes/probes.h"
#include "targets/targets.h"
#include "workloads/workloads.h"

static void test_tables(void **state)
{
	const struct registry reg = {
		.workloads = workload_table, .targets = target_table, .prober = &probes_prober};
	struct err err = {""};

	(void)state;
	catalog_check(&reg, &err);
	assert_string_equal(err.text, "");
	for (size_t i = 0; reg.workloads[i]; i++) {
		const char *yardstick = reg.workloads[i]->yardstick;
		size_t n = 0;

		assert_true(!yardstick || yardstick_find(yardstick));
		for (size_t j = 0; reg.targets[j]; j++)
			n += registry_workload(&reg, reg.targets[j]->workload) == reg.workloads[i];
		assert_true(n > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

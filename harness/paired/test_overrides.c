// SPDX-License-Identifier: MIT
/* What an override comes to in what a child is sent, and which are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/matrix/test_load.h"
#include "harness/paired/overrides.h"
#include "harness/test_plugins.h"
#include "harness/util/cleanup.h"

#define MATRIX                                                                             \
	"{\"cells\":[{\"workload\":\"log\",\"target\":[\"plain\",\"group\"],\"depth\":4}," \
	"{\"workload\":\"void\",\"target\":\"null\"}]}"

static struct matrix *load(void)
{
	struct matrix *m = NULL;
	struct diag diag;

	test_load(MATRIX, strlen(MATRIX), &diag, &m);
	assert_non_null(m);
	assert_int_equal(m->n_cells, 3);
	return m;
}

static const struct {
	const char *set, *expected[3];
} good[] = {
	{"log.depth=8",
	 {"{\"workload\":\"log\",\"target\":\"plain\",\"depth\":8}",
	  "{\"workload\":\"log\",\"target\":\"group\",\"depth\":8}",
	  "{\"workload\":\"void\",\"target\":\"null\"}"}},
	{"log/group.payload=64k",
	 {"{\"workload\":\"log\",\"target\":\"plain\",\"depth\":4}",
	  "{\"workload\":\"log\",\"target\":\"group\",\"depth\":4,\"payload\":\"64k\"}",
	  "{\"workload\":\"void\",\"target\":\"null\"}"}},
	{"void.threads=2",
	 {"{\"workload\":\"log\",\"target\":\"plain\",\"depth\":4}",
	  "{\"workload\":\"log\",\"target\":\"group\",\"depth\":4}",
	  "{\"workload\":\"void\",\"target\":\"null\",\"threads\":2}"}},
};

static void test_good(void **state)
{
	struct matrix *m = load();

	(void)state;
	for (size_t i = 0; i < array_size(good); i++) {
		struct err err = {""};
		struct cell **cells = NULL;
		const char *const sets[] = {good[i].set};

		if (overrides_apply(&test_registry, sets, 1, m->cells, 3, &cells, &err))
			print_message("%s\n", err.text);
		assert_non_null(cells);
		for (size_t k = 0; k < 3; k++) {
			_cleanup_free_ char *stated = cJSON_PrintUnformatted(cells[k]->stated);

			assert_string_equal(stated, good[i].expected[k]);
		}
		overrides_free(cells, 3);
	}
	matrix_free(m);
}

static const struct {
	const char *set, *error;
} bad[] = {
	{"", "is not WORKLOAD[/TARGET].KNOB=VALUE"},
	{"log", "is not WORKLOAD[/TARGET].KNOB=VALUE"},
	{"log.=1", "is not WORKLOAD[/TARGET].KNOB=VALUE"},
	{"log/.depth=1", "is not WORKLOAD[/TARGET].KNOB=VALUE"},
	{".depth=1", "is not WORKLOAD[/TARGET].KNOB=VALUE"},
	{"log=1.depth", "is not WORKLOAD[/TARGET].KNOB=VALUE"},
	{"wal.depth=1", "is for no cell"},
	{"log/none.depth=1", "is for no cell"},
	{"log.none=1", "no cell of log has a knob or an axis \"none\""},
	{"log.dept=1", "the nearest is \"depth\""},
	{"log/plain.none=1", "log/plain has no knob and no axis \"none\""},
	{"log.depth=0", "\"0\" is below 1"},
	{"log.depth=x", "\"log.depth=x\""},
	{"log.batch=8", "batch 8 is above depth 4"},
};

static void test_bad(void **state)
{
	struct matrix *m = load();

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++) {
		struct err err = {""};
		struct cell **cells = NULL;
		const char *const sets[] = {bad[i].set};

		assert_true(overrides_apply(&test_registry, sets, 1, m->cells, 3, &cells, &err) <
			    0);
		print_message("%s\n", err.text);
		assert_non_null(strstr(err.text, bad[i].error));
	}
	matrix_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

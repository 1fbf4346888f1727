// SPDX-License-Identifier: MIT
/* Every yardstick gives a figure of the right size, and what cannot be measured says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <sched.h>
#include <string.h>

#include "harness/host/yardstick.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

static double figure(const cJSON *all, const char *name, const char *key)
{
	const cJSON *one = cJSON_GetObjectItemCaseSensitive(all, name);

	return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(one, key));
}

static unsigned files_in(const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, NULL);

	assert_true(n >= 2);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return (unsigned)n - 2;
}

static void test_all(void **state)
{
	char dir[] = "/tmp/uhbench-yardstick-XXXXXX";
	_cleanup_json_ cJSON *all = NULL;
	cpu_set_t before, after;

	(void)state;
	assert_non_null(mkdtemp(dir));
	sched_getaffinity(0, sizeof(before), &before);
	all = yardstick_measure(dir);
	sched_getaffinity(0, sizeof(after), &after);
	assert_true(CPU_EQUAL(&before, &after));
	assert_int_equal(files_in(dir), 0);
	fs_remove_tree(dir);
	for (const struct yardstick *y = yardsticks; y->name; y++) {
		if (!strcmp(y->name, "wake") && CPU_COUNT(&before) < 2)
			continue;
		assert_int_equal(figure(all, y->name, "version"), y->version);
		assert_true(figure(all, y->name, "ns") > 10);
		assert_true(figure(all, y->name, "low") <= figure(all, y->name, "ns"));
		assert_true(figure(all, y->name, "high") >= figure(all, y->name, "ns"));
	}
	/* 1000 dependent multiplications: no CPU does one in less than 1/10 ns. */
	assert_true(figure(all, "spin", "ns") > 100);
	/* A switch there and back goes through the kernel four times. */
	assert_true(figure(all, "switch", "ns") > 200);
}

static void test_one_cpu_has_no_remote_wake_up(void **state)
{
	_cleanup_json_ cJSON *all = NULL;
	const cJSON *wake;
	cpu_set_t before, one;

	(void)state;
	sched_getaffinity(0, sizeof(before), &before);
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
		if (CPU_ISSET(cpu, &before))
			CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	all = yardstick_measure("/no/such/folder");
	sched_setaffinity(0, sizeof(before), &before);
	wake = cJSON_GetObjectItemCaseSensitive(all, "wake");
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(wake, "ns")));
	assert_non_null(
		strstr(cJSON_GetStringValue(cJSON_GetObjectItem(wake, "reason")), "one CPU"));
	assert_non_null(strstr(cJSON_GetStringValue(cJSON_GetObjectItem(
				       cJSON_GetObjectItemCaseSensitive(all, "sync4k"), "reason")),
			       "/no/such/folder"));
}

static void test_find(void **state)
{
	(void)state;
	assert_ptr_equal(yardstick_find("spin"), &yardsticks[0]);
	assert_null(yardstick_find("span"));
	assert_null(yardstick_find(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_one_cpu_has_no_remote_wake_up),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* The parts of `lock` that need no kernel: whose a lock function is, and rows folded by caller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "probes/lock/lock_json.h"
#include "probes/lock/lock_names.h"

static void test_own_functions(void **state)
{
	static const char *const own[] = {"rwsem_down_write_slowpath",
					  "down_write_killable",
					  "_raw_spin_lock_irqsave",
					  "__pv_queued_spin_lock_slowpath",
					  "native_queued_spin_lock_slowpath",
					  "__mutex_lock.constprop.0",
					  "mutex_lock",
					  "up_write",
					  "down",
					  "raw_spin_rq_lock_nested",
					  "__task_rq_lock",
					  "lock_timer_base",
					  "rt_mutex_slowlock"};
	static const char *const others[] = {
		"update_curr",	     "double_fault",   "task_tick_fair",
		"__schedule",	     "try_to_wake_up", "vm_mmap_pgoff",
		"download_firmware", "upgrade_page",   "futex_wait"};

	(void)state;
	for (unsigned i = 0; i < array_size(own); i++)
		assert_true(lock_is_own(own[i]));
	for (unsigned i = 0; i < array_size(others); i++)
		assert_false(lock_is_own(others[i]));
}

static void test_every_word(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LOCK_TYPES; i++)
		assert_non_null(lock_type_names[i]);
	for (unsigned i = 0; i < FUTEX_OPS; i++)
		assert_non_null(futex_operation_names[i]);
}

/* A made-up symbol table: the address is the index. */
static cJSON *names(void *arg, const uint64_t *ips)
{
	static const char *const table[] = {NULL, "down_write", "munmap", "mmap", "_raw_spin_lock"};
	cJSON *stack = cJSON_CreateArray();

	++*(unsigned *)arg;
	for (unsigned i = 0; i < LOCK_FRAMES && ips[i]; i++)
		cJSON_AddItemToArray(stack, cJSON_CreateString(table[ips[i]]));
	return stack;
}

static cJSON *no_names(void *arg, const uint64_t *ips)
{
	(void)arg;
	(void)ips;
	return NULL;
}

static const struct lock_wait waits[] = {
	{{.type = LOCK_RWSEM_WRITE, .ips = {1, 3}}, {.count = 1, .sum = 10, .max = 10}},
	{{.type = LOCK_RWSEM_WRITE, .ips = {1, 2}}, {.count = 2, .sum = 30, .max = 20}},
	{{.type = LOCK_RWSEM_WRITE, .ips = {1, 1, 2, 3}}, {.count = 4, .sum = 50, .max = 15}},
	{{.type = LOCK_SPIN, .ips = {4, 2}}, {.count = 8, .sum = 5, .max = 1}},
	{{.type = LOCK_SPIN, .role = 1, .ips = {4}}, {.count = 16, .sum = 3, .max = 1}},
};

static double number(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItem(o, key)->valuedouble;
}

static void check_row(const cJSON *list, int i, const char *caller, const char *type, double count,
		      double sum, double max)
{
	const cJSON *row = cJSON_GetArrayItem(list, i);
	const cJSON *named = cJSON_GetObjectItem(row, "caller");

	if (caller)
		assert_string_equal(named->valuestring, caller);
	else
		assert_true(cJSON_IsNull(named));
	assert_string_equal(cJSON_GetObjectItem(row, "type")->valuestring, type);
	assert_int_equal(number(row, "count"), count);
	assert_int_equal(number(row, "sum_ns"), sum);
	assert_int_equal(number(row, "max_ns"), max);
}

/* The same function by two ways is one row, with the stack of the longer way; the same function
 * with another lock is another. */
static void test_folding(void **state)
{
	unsigned named = 0;
	_cleanup_json_ cJSON *list = lock_fold(waits, array_size(waits), names, &named);

	(void)state;
	assert_int_equal(named, array_size(waits));
	assert_int_equal(cJSON_GetArraySize(list), 4);
	check_row(list, 0, "munmap", "rwsem-write", 6, 80, 20);
	assert_int_equal(
		cJSON_GetArraySize(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "stack")), 4);
	check_row(list, 1, "mmap", "rwsem-write", 1, 10, 10);
	check_row(list, 2, "munmap", "spin", 8, 5, 1);
	check_row(list, 3, NULL, "spin", 16, 3, 1);
}

static void test_without_names(void **state)
{
	_cleanup_json_ cJSON *list = lock_fold(waits, array_size(waits), no_names, NULL);

	(void)state;
	assert_int_equal(cJSON_GetArraySize(list), 3);
	check_row(list, 0, NULL, "rwsem-write", 7, 90, 20);
}

static void check_unread(const cJSON *told, const char *table, const char *reason_key,
			 const char *reason)
{
	const char *why = cJSON_GetStringValue(cJSON_GetObjectItem(told, reason_key));

	assert_true(cJSON_IsNull(cJSON_GetObjectItem(told, table)));
	assert_non_null(why);
	assert_int_equal(strncmp(why, reason, strlen(reason)), 0);
}

/* A table that could not be read is not an empty one. */
static void test_unread_tables(void **state)
{
	_cleanup_json_ cJSON *told = cJSON_CreateObject();

	(void)state;
	lock_callers_json(told, -1, NULL);
	lock_futexes_json(told, -1, NULL, true);
	check_unread(told, "kernel", "reason_kernel", "reading the table of callers: ");
	check_unread(told, "futex", "reason_futex", "reading the table of futexes: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_functions), cmocka_unit_test(test_every_word),
		cmocka_unit_test(test_folding),	      cmocka_unit_test(test_without_names),
		cmocka_unit_test(test_unread_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

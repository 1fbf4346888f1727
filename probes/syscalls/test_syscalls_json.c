// SPDX-License-Identifier: MIT
/* What `syscalls` says of its table: order, names, and null times where there are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <asm/unistd.h>
#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "probes/syscalls/syscalls_json.h"

#define N 4

static void fill(struct syscalls_call calls[N])
{
	memset(calls, 0, N * sizeof(*calls));
	calls[0].number = __NR_read;
	calls[0].role = PROBE_ROLE_TARGET;
	calls[0].row = (struct syscalls_row){{.count = 9, .sum = 100, .max = 60}, 2};
	calls[1].number = SYSCALLS_OTHER;
	calls[1].row = (struct syscalls_row){{.count = 3, .sum = 300, .max = 200}, 3};
	calls[2].number = SYSCALLS_OTHER - 1;
	calls[2].row = (struct syscalls_row){{.count = 3, .sum = 300, .max = 150}, 0};
	calls[3].number = __NR_read;
	calls[3].row = (struct syscalls_row){{.count = 9, .sum = 100, .max = 50}, 0};
	calls[3].row.tally.slots[5] = 9;
}

static void assert_text(const cJSON *o, const char *key, const char *text)
{
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o, key)), text);
}

static double number(const cJSON *o, const char *key)
{
	const cJSON *item = cJSON_GetObjectItem(o, key);

	assert_true(cJSON_IsNumber(item));
	return item->valuedouble;
}

static void test_timed(void **state)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	static const char *const order[N] = {"syscall_510", "other", "read", "read"};
	struct syscalls_call calls[N];
	const cJSON *list;

	(void)state;
	fill(calls);
	syscalls_json(o, calls, N, NULL);
	assert_text(o, "timing", "exact");
	assert_null(cJSON_GetObjectItem(o, "reason_timing"));
	list = cJSON_GetObjectItem(o, "calls");
	assert_int_equal(cJSON_GetArraySize(list), N);
	for (int i = 0; i < N; i++)
		assert_text(cJSON_GetArrayItem(list, i), "syscall", order[i]);
	assert_text(cJSON_GetArrayItem(list, 2), "role", "driver");
	assert_text(cJSON_GetArrayItem(list, 3), "role", "target");
	assert_int_equal(number(cJSON_GetArrayItem(list, 1), "failed"), 3);
	assert_int_equal(number(cJSON_GetArrayItem(list, 1), "max_ns"), 200);
	list = cJSON_GetObjectItem(cJSON_GetArrayItem(list, 2), "slots");
	assert_int_equal(cJSON_GetArraySize(list), SLOTS32);
	assert_int_equal(cJSON_GetArrayItem(list, 5)->valuedouble, 9);
}

static void test_untimed(void **state)
{
	static const char *const times[] = {"sum_ns", "max_ns", "slots"};
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	struct syscalls_call calls[N];
	const cJSON *call;

	(void)state;
	fill(calls);
	for (unsigned i = 0; i < N; i++)
		calls[i].row.tally.sum = 0;
	syscalls_json(o, calls, N, "too dear");
	assert_text(o, "timing", "none");
	assert_text(o, "reason_timing", "too dear");
	call = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "calls"), 0);
	assert_text(call, "syscall", "read");
	assert_int_equal(number(call, "count"), 9);
	for (unsigned i = 0; i < array_size(times); i++)
		assert_true(cJSON_IsNull(cJSON_GetObjectItem(call, times[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timed),
		cmocka_unit_test(test_untimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

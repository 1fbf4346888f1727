// SPDX-License-Identifier: MIT
/* The host's description has every documented key, and its figures agree with other sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/host/hostinfo.h"
#include "harness/util/cleanup.h"

static void test_every_documented_key(void **state)
{
	static const char *const keys[] = {
		"kernel",      "kernel_build",	 "machine",    "cmdline",
		"cpu",	       "mitigations",	 "sysctls",    "memory_bytes",
		"clocksource", "virtualisation", "filesystem", "transparent_hugepage",
		"uid",	       "limits",	 "libraries",  "build",
	};
	_cleanup_json_ cJSON *host = hostinfo_collect("/");

	(void)state;
	for (size_t i = 0; i < array_size(keys); i++)
		if (!cJSON_HasObjectItem(host, keys[i]))
			fail_msg("no key %s", keys[i]);
	assert_int_equal(cJSON_GetArraySize(host), array_size(keys));
}

static void test_agrees_with_the_system(void **state)
{
	_cleanup_json_ cJSON *host = hostinfo_collect("/");
	const cJSON *cpu = cJSON_GetObjectItem(host, "cpu");
	double pages = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
	struct utsname u;

	(void)state;
	uname(&u);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(host, "kernel")), u.release);
	assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(host, "uid")), getuid());
	assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(cpu, "online")),
			 sysconf(_SC_NPROCESSORS_ONLN));
	assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(host, "memory_bytes")) == pages);
}

static void test_filesystem(void **state)
{
	_cleanup_json_ cJSON *proc = hostinfo_filesystem("/proc/self/fd");
	_cleanup_json_ cJSON *none = hostinfo_filesystem("/no/such/folder");

	(void)state;
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(proc, "type")), "proc");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(proc, "mount")), "/proc");
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(none, "type")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_documented_key),
		cmocka_unit_test(test_agrees_with_the_system),
		cmocka_unit_test(test_filesystem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

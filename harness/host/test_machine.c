// SPDX-License-Identifier: MIT
/* Which machines are the same class, and what a diff of two says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/host/cpu_model.h"
#include "harness/host/hostinfo.h"
#include "harness/host/machine.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

#define HOST(kernel, spectre, more)                                                            \
	"{\"kernel\":\"" kernel "\",\"cpu\":{\"model\":\"X\",\"online\":2,\"governor\":null}," \
	"\"mitigations\":{" more "\"spectre_v2\":\"" spectre "\"},"                            \
	"\"filesystem\":{\"type\":\"ext4\",\"source\":\"/dev/a\"}}"

static cJSON *key_of(const char *text)
{
	_cleanup_json_ cJSON *host = cJSON_Parse(text);

	assert_non_null(host);
	return machine_key(host);
}

static void test_same(void **state)
{
	_cleanup_json_ cJSON *a = key_of(HOST("6.1", "on", "\"l1tf\":\"off\","));
	_cleanup_json_ cJSON *b = cJSON_Parse(
		"{\"virtualisation\":{\"container\":null,\"hypervisor\":null},"
		"\"filesystem\":\"ext4\",\"mitigations\":{\"spectre_v2\":\"on\",\"l1tf\":\"off\"},"
		"\"kernel\":\"6.1\",\"cpus\":2,\"cpu\":\"X\"}");
	char id_a[MACHINE_ID_LEN + 1], id_b[MACHINE_ID_LEN + 1];

	(void)state;
	assert_true(machine_same(a, b));
	machine_id(a, id_a);
	machine_id(b, id_b);
	assert_string_equal(id_a, id_b);
	assert_int_equal(strlen(id_a), MACHINE_ID_LEN);
}

static void test_differences(void **state)
{
	_cleanup_json_ cJSON *a = key_of(HOST("6.1", "on", "\"l1tf\":\"off\","));
	_cleanup_json_ cJSON *b = key_of(HOST("6.2", "off", "\"mds\":\"off\","));
	_cleanup_json_ cJSON *rows = machine_diff(a, b);
	static const char *const keys[] = {"kernel", "mitigations.l1tf", "mitigations.spectre_v2",
					   "mitigations.mds"};
	char id_a[MACHINE_ID_LEN + 1], id_b[MACHINE_ID_LEN + 1];
	const cJSON *row;
	size_t i = 0;

	(void)state;
	assert_false(machine_same(a, b));
	machine_id(a, id_a);
	machine_id(b, id_b);
	assert_string_not_equal(id_a, id_b);
	assert_int_equal(cJSON_GetArraySize(rows), array_size(keys));
	cJSON_ArrayForEach (row, rows)
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(row, "key")),
				    keys[i++]);
	row = cJSON_GetArrayItem(rows, 3);
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(row, "a")));
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(row, "b")), "off");
}

static void put_file(const char *path, const char *text)
{
	assert_int_equal(fs_replace(path, text, strlen(text)), 0);
}

#define ARM_CPU(part)                                                                        \
	"processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n" \
	"CPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: " part "\nCPU revision\t: 1\n\n"

/* CPUs without a name are told apart all the same, and so are boards. */
static void test_no_model_name(void **state)
{
	static const struct {
		const char *cpuinfo, *board, *model;
	} rows[] = {
		{ARM_CPU("0xd0c") ARM_CPU("0xd0c"), "",
		 "CPU implementer 0x41, CPU variant 0x3, CPU part 0xd0c, CPU revision 1"},
		{ARM_CPU("0xd0c") ARM_CPU("0xd0"), "A board",
		 "CPU implementer 0x41, CPU variant 0x3, CPU part 0xd0c, CPU revision 1, "
		 "CPU part 0xd0, A board"},
		{"processor\t: 0\nmodel name\t: A CPU @ 2 GHz\ncpu MHz\t: 9\n", "A board",
		 "A CPU @ 2 GHz"},
		{"processor\t: 0\nisa\t: rv64\nuarch\t: x,y\n", "", "isa rv64, uarch x,y"},
		{"processor\t: 0\n", "A board\n", "A board"},
		{"processor\t: 0\n", "", ""},
	};
	char dir[] = "/tmp/uhbench-machine-XXXXXX", cpuinfo[64], board[64], model[256];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(cpuinfo, sizeof(cpuinfo), "%s/cpuinfo", dir);
	snprintf(board, sizeof(board), "%s/board", dir);
	for (size_t i = 0; i < array_size(rows); i++) {
		put_file(cpuinfo, rows[i].cpuinfo);
		put_file(board, rows[i].board);
		assert_int_equal(cpu_model_read(cpuinfo, board, model, sizeof(model)),
				 *rows[i].model != 0);
		assert_string_equal(model, rows[i].model);
	}
	assert_int_equal(fs_remove_tree(dir), 0);
	assert_false(cpu_model_read(cpuinfo, board, model, sizeof(model)));
}

static void test_this_machine(void **state)
{
	_cleanup_json_ cJSON *host = hostinfo_collect("/");
	_cleanup_json_ cJSON *a = machine_key(host), *b = machine_key(host);
	_cleanup_json_ cJSON *rows = machine_diff(host, host);

	(void)state;
	assert_true(machine_same(a, b));
	assert_true(cJSON_IsString(cJSON_GetObjectItem(a, "kernel")));
	assert_true(cJSON_IsNumber(cJSON_GetObjectItem(a, "cpus")));
	assert_int_equal(cJSON_GetArraySize(rows), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_no_model_name),
		cmocka_unit_test(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

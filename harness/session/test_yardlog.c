// SPDX-License-Identifier: MIT
/* The log of yardsticks: what stands for a session, and lines that cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/session/yardlog.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/uhbench-yardlog-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return fs_remove_tree(dir);
}

static void write_log(const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/yardsticks.jsonl", dir);
	assert_int_equal(fs_replace(path, text, strlen(text)), 0);
}

static double figure(const cJSON *all, const char *name, const char *key)
{
	const cJSON *one = cJSON_GetObjectItemCaseSensitive(all, name);

	return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(one, key));
}

#define LINE(spin, wake)                                                     \
	"{\"schema\":1,\"yardsticks\":{\"spin\":{\"version\":1,\"ns\":" spin \
	"},\"wake\":{\"version\":" wake ",\"ns\":50}}}\n"

static void test_median_and_drift(void **state)
{
	_cleanup_json_ cJSON *all = NULL;
	struct err err;

	(void)state;
	write_log(LINE("100", "1") LINE("120", "2") LINE("110", "2"));
	assert_int_equal(yardlog_read(dir, &all, &err), 0);
	assert_true(figure(all, "spin", "ns") == 110);
	assert_true(figure(all, "spin", "drift") > 0.0999);
	assert_true(figure(all, "spin", "drift") < 0.1001);
	assert_false(cJSON_HasObjectItem(all, "wake")); /* two versions */
}

static void test_null_is_left_out(void **state)
{
	_cleanup_json_ cJSON *all = NULL;
	struct err err;

	(void)state;
	write_log(LINE("null", "1") LINE("120", "1"));
	assert_int_equal(yardlog_read(dir, &all, &err), 0);
	assert_false(cJSON_HasObjectItem(all, "spin"));
	assert_true(figure(all, "wake", "ns") == 50);
}

static void test_no_file(void **state)
{
	_cleanup_json_ cJSON *all = NULL;
	struct err err;

	(void)state;
	assert_int_equal(yardlog_read(dir, &all, &err), 0);
	assert_int_equal(cJSON_GetArraySize(all), 0);
}

static void test_bad_lines_have_a_place(void **state)
{
	cJSON *all = NULL;
	struct err err;

	(void)state;
	write_log(LINE("1", "1") "nonsense\n");
	assert_int_equal(yardlog_read(dir, &all, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "yardsticks.jsonl:2: not JSON"));
	write_log("{\"schema\":9,\"yardsticks\":{}}\n");
	assert_int_equal(yardlog_read(dir, &all, &err), -EBADMSG);
	assert_non_null(strstr(err.text, ":1: schema 9, this build reads 1"));
}

/* A session that was resumed for ever is one all the same. */
static void test_very_many_lines(void **state)
{
	_cleanup_json_ cJSON *all = NULL;
	_cleanup_free_ char *text = NULL;
	struct err err = {""};
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	fputs(LINE("100", "1"), out);
	for (unsigned i = 0; i < 1500; i++) /* of which the last 999 are read */
		fputs(i < 501 ? LINE("500", "1") : LINE("110", "1"), out);
	fputs(LINE("130", "1"), out);
	fclose(out);
	write_log(text);
	assert_int_equal(yardlog_read(dir, &all, &err), 0);
	assert_true(figure(all, "spin", "ns") == 110);
	assert_true(fabs(figure(all, "spin", "drift") - 0.3) < 1e-9);
}

static void test_add_cuts_a_torn_line(void **state)
{
	_cleanup_json_ cJSON *all = NULL;
	struct err err = {""};

	(void)state;
	write_log(LINE("100", "1") "{\"sche");
	assert_int_equal(yardlog_add(dir, dir, YARDLOG_END, &err), 0);
	assert_int_equal(yardlog_read(dir, &all, &err), 0);
	assert_true(figure(all, "spin", "ns") > 50); /* the median of 100 and of what it is here */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_median_and_drift, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_null_is_left_out, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_no_file, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_bad_lines_have_a_place, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_very_many_lines, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_add_cuts_a_torn_line, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

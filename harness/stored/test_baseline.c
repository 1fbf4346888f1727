// SPDX-License-Identifier: MIT
/* Baselines as files: what is written is read again, and whatever is wrong with a file is told with
 * its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/stored/baseline.h"
#include "harness/stored/sheet_hist.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

static char root[64];

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/uhbench-baseline-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	(void)state;
	return fs_remove_tree(root);
}

static struct sheet make_sheet(unsigned number, const char *kernel)
{
	struct sheet s = {.cells = cJSON_CreateArray()};
	char text[600];

	snprintf(text, sizeof(text),
		 "{\"schema\":1,\"session\":\"%016x\",\"started\":\"2026-01-%02u\","
		 "\"uhbench\":\"0\",\"matrix_hash\":\"x\",\"recipe\":{\"repeats\":1},"
		 "\"machine\":{\"kernel\":\"%s\"},\"host\":{},\"yardsticks\":{},\"cells\":2}",
		 number, number, kernel);
	s.session = cJSON_Parse(text);
	assert_non_null(s.session);
	for (int i = 0; i < 2; i++) {
		snprintf(
			text, sizeof(text),
			"{\"schema\":1,\"label\":\"l\",\"cell\":{\"id\":\"c%d\",\"workload\":\"w\","
			"\"target\":\"t\"},\"order\":[0,1],\"metrics\":{\"throughput\":{\"values\":"
			"[%u,%u.5]}},\"counts\":{},\"histograms\":{\"service\":{\"count\":2,"
			"\"buckets\":[[1,1],[7,1]]}}}",
			i, number, number);
		cJSON_AddItemToArray(s.cells, cJSON_Parse(text));
	}
	return s;
}

static int create(const char *name, unsigned number, struct err *err)
{
	_cleanup_(sheet_free) struct sheet s = make_sheet(number, "6.1");

	return baseline_create(root, name, &s, err);
}

static int add(const char *name, unsigned number, const char *kernel, bool pinned, struct err *err)
{
	_cleanup_(cleanup_baseline) struct baseline *b = NULL;
	_cleanup_(sheet_free) struct sheet s = make_sheet(number, kernel);
	int r = baseline_load(root, name, &b, err);

	return r ? r : baseline_add(b, &s, pinned, err);
}

static void path_of(const char *name, unsigned number, char path[128])
{
	snprintf(path, 128, "%s/%s/%016x.jsonl", root, name, number);
}

static void test_round_trip(void **state)
{
	_cleanup_(cleanup_baseline) struct baseline *b = NULL;
	const cJSON *cell;
	struct err err = {""};

	(void)state;
	assert_int_equal(create("one", 3, &err), 0);
	assert_int_equal(add("one", 1, "6.1", false, &err), 0);
	assert_int_equal(baseline_load(root, "one", &b, &err), 0);
	assert_int_equal(b->n, 2);
	assert_string_equal(sheet_text(&b->sheets[0], "session"), "0000000000000001");
	assert_false(baseline_pinned(&b->sheets[0]));
	assert_true(baseline_pinned(&b->sheets[1]));
	cell = sheet_cell(&b->sheets[1], "c1");
	assert_true(sheet_value(cell, "throughput") == 3.25);
	assert_true(isnan(sheet_value(cell, "latency_p50")));
	assert_null(sheet_cell(&b->sheets[1], "c2"));
}

static void test_refusals(void **state)
{
	struct baseline *b = NULL;
	struct err err = {""};

	(void)state;
	assert_int_equal(baseline_load(root, "none", &b, &err), -ENOENT);
	assert_int_equal(create("../x", 1, &err), -EINVAL);
	assert_int_equal(create(".x", 1, &err), -EINVAL);
	assert_int_equal(create("", 1, &err), -EINVAL);
	assert_int_equal(create("one", 1, &err), 0);
	assert_int_equal(create("one", 2, &err), -EEXIST);
	assert_int_equal(add("one", 1, "6.1", true, &err), -EEXIST);
	assert_int_equal(add("one", 2, "6.2", true, &err), -EXDEV);
	assert_non_null(strstr(err.text, "another machine: kernel is \"6.2\", not \"6.1\""));
}

static void test_window(void **state)
{
	_cleanup_(cleanup_baseline) struct baseline *b = NULL;
	struct err err = {""};

	(void)state;
	assert_int_equal(create("one", 1, &err), 0);
	for (unsigned i = 2; i <= BASELINE_RECENT + 3; i++)
		assert_int_equal(add("one", i, "6.1", false, &err), 0);
	assert_int_equal(baseline_load(root, "one", &b, &err), 0);
	assert_int_equal(b->n, BASELINE_RECENT + 1); /* the pinned one, and the newest */
	assert_string_equal(sheet_text(&b->sheets[1], "started"), "2026-01-04");
}

static void test_remove(void **state)
{
	_cleanup_(cleanup_baseline) struct baseline *b = NULL;
	char path[128];
	struct err err = {""};

	(void)state;
	assert_int_equal(create("one", 1, &err), 0);
	assert_int_equal(add("one", 0x20, "6.1", true, &err), 0);
	assert_int_equal(baseline_load(root, "one", &b, &err), 0);
	assert_int_equal(baseline_remove_session(b, "00000", &err), -ENOENT);
	assert_int_equal(baseline_remove_session(b, "ff", &err), -ENOENT);
	assert_int_equal(baseline_remove_session(b, "00000000000000", &err), -ENOENT);
	assert_int_equal(baseline_remove_session(b, "0000000000000020", &err), 0);
	path_of("one", 0x20, path);
	assert_int_not_equal(access(path, F_OK), 0);
	baseline_free(take_ptr(b));
	assert_int_equal(baseline_load(root, "one", &b, &err), 0);
	assert_int_equal(baseline_remove(b, &err), 0);
	snprintf(path, sizeof(path), "%s/one", root);
	assert_int_not_equal(access(path, F_OK), 0);
}

/* Replaces `from` in a sheet by `to` ("": cuts the file there), and expects what loading says. */
static void expect_broken(const char *from, const char *to, const char *what)
{
	_cleanup_(cleanup_baseline) struct baseline *b = NULL;
	char path[128], text[8192], changed[8192], *at;
	struct err err = {""};

	assert_int_equal(create("one", 1, &err), 0);
	path_of("one", 1, path);
	assert_true(fs_read(path, text, sizeof(text)) > 0);
	at = strstr(text, from);
	assert_non_null(at);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, to,
		 *to ? at + strlen(from) : "");
	assert_int_equal(fs_replace(path, changed, strlen(changed)), 0);
	assert_int_equal(baseline_load(root, "one", &b, &err), -EBADMSG);
	if (!strstr(err.text, what) || !strstr(err.text, path))
		fail_msg("\"%s\" does not say \"%s\"", err.text, what);
	fs_remove_tree(root);
	assert_int_equal(fs_mkdir_p(root), 0);
}

static void test_broken_files(void **state)
{
	(void)state;
	expect_broken("\"id\":\"c0\"", "", "jsonl:2: the line is cut off: 0 of 2 cells");
	expect_broken("{\"schema\":1,\"label\"", "", "jsonl:2: the file does not end here");
	expect_broken("{\"schema\":1,\"session\"", "", "jsonl:1: the file is empty");
	expect_broken("\"schema\":1", "\"schema\":2", "jsonl:1: schema 2, this build reads 1");
	expect_broken("[0,1]", "[0]", "jsonl:2: the values of \"throughput\"");
	expect_broken("[1,1.5]", "[1,\"x\"]", "jsonl:2: the values of \"throughput\"");
	expect_broken("[7,1]", "[1,1]", "jsonl:2: buckets of \"service\"");
	expect_broken("\"label\":\"l\"", "\"label\":7", "jsonl:2: no \"label\"");
	expect_broken("\"order\":[0,1],", "nonsense", "jsonl:2: not JSON");
	expect_broken("\"recipe\":{", "\"recipes\":{", "jsonl:1: no \"recipe\"");
	expect_broken("\"kernel\":\"6.1\"", "\"kernel\":\"5\"", "jsonl:1: it does not belong here");
}

static void test_histograms(void **state)
{
	_cleanup_json_ cJSON *into = cJSON_CreateObject();
	_cleanup_json_ cJSON *rec =
		cJSON_Parse("{\"count\":10,\"sum\":5000,\"min\":100,\"max\":900,"
			    "\"buckets\":[[100,4],[103,2],[300,3],[350,1]]}");
	_cleanup_free_ uint64_t *buckets = calloc(SHEET_BUCKETS, sizeof(*buckets));
	struct err err;

	(void)state;
	sheet_hist_merge(into, rec);
	sheet_hist_merge(into, rec);
	assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(into, "count")) == 20);
	assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(into, "max")) == 900);
	sheet_hist_add(buckets, into);
	assert_int_equal(buckets[12], 12); /* 96 to 103 */
	assert_int_equal(buckets[37], 6);
	assert_int_equal(buckets[43], 2);
	assert_true(sheet_hist_quantile(buckets, 0.5) >= 96);
	assert_true(sheet_hist_quantile(buckets, 0.5) <= 103);
	/* 300 is s = 1, v / 2 = 172; its eight begin at 168 */
	assert_true(fabs(sheet_hist_quantile(buckets, 0.9) - 343.5) < 1);
	assert_int_equal(sheet_hist_check(NULL, "x", &err), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip), TEST(test_refusals),	TEST(test_window),
		TEST(test_remove),     TEST(test_broken_files), TEST(test_histograms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

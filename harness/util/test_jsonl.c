// SPDX-License-Identifier: MIT
/* Documents and lines with a schema: what is wrong with one is said with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/jsonl.h"

static char path[] = "test_jsonl.XXXXXX";

static void put(const char *text)
{
	assert_int_equal(fs_replace(path, text, strlen(text)), 0);
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void documents(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"{\"schema\": 2}", "XX: schema 2, this build reads 1: a newer"},
		{"{\"schema\": 0}", "XX: schema 0, this build reads 1"},
		{"{\"schema\": \"1\"}", "XX: not a record"},
		{"[1]", "XX: not a record"},
		{"{\"schema\": 1,\n \"a\": tru}", "XX:2:10: not JSON: expected true"},
		{"{\"schema\": 1,\n \"a\": [1,", "XX:2:10: not JSON: the text ends here"},
		{"{\"schema\": 1} x", "XX:1:15: not JSON"},
		{"", "XX:1:1: not JSON"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct err err = {""};
		cJSON *o = NULL;

		put(rows[i].text);
		assert_int_equal(jsonl_document(path, 1, &o, &err), -EBADMSG);
		assert_null(o);
		/* the name's random part stands for XX */
		if (strncmp(err.text, path, strlen(path)) ||
		    strncmp(err.text + strlen(path), rows[i].says + 2, strlen(rows[i].says) - 2))
			fail_msg("row %zu: %s", i, err.text);
	}
}

static void a_document(void **state)
{
	_cleanup_json_ cJSON *o = NULL;
	struct err err = {""};

	(void)state;
	put("{\"schema\": 1, \"a\": 5}\n");
	assert_int_equal(jsonl_document(path, 1, &o, &err), 0);
	assert_int_equal(cJSON_GetObjectItem(o, "a")->valueint, 5);
	assert_int_equal(jsonl_document("nowhere/x.json", 1, &o, &err), -ENOENT);
	assert_non_null(strstr(err.text, "nowhere/x.json: No such file"));
}

static int sum(void *arg, cJSON *o, const char *place, struct err *err)
{
	const cJSON *n = cJSON_GetObjectItem(o, "n");

	if (!n)
		return err_set(err, -EBADMSG, "%s: no n", place);
	*(int *)arg += n->valueint;
	return 0;
}

static void lines(void **state)
{
	static const struct {
		const char *text, *says;
		int r, sum;
		unsigned torn;
	} rows[] = {
		{"", "", 0, 0, 0},
		{"{\"schema\":1,\"n\":2}\n{\"schema\":1,\"n\":3}\n", "", 0, 5, 0},
		{"{\"schema\":1,\"n\":2}\n{\"schema\":1,\"n\":3}", "", 0, 2, 1},
		{"{\"schema\":1,\"n\":2}\n{\"schema\":1}\n", ":2: no n", -EBADMSG, 2, 0},
		{"{\"schema\":1,\"n\":2}\n\n", ":2: not JSON", -EBADMSG, 2, 0},
		{"{\"schema\":3}\n", ":1: schema 3, this build reads 1", -EBADMSG, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct err err = {""};
		unsigned torn = 7;
		int total = 0;

		put(rows[i].text);
		assert_int_equal(jsonl_each(path, 1, sum, &total, &torn, &err), rows[i].r);
		assert_int_equal(total, rows[i].sum);
		assert_int_equal(torn, rows[i].torn);
		if (!strstr(err.text, rows[i].says))
			fail_msg("row %zu: %s", i, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents),
		cmocka_unit_test(a_document),
		cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}

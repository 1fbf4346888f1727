// SPDX-License-Identifier: MIT
/* Streams of acknowledgements, whole, cut anywhere, and of something else. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/util/acks.h"
#include "harness/util/cleanup.h"

static const struct row {
	const char *text;
	int code;
	const char *name, *lines; /* code 0 */
	const char *says;	  /* code < 0 */
} rows[] = {
	{"", -ENODATA, .says = "no run"},
	{"# wal {\"a\":1}", -ENODATA, .says = "no run"},
	{"# wal {\"a\":1}\n", 0, "wal", ""},
	{"# wal {\"a\":1}\n0 0 1\n0 0", 0, "wal", "0 0 1\n"},
	{"# x {}\n1\n2\n# wal {\"a\":1}\n3\n", 0, "wal", "3\n"},
	{"# wal {\"a\":1}\n3\n# x {\"b\"", 0, "wal", "3\n"},
	{"# wal {\"a\":1}\n# wal {\"a\":1}\n", 0, "wal", ""},
	{"1 2 3\n", -EBADMSG, .says = "begins"},
	{"# wal\n", -EBADMSG, .says = "# wal"},
	{"#\n", -EBADMSG, .says = "\"#\""},
	{"#wal {}\n", -EBADMSG, .says = "#wal"},
	{"#  {}\n", -EBADMSG, .says = "WORKLOAD"},
	{"# wal {\n", -EBADMSG, .says = "JSON"},
	{"# wal 7\n", -EBADMSG, .says = "JSON"},
	{"# wal {}\n1\n# wal [\n1\n", -EBADMSG, .says = "JSON"},
	{"# a-name-that-is-longer-than-all-workloads {}\n", -EBADMSG, .says = "WORKLOAD"},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct row *row = &rows[i];
		_cleanup_(acks_free) struct acks acks = {.run = NULL};
		struct err err = {""};
		int r = acks_newest(row->text, strlen(row->text), &acks, &err);

		if (r != row->code || (r < 0 && !strstr(err.text, row->says)))
			fail_msg("%s: %d, %s", row->text, r, err.text);
		if (r < 0)
			continue;
		assert_string_equal(acks.name, row->name);
		assert_int_equal(acks.len, strlen(row->lines));
		assert_memory_equal(acks.lines, row->lines, acks.len);
	}
}

/* Whatever the place of the cut, what is read is a whole number of lines of one run. */
static void test_cut_anywhere(void **state)
{
	static const char text[] = "# x {}\n11\n22\n# wal {\"a\":1}\n33\n44\n";

	(void)state;
	for (size_t len = sizeof("# x {}\n") - 1; len < sizeof(text); len++) {
		_cleanup_(acks_free) struct acks acks = {.run = NULL};
		struct err err;

		assert_int_equal(acks_newest(text, len, &acks, &err), 0);
		assert_int_equal(acks.len % 3, 0);
		assert_true(acks.lines + acks.len <= text + len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

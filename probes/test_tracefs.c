// SPDX-License-Identifier: MIT
/* Layouts of trace events: what is where, what is elsewhere, what is not there. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "probes/tracefs.h"

static const char text[] = "name: sched_switch\nID: 372\nformat:\n"
			   "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
			   "\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
			   "\tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;\n"
			   "\tfield:void * lock_addr;\toffset:40;\tsize:8;\tsigned:0;\n"
			   "\nprint fmt: \"prev_pid=%d\", REC->prev_pid\n";

static int check(const char *name, unsigned offset, unsigned size, struct err *err)
{
	struct tracefs_field fields[] = {{"prev_pid", 24, 4}, {name, offset, size}, {NULL, 0, 0}};

	return tracefs_check_text("sched/sched_switch", text, fields, err);
}

static void finds_fields(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(check("prev_comm", 8, 16, &err), 0);
	assert_int_equal(check("common_pid", 4, 4, &err), 0);
	assert_int_equal(check("lock_addr", 40, 8, &err), 0);
}

static void refuses_another_layout(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(check("prev_comm", 12, 16, &err), -EPROTO);
	assert_non_null(strstr(err.text, "is at 8 (16 bytes)"));
	assert_int_equal(check("lock_addr", 40, 4, &err), -EPROTO);
	/* the end of a longer name is no name */
	assert_int_equal(check("pid", 24, 4, &err), -EPROTO);
	assert_int_equal(check("next_pid", 56, 4, &err), -EPROTO);
	assert_non_null(strstr(err.text, "no field next_pid"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_fields),
		cmocka_unit_test(refuses_another_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

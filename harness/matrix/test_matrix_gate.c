// SPDX-License-Identifier: MIT
/* "gate": what it comes to for each cell, and what is wrong with others and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/matrix/matrix_gate.h"
#include "harness/matrix/test_load.h"
#include "harness/test_plugins.h"
#include "harness/util/cleanup.h"

#define PLAIN "\"workload\":\"log\",\"target\":\"plain\""
#define BOTH  "\"workload\":\"log\",\"target\":[\"plain\",\"group\"]"
#define VOID  "\"workload\":\"void\",\"target\":\"null\""
#define HITS  "{\"metric\":\"hits\",\"better\":\"higher\"}"

/* The list of the one cell as JSON; NULL: none. */
static const struct {
	const char *text, *names;
} lists[] = {
	{"{\"cells\":[{" PLAIN "}]}", NULL},
	{"{\"gate\":\"latency_p99\",\"cells\":[{" PLAIN "}]}", "[\"latency_p99\"]"},
	{"{\"gate\":\"latency_p99\",\"cells\":[{" PLAIN ",\"gate\":[\"switches\",\"switches\"]}]}",
	 "[\"switches\"]"},
	{"{\"gate\":\"latency_p99\",\"cells\":[{" PLAIN ",\"gate\":[]}]}", "[]"},
	{"{\"cells\":[{" PLAIN ",\"gate\":\"flush_time\"}]}", "[\"flush_time\"]"},
	{"{\"gate\":\"flush_time\",\"cells\":[{" VOID "}]}", "[]"},
	{"{\"gate\":" HITS ",\"cells\":[{" PLAIN "}]}", "[]"},
	{"{\"cells\":[{" VOID ",\"gate\":[" HITS "," HITS "]}]}", "[" HITS "]"},
};

static void test_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(lists); i++) {
		_cleanup_free_ char *names = NULL;
		struct matrix *m = NULL;
		struct diag diag;

		test_load(lists[i].text, strlen(lists[i].text), &diag, &m);
		assert_non_null(m);
		names = m->cells[0]->gate ? cJSON_PrintUnformatted(m->cells[0]->gate) : NULL;
		if (lists[i].names)
			assert_string_equal(names, lists[i].names);
		else
			assert_null(names);
		matrix_free(m);
	}
}

static const struct {
	const char *text, *error;
} wrong[] = {
	{"{\"gate\":\"latency_p9\",\"cells\":[{" PLAIN "}]}",
	 "gate: metric \"latency_p9\" is unknown; the nearest is \"latency_p99\""},
	{"{\"cells\":[{" PLAIN ",\"gate\":[\"switches\",7]}]}",
	 "cells[0].gate[1]: found 7, expected the name of a metric"},
	{"{\"cells\":[{" PLAIN ",\"gate\":\"latency_max\"}]}",
	 "cells[0].gate: \"latency_max\" cannot be gated"},
	{"{\"cells\":[{" PLAIN ",\"gate\":\"errors\"}]}",
	 "cells[0].gate: \"errors\" cannot be gated"},
	{"{\"cells\":[{" BOTH ",\"gate\":\"flush_time\"}]}",
	 "cells[0].gate: log/group has no metric \"flush_time\""},
	{"{\"cells\":[{" PLAIN ",\"gate\":" HITS "}]}", "cells[0].gate: only what a program tells"},
	{"{\"cells\":[{" VOID ",\"gate\":\"hits\"}]}", "one that a program tells is declared"},
	{"{\"cells\":[{" VOID ",\"gate\":{\"metric\":\"hits\"}}]}", "\"better\" should be"},
	{"{\"cells\":[{" VOID ",\"gate\":{\"metric\":\"throughput\",\"better\":\"lower\"}}]}",
	 "throughput is known: name it alone"},
	{"{\"cells\":[{" VOID
	 ",\"gate\":{\"metric\":\"a\",\"better\":\"lower\",\"unit\":\"a|b\"}}]}",
	 "\"unit\" is \"a|b\""},
	{"{\"cells\":[{" VOID ",\"gate\":{\"metric\":\"a b\",\"better\":\"lower\"}}]}",
	 "should be a name of up to 63"},
	{"{\"cells\":[{" VOID ",\"gate\":{\"metric\":\"a\",\"better\":\"lower\",\"u\":1}}]}",
	 "unknown key \"u\""},
	{"{\"cells\":[{" VOID ",\"gate\":[" HITS ",{\"metric\":\"hits\",\"better\":\"lower\"}]}]}",
	 "cells[0].gate[1]: hits is declared twice"},
	{"{\"cells\":[{" PLAIN ",\"skip\":[{\"gate\":\"switches\"}]}]}",
	 "cells[0].skip[0].gate: unknown key"},
};

static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(wrong); i++) {
		struct matrix *m = NULL;
		struct diag diag;

		assert_true(test_load(wrong[i].text, strlen(wrong[i].text), &diag, &m) < 0);
		assert_int_equal(diag.errors.count, 1);
		print_message("%s\n", diag.errors.items[0].text);
		assert_non_null(strstr(diag.errors.items[0].text, wrong[i].error));
	}
}

/* Neither a cell's identity nor what is run depends on it. */
static void test_hash(void **state)
{
	const char *const texts[] = {lists[0].text, lists[1].text};
	char hash[2][17];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct matrix *m = NULL;
		struct diag diag;

		test_load(texts[i], strlen(texts[i]), &diag, &m);
		assert_non_null(m);
		strcpy(hash[i], m->hash);
		matrix_free(m);
	}
	assert_string_equal(hash[0], hash[1]);
}

static uint64_t own_ops(struct run *run, uint64_t *series, unsigned points)
{
	(void)run;
	(void)series;
	return points;
}

/* What is gated of a cell, in order. */
static void test_all(void **state)
{
	static const struct target_ops ours = {.name = "ours"};
	static const struct target_ops told = {.name = "told", .own_ops = own_ops};
	static const struct {
		const struct target_ops *target;
		bool open_loop;
		const char *listed, *all;
	} rows[] = {
		{&ours, false, "[]", "[\"throughput\"]"},
		{NULL, true, "[]", "[\"intended_p50\",\"throughput\"]"},
		{&ours, true, "[\"switches\",\"intended_p50\"]",
		 "[\"intended_p50\",\"throughput\",\"switches\"]"},
		{&told, true, "[]", "[\"throughput\"]"},
		{&told, false, "[\"switches\"]", "[\"throughput\",\"switches\"]"},
		{&told, false, "[" HITS ",\"switches\"]", "[" HITS ",\"switches\"]"},
		{&told, false, "[\"switches\"," HITS "]", "[" HITS ",\"switches\"]"},
		{&ours, false, "[" HITS "]", "[\"throughput\"," HITS "]"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_json_ cJSON *listed = cJSON_Parse(rows[i].listed);
		_cleanup_json_ cJSON *all = gate_all(rows[i].target, rows[i].open_loop, listed);
		_cleanup_free_ char *text = cJSON_PrintUnformatted(all);

		assert_string_equal(text, rows[i].all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * Identities (golden: FNV-1a of the canonical form, computed by another program), what they do not
 * depend on, and what a cell says of itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "harness/test_plugins.h"
#include "harness/util/cleanup.h"

static int build(const char *json, struct err *err, struct cell **ret)
{
	_cleanup_json_ cJSON *entry = cJSON_Parse(json);

	assert_non_null(entry);
	return cell_from_json(&test_registry, entry, err, ret);
}

/* Every spelling of one cell, and its identity and label. */
static const struct {
	const char *id, *label;
	const char *spellings[5];
} cells[] = {
	/* log/group */
	{"25e8905325b6",
	 "log/group",
	 {"{\"workload\":\"log\",\"target\":\"group\"}",
	  "{\"target\":\"group\",\"workload\":\"log\",\"depth\":1,\"threads\":1,\"rate\":0}",
	  "{\"workload\":\"log\",\"target\":\"group\",\"payload\":\"4k\",\"arrival\":\"fixed\","
	  "\"cpus\":{},\"with\":{}}",
	  "{\"workload\":\"log\",\"target\":\"group\",\"payload\":4096,\"with\":{\"room\":65536,"
	  "\"flush\":\"fdatasync\",\"spread\":true,\"dir\":\"\"},\"cpus\":{\"sink\":\"\"}}"}},
	/* log/plain payload=65536 threads=8 */
	{"43fed5cc37a9",
	 "log/plain threads=8 payload=64k",
	 {"{\"workload\":\"log\",\"target\":\"plain\",\"threads\":8,\"payload\":\"64KiB\"}",
	  "{\"payload\":65536,\"threads\":8.0,\"target\":\"plain\",\"workload\":\"log\"}"}},
	/* log/group batch=8 cpus.driver=0 depth=32 flush=dsync partitions=4 window=20000 */
	{"bf57df5ead3d",
	 "log/group depth=32 batch=8 partitions=4 window=20us flush=dsync cpus.driver=0",
	 {"{\"workload\":\"log\",\"target\":\"group\",\"batch\":8,\"depth\":32,"
	  "\"cpus\":{\"driver\":\"0\"},"
	  "\"with\":{\"flush\":\"dsync\",\"partitions\":4,\"window\":\"20us\"}}",
	  "{\"with\":{\"window\":\"20000ns\",\"partitions\":4,\"flush\":\"dsync\"},"
	  "\"depth\":32,\"batch\":8,\"target\":\"group\",\"workload\":\"log\","
	  "\"cpus\":{\"driver\":\"0-0\"}}"}},
	/* void/null arrival=poisson rate=1000 */
	{"a0ff621d4c44",
	 "void/null rate=1k arrival=poisson",
	 {"{\"workload\":\"void\",\"target\":\"null\",\"rate\":1000,\"arrival\":\"poisson\"}"}},
	/* log/plain dir=/tmp/x direct=true */
	{"5e5de931976a",
	 "log/plain dir=/tmp/x direct=true",
	 {"{\"workload\":\"log\",\"target\":\"plain\","
	  "\"with\":{\"direct\":true,\"dir\":\"/tmp/x\"}}"}},
};

static void test_identity(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(cells); i++)
		for (size_t j = 0; cells[i].spellings[j]; j++) {
			_cleanup_free_ char *label = NULL;
			struct cell *cell, *again;
			struct err err = {""};

			assert_int_equal(build(cells[i].spellings[j], &err, &cell), 0);
			assert_string_equal(cell->id, cells[i].id);
			label = cell_label(cell);
			assert_string_equal(label, cells[i].label);
			/* What a child is sent makes the same cell. */
			assert_int_equal(cell_from_json(&test_registry, cell->stated, &err, &again),
					 0);
			assert_string_equal(again->id, cells[i].id);
			cell_free(again);
			cell_free(cell);
		}
}

static void test_depth_follows_batch(void **state)
{
	_cleanup_free_ char *label = NULL;
	struct cell *cell;
	struct err err;

	(void)state;
	assert_int_equal(
		build("{\"workload\":\"void\",\"target\":\"null\",\"batch\":32}", &err, &cell), 0);
	assert_int_equal(cell->axes.depth, 32);
	label = cell_label(cell);
	assert_string_equal(label, "void/null depth=32 batch=32");
	cell_free(cell);
}

static void test_description(void **state)
{
	static const char expected[] =
		"{\"id\":\"bf57df5ead3d\",\"workload\":\"log\",\"target\":\"group\",\"axes\":{"
		"\"threads\":1,\"depth\":32,\"batch\":8,\"rate\":0,\"arrival\":\"fixed\","
		"\"payload\":4096,\"cpus\":{\"driver\":\"0\",\"target\":\"\",\"sink\":\"\"}},"
		"\"knobs\":{\"partitions\":4,\"dir\":\"\",\"spread\":true,\"window\":20000,"
		"\"room\":65536,\"flush\":\"dsync\",\"direct\":false}}";
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *text = NULL;
	struct cell *cell;
	struct err err;

	(void)state;
	assert_int_equal(build(cells[2].spellings[0], &err, &cell), 0);
	json = cell_describe(cell);
	text = cJSON_PrintUnformatted(json);
	assert_string_equal(text, expected);
	cell_free(cell);
}

static void test_refused(void **state)
{
	static const struct {
		const char *json, *message;
	} wrong[] = {
		{"{}", "workload and target must both be given"},
		{"{\"workload\":\"lgo\",\"target\":\"x\"}", "workload \"lgo\" is unknown"},
		{"{\"workload\":\"log\",\"target\":\"null\"}",
		 "workload \"log\" has no target \"null\""},
		{"{\"workload\":\"log\",\"target\":\"plain\",\"threads\":0}",
		 "threads: 0 is below 1"},
		{"{\"workload\":\"log\",\"target\":\"plain\",\"threads\":[1]}",
		 "threads: found a list, expected a whole number"},
		{"{\"workload\":\"log\",\"target\":\"plain\",\"payload\":63}",
		 "payload: 63 is below 64"},
		{"{\"workload\":\"void\",\"target\":\"null\",\"payload\":64}",
		 "payload: operations of workload \"void\" carry none"},
		{"{\"workload\":\"log\",\"target\":\"plain\",\"with\":{\"window\":0}}",
		 "with.window: log/plain has no such knob"},
		{"{\"workload\":\"log\",\"target\":\"group\",\"with\":{\"window\":3}}",
		 "with.window: 3 has no unit; write a time as \"500ms\""},
		{"{\"workload\":\"log\",\"target\":\"plain\",\"cpus\":{\"sink\":\"1-\"}}",
		 "cpus.sink: \"1-\" is not a list of CPUs (\"0-1,3\")"},
		{"{\"workload\":\"log\",\"target\":\"plain\",\"cpus\":{\"sink\":1}}",
		 "cpus.sink: found 1, expected a text"},
		{"{\"workload\":\"log\",\"target\":\"plain\",\"thread\":1}", "thread: unknown key"},
		{"{\"workload\":\"log\",\"target\":\"plain\",\"cpus\":{\"x\":\"0\"}}",
		 "cpus.x: unknown key"},
		{"[]", "a cell must be an object"},
		{"{\"workload\":\"log\",\"target\":\"plain\",\"arrival\":\"poisson\"}",
		 "arrival poisson needs a rate"},
		{"{\"workload\":\"log\",\"target\":\"plain\",\"batch\":9,\"depth\":8}",
		 "batch 9 is above depth 8"},
		{"{\"workload\":\"log\",\"target\":\"plain\",\"payload\":64,"
		 "\"with\":{\"direct\":true}}",
		 "direct needs a payload in multiples of 4096"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(wrong); i++) {
		struct cell *cell = NULL;
		struct err err = {""};

		assert_int_equal(build(wrong[i].json, &err, &cell), -EINVAL);
		assert_string_equal(err.text, wrong[i].message);
		assert_null(cell);
	}
}

static void test_cpu_lists(void **state)
{
	static const struct {
		const char *text, *shortest;
	} lists[] = {
		{"", ""},	    {"0", "0"},	      {"0,1,2", "0-2"}, {"3,1", "1,3"},
		{"0-1,1-2", "0-2"}, {"1023", "1023"}, {"1024", NULL},	{"a", NULL},
		{"0,", NULL},	    {"2-1", NULL},    {"-1", NULL},	{"0 1", NULL},
	};

	(void)state;
	for (size_t i = 0; i < array_size(lists); i++) {
		char list[CPUS_TEXT_MAX] = "untouched";
		int rc = cell_parse_cpus(lists[i].text, list, NULL);

		assert_int_equal(rc, lists[i].shortest ? 0 : -EINVAL);
		assert_string_equal(list, lists[i].shortest ? lists[i].shortest : "untouched");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),    cmocka_unit_test(test_depth_follows_batch),
		cmocka_unit_test(test_description), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cpu_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * Matrices that are wrong, one mistake or many at a time, with every message and its place; and
 * what comes of those that are right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/matrix/test_load.h"
#include "harness/test_plugins.h"
#include "harness/util/cleanup.h"

#define ENTRY "{\"workload\":\"log\",\"target\":\"plain\"}"

/* The errors or notes of a list, a line each: "1:2: text". */
static char *lines_of(const struct diag_list *list)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; i < list->kept; i++) {
		const struct diag_item *item = &list->items[i];

		if (item->place.line)
			fprintf(out, "%u:%u: ", item->place.line, item->place.column);
		fprintf(out, "%s\n", item->text);
	}
	fclose(out);
	return text;
}

static int load(const char *text, struct diag *diag, struct matrix **ret)
{
	return test_load(text, strlen(text), diag, ret);
}

/* An entry of workload "log", and the errors that it brings. Columns count from the entry. */
static const struct {
	const char *entry, *errors;
} wrong_entries[] = {
	{"7", "1:11: cells[0]: found 7, expected an object\n"},
	{"{\"target\":\"plain\"}", "1:11: cells[0]: \"workload\" is missing\n"},
	{"{\"workload\":\"log\"}", "1:11: cells[0]: \"target\" is missing\n"},
	{"{\"workload\":5,\"target\":\"plain\"}",
	 "1:23: cells[0].workload: found 5, expected the name of a workload\n"},
	{"{\"workload\":\"lgo\",\"target\":\"plain\",\"with\":{\"x\":1}}",
	 "1:23: cells[0].workload: workload \"lgo\" is unknown; the nearest is \"log\"\n"},
	{"{\"workload\":\"log\",\"target\":\"gruop\"}",
	 "1:38: cells[0].target: workload \"log\" has no target \"gruop\"; the nearest is "
	 "\"group\"\n"},
	{"{\"workload\":\"log\",\"target\":[]}",
	 "1:38: cells[0].target: the list is empty: no cell would be left\n"},
	{"{\"workload\":\"log\",\"target\":[\"plain\",1]}",
	 "1:47: cells[0].target[1]: found 1, expected the name of a target\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"thread\":1}",
	 "1:46: cells[0].thread: unknown key; the nearest is \"threads\"\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"depth\":[1,0,\"x\",[2]]}",
	 "1:57: cells[0].depth[1]: 0 is below 1\n"
	 "1:59: cells[0].depth[2]: found \"x\", expected a whole number\n"
	 "1:63: cells[0].depth[3]: found a list, expected a whole number\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"batch\":[]}",
	 "1:54: cells[0].batch: the list is empty: no cell would be left\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"batch\":[1,8],\"depth\":[4,16]}",
	 "1:57: cells[0].batch[1]: log/plain: batch 8 is above depth 4\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"arrival\":\"poison\"}",
	 "1:56: cells[0].arrival: \"poison\" is unknown; the nearest is \"poisson\"\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"payload\":[\"2M\",63]}",
	 "1:57: cells[0].payload[0]: \"2M\" is above 1M\n"
	 "1:62: cells[0].payload[1]: 63 is below 64\n"},
	{"{\"workload\":\"void\",\"target\":\"null\",\"payload\":1}",
	 "1:56: cells[0].payload: operations of workload \"void\" carry no payload\n"},
	{"{\"workload\":\"void\",\"target\":\"null\",\"with\":{\"x\":1}}",
	 "1:54: cells[0].with.x: void/null has no such knob\n"},
	{"{\"workload\":\"log\",\"target\":[\"plain\",\"group\"],\"with\":{\"windw\":0,\"window\":0}}",
	 "1:64: cells[0].with.windw: log/plain has no such knob\n"
	 "1:64: cells[0].with.windw: log/group has no such knob; the nearest is \"window\"\n"
	 "1:74: cells[0].with.window: log/plain has no such knob; log/group has it\n"},
	{"{\"workload\":\"log\",\"target\":\"group\",\"with\":{\"window\":[0,\"2s\",5]}}",
	 "1:66: cells[0].with.window[1]: \"2s\" is above 1s\n"
	 "1:71: cells[0].with.window[2]: 5 has no unit; write a time as \"500ms\"\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"with\":{\"direct\":true},\"payload\":64}",
	 "1:11: cells[0]: log/plain: direct needs a payload in multiples of 4096\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"with\":[]}",
	 "1:53: cells[0].with: found a list, expected an object\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"cpus\":\"0\"}",
	 "1:53: cells[0].cpus: found \"0\", expected an object: {\"driver\": \"0\"}\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"cpus\":[{\"driver\":\"0\"}]}",
	 "1:53: cells[0].cpus: found a list, expected one object, with lists inside: "
	 "{\"driver\": [\"0\", \"1\"]}\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"window\":0,\"partitions\":1,\"repeats\":1,"
	 "\"shape\":1}",
	 "1:46: cells[0].window: unknown key; a knob belongs in \"with\"\n"
	 "1:57: cells[0].partitions: unknown key; a knob belongs in \"with\"\n"
	 "1:72: cells[0].repeats: unknown key; it belongs at the top level, beside \"cells\"\n"
	 "1:84: cells[0].shape: unknown key\n"},
	{"{\"workload\":\"void\",\"target\":\"null\",\"with\":{\"threads\":1,\"window\":0,\"skip\":1}}",
	 "1:54: cells[0].with.threads: void/null has no such knob; it belongs beside \"with\"\n"
	 "1:66: cells[0].with.window: void/null has no such knob; log has it\n"
	 "1:77: cells[0].with.skip: void/null has no such knob; it belongs beside \"with\"\n"},
	{"{\"workload\":\"log\",\"target\":[\"null\",\"elephant\"]}",
	 "1:39: cells[0].target[0]: workload \"log\" has no target \"null\"; void has it\n"
	 "1:46: cells[0].target[1]: workload \"log\" has no target \"elephant\"; it has plain, "
	 "group\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"cpus\":{\"drivr\":\"0\",\"sink\":[\"x\"],"
	 "\"target\":0}}",
	 "1:54: cells[0].cpus.drivr: unknown key; the nearest is \"driver\"\n"
	 "1:74: cells[0].cpus.sink[0]: \"x\" is not a list of CPUs (\"0-1,3\")\n"
	 "1:88: cells[0].cpus.target: found 0, expected a list of CPUs in quotes (\"0-1\")\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"threads\":1,\"threads\":2}",
	 "1:58: cells[0].threads: this key was given before, at 1:46\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"rate\":9007199254740993}",
	 "1:53: cells[0].rate: 9007199254740993 is beyond 2^53, where numbers are no longer "
	 "exact\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"rate\":1e400}",
	 "1:53: cells[0].rate: 1e400 is out of range\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"skip\":{}}",
	 "1:53: cells[0].skip: found an object, expected a list of rules\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"skip\":[{},5,{\"workload\":1}]}",
	 "1:54: cells[0].skip[0]: a rule without keys drops all\n"
	 "1:57: cells[0].skip[1]: found 5, expected an object\n"
	 "1:60: cells[0].skip[2].workload: unknown key\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"skip\":[{\"target\":\"x\",\"threads\":\"y\","
	 "\"with\":{\"window\":0,\"flush\":1}}]}",
	 "1:64: cells[0].skip[0].target: workload \"log\" has no target \"x\"; it has plain, "
	 "group\n"
	 "1:78: cells[0].skip[0].threads: found \"y\", expected a whole number\n"
	 "1:90: cells[0].skip[0].with.window: log/plain has no such knob; log/group has it\n"
	 "1:101: cells[0].skip[0].with.flush: log/plain has no such knob; log/group has it\n"},
	{"{\"workload\":\"log\",\"target\":\"plain\",\"skip\":[{\"target\":\"plain\"}]}",
	 "1:10: cells: skip rules leave no cell\n"},
};

static void expect_errors(const char *text, const char *errors)
{
	_cleanup_free_ char *got = NULL;
	struct matrix *m = NULL;
	struct diag diag;
	int rc = load(text, &diag, &m);

	got = lines_of(&diag.errors);
	if (strcmp(got, errors))
		print_message("%s\n", text);
	assert_string_equal(got, errors);
	assert_int_equal(rc, -EINVAL);
	assert_null(m);
}

static void test_wrong_entries(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(wrong_entries); i++) {
		_cleanup_free_ char *text = NULL;

		assert_true(asprintf(&text, "{\"cells\":[%s]}", wrong_entries[i].entry) > 0);
		expect_errors(text, wrong_entries[i].errors);
	}
}

#define NAME_ERROR                                                                            \
	"cannot name a folder: 1 to 200 bytes, no \"/\", no control characters, no \".\" in " \
	"front\n"

static const struct {
	const char *text, *errors;
} wrong_files[] = {
	{"", "1:1: the text ends here: expected a value (inside what began at 1:1)\n"},
	{"[]", "1:1: found a list, expected an object\n"},
	{"{}", "1:1: \"cells\" is missing\n"},
	{"{\"cells\":{}}", "1:10: cells: found an object, expected a list of entries\n"},
	{"{\"cells\":[]}", "1:10: cells: the list is empty: there is nothing to run\n"},
	{"{\"cells\":[" ENTRY "],\"duratoin\":\"1s\",\"comment\":\"x\"}",
	 "1:48: duratoin: unknown key; the nearest is \"duration\"\n"
	 "1:64: comment: unknown key\n"},
	{"{\"cells\":[" ENTRY "],\"duration\":1,\"warmup\":\"2h\",\"repeats\":0,\"seed\":-1,"
	 "\"order\":\"random\",\"name\":[],\"deadline\":\"x\"}",
	 "1:59: duration: 1 has no unit; write a time as \"500ms\"\n"
	 "1:70: warmup: \"2h\" is above 3600s\n"
	 "1:85: repeats: 0 is below 1\n"
	 "1:94: seed: -1 is below 0\n"
	 "1:105: order: \"random\" is unknown; there are interleaved, sequential\n"
	 "1:121: name: found a list, expected a text\n"
	 "1:135: deadline: \"x\" is not a time with a unit (\"500ms\"; units: ns, us, ms, s, "
	 "min or m, h)\n"},
	{"{\"cells\":[" ENTRY "],\"deadline\":\"1200ms\"}",
	 "1:59: deadline: 1.2s is not above warm-up + duration, 1.2s\n"},
	/* Keys that would steer a terminal, or are cut where a character ends (63 of 64 bytes). */
	{"{\"cells\":[" ENTRY "],\"\\u001b[31m\":1}", "1:48: ?[31m: unknown key\n"},
	{"{\"cells\":[" ENTRY "],\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "\xc3\xa9zzz\":1}",
	 "1:48: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: unknown key\n"},
	{"{\"cells\":[" ENTRY "],\"threads\":1,\"with\":{},\"$schema\":7}",
	 "1:48: threads: unknown key; it belongs in an entry of \"cells\"\n"
	 "1:60: with: unknown key; it belongs in an entry of \"cells\"\n"
	 "1:80: $schema: found 7, expected a text\n"},
	/* The name becomes a folder below results/. */
	{"{\"cells\":[" ENTRY "],\"name\":\"../../etc/x y\"}",
	 "1:55: name: \"../../etc/x y\" " NAME_ERROR},
	{"{\"cells\":[" ENTRY "],\"name\":\"a/b\"}", "1:55: name: \"a/b\" " NAME_ERROR},
	{"{\"cells\":[" ENTRY "],\"name\":\".x\"}", "1:55: name: \".x\" " NAME_ERROR},
	{"{\"cells\":[" ENTRY "],\"name\":\"\"}", "1:55: name: \"\" " NAME_ERROR},
	{"{\"cells\":[" ENTRY "],\"name\":\"a\\u001b[1m\"}",
	 "1:55: name: \"a\\u001b[1m\" " NAME_ERROR},
	/* Mistakes of the text and of its meaning come together, in the order of the text. */
	{"{\"seed\":9007199254740993,\n \"cells\":[{\"workload\":\"log\",\"target\":\"plain\",\n"
	 "  \"depth\":0}],\n \"cells\":[]}",
	 "1:9: seed: 9007199254740993 is beyond 2^53, where numbers are no longer exact\n"
	 "3:11: cells[0].depth: 0 is below 1\n"
	 "4:2: cells: this key was given before, at 2:2\n"},
	{"{\"cells\":[" ENTRY "]", "1:47: the text ends here: expected ',' or '}' (inside what "
				   "began at 1:1)\n"},
};

static void test_wrong_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(wrong_files); i++)
		expect_errors(wrong_files[i].text, wrong_files[i].errors);
}

/* A list of n numbers from 1, as an axis. */
static void print_list(FILE *out, const char *key, size_t n)
{
	fprintf(out, ",\"%s\":[", key);
	for (size_t i = 1; i <= n; i++)
		fprintf(out, "%s%zu", i > 1 ? "," : "", i);
	fputc(']', out);
}

static void test_gigantic(void **state)
{
	static const struct {
		size_t threads, rates, depths, partitions, windows;
		const char *repeats, *errors;
	} products[] = {
		{1000, 101, 1, 1, 1, "1",
		 "101000 runs (101000 cells x 1 repeats; before skip rules) are more than "
		 "100000"},
		{10, 10, 1, 1, 1, "1001",
		 "100100 runs (100 cells x 1001 repeats; before skip rules) are more than "
		 "100000"},
		{1000, 60000, 30000, 64, 60000, "100000",
		 "more than 2^64 runs; 100000 are the limit"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(products); i++) {
		_cleanup_free_ char *text = NULL;
		struct matrix *m;
		struct diag diag;
		size_t len;
		FILE *out = open_memstream(&text, &len);

		fprintf(out,
			"{\"repeats\":%s,\"cells\":[{\"workload\":\"log\",\"target\":\"group\"",
			products[i].repeats);
		print_list(out, "threads", products[i].threads);
		print_list(out, "rate", products[i].rates);
		print_list(out, "depth", products[i].depths);
		fprintf(out, ",\"with\":{\"spread\":true");
		print_list(out, "partitions", products[i].partitions);
		fprintf(out, ",\"window\":[\"0\"");
		for (size_t j = 1; j < products[i].windows; j++)
			fprintf(out, ",\"%zuns\"", j);
		fprintf(out, "]}}]}");
		fclose(out);
		assert_int_equal(load(text, &diag, &m), -EINVAL);
		assert_int_equal(diag.errors.count, 1);
		assert_string_equal(diag.errors.items[0].text + strlen("cells: "),
				    products[i].errors);
	}
}

static void test_product(void **state)
{
	static const char text[] =
		"{\"$schema\":\"any\",\"repeats\":2,\"seed\":7,\"warmup\":0,\"duration\":\"10ms\",\"name\":\"n\","
		"\"order\":\"sequential\",\"cells\":["
		"{\"workload\":\"log\",\"target\":[\"plain\",\"group\"],\"threads\":[1,2],"
		"\"payload\":[\"4k\",64],\"with\":{\"direct\":[false,true]},"
		"\"cpus\":{\"driver\":[\"\",\"0\"]},"
		"\"skip\":[{\"payload\":\"64\",\"with\":{\"direct\":true}},"
		"{\"target\":[\"plain\"],\"threads\":2},{\"cpus\":{\"driver\":\"0-0\"}},"
		"{\"with\":{\"window\":\"1ms\"}}]},"
		"{\"workload\":\"log\",\"target\":\"plain\"},"
		"{\"target\":\"null\",\"workload\":\"void\"}]}";
	static const char *const labels[] = {
		"log/plain",
		"log/plain direct=true",
		"log/plain payload=64",
		"log/group",
		"log/group direct=true",
		"log/group payload=64",
		"log/group threads=2",
		"log/group threads=2 direct=true",
		"log/group threads=2 payload=64",
		"void/null",
	};
	_cleanup_free_ char *notes = NULL;
	struct matrix *m = NULL;
	struct diag diag;

	(void)state;
	assert_int_equal(load(text, &diag, &m), 0);
	assert_int_equal(m->n_cells, array_size(labels));
	for (size_t i = 0; i < m->n_cells; i++) {
		_cleanup_free_ char *label = cell_label(m->cells[i]);

		assert_string_equal(label, labels[i]);
	}
	assert_int_equal(m->n_skipped, 23);
	assert_int_equal(m->n_duplicate, 1);
	assert_int_equal(m->seed, 7);
	assert_int_equal(m->repeats, 2);
	assert_int_equal(m->warmup_ns, 0);
	assert_int_equal(m->duration_ns, 10000000);
	assert_int_equal(m->deadline_ns, 0);
	assert_int_equal(m->order, ORDER_SEQUENTIAL);
	assert_string_equal(m->name, "n");
	notes = lines_of(&diag.notes);
	assert_non_null(
		strstr(notes, "1 cell was given before and not run again, such as log/plain"));
	assert_non_null(strstr(notes, "cells[0]: skip rules drop 23 of 32 cells"));
	assert_non_null(strstr(notes, "cells[0].skip[3]: this rule matches no cell"));
	matrix_free(m);
}

static void test_defaults(void **state)
{
	struct matrix *m = NULL;
	struct diag diag;

	(void)state;
	assert_int_equal(load("{\"cells\":[" ENTRY "]}", &diag, &m), 0);
	assert_int_equal(m->seed, 1);
	assert_int_equal(m->repeats, 3);
	assert_int_equal(m->warmup_ns, 200000000);
	assert_int_equal(m->duration_ns, 1000000000);
	assert_int_equal(m->order, ORDER_INTERLEAVED);
	assert_memory_equal(m->name, "uhbench-test-", strlen("uhbench-test-"));
	assert_null(strstr(m->name, ".json"));
	assert_int_equal(diag.notes.count, 0);
	matrix_free(m);
}

static void hash_of(const char *text, char hash[static 17])
{
	struct matrix *m = NULL;
	struct diag diag;

	assert_int_equal(load(text, &diag, &m), 0);
	memcpy(hash, m->hash, sizeof(m->hash));
	matrix_free(m);
}

static void test_hash(void **state)
{
	static const char *const same[] = {
		"{\"cells\":[" ENTRY "],\"name\":\"x\",\"repeats\":3}",
		"{\"warmup\":\"0.2s\",\"cells\":[" ENTRY "," ENTRY "]}",
		"{\"cells\":[{\"workload\":\"log\",\"target\":[\"plain\"],\"threads\":1}]}"};
	static const char *const other[] = {
		"{\"cells\":[" ENTRY "],\"repeats\":4}", "{\"cells\":[" ENTRY "],\"seed\":2}",
		"{\"cells\":[" ENTRY "],\"order\":\"sequential\"}",
		"{\"cells\":[{\"workload\":\"log\",\"target\":\"plain\",\"threads\":2}]}"};
	char first[17], hash[17];

	(void)state;
	hash_of("{\"cells\":[" ENTRY "]}", first);
	assert_int_equal(strlen(first), 16);
	for (size_t i = 0; i < array_size(same); i++) {
		hash_of(same[i], hash);
		assert_string_equal(hash, first);
	}
	for (size_t i = 0; i < array_size(other); i++) {
		hash_of(other[i], hash);
		assert_string_not_equal(hash, first);
	}
}

/* Thousands of mistakes: the first fifty are kept, and told in order. */
static void test_many_errors(void **state)
{
	_cleanup_free_ char *text = NULL, *told = NULL;
	struct matrix *m = NULL;
	struct diag diag;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	fprintf(out, "{\"cells\":[{\"workload\":\"log\",\"target\":\"plain\",\"threads\":[0");
	for (int i = 1; i < 5000; i++)
		fprintf(out, ",0");
	fprintf(out, "]}]}");
	fclose(out);
	assert_int_equal(test_load(text, len, &diag, &m), -EINVAL);
	assert_int_equal(diag.errors.count, 5000);
	assert_int_equal(diag.errors.kept, DIAG_KEPT);
	out = open_memstream(&told, &len);
	diag_write_errors(&diag, out);
	fclose(out);
	assert_non_null(strstr(told, "cells[0].threads[49]: 0 is below 1\n"));
	assert_null(strstr(told, "threads[50]"));
	assert_non_null(strstr(told, ": and 4950 more\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_entries), cmocka_unit_test(test_wrong_files),
		cmocka_unit_test(test_gigantic),      cmocka_unit_test(test_product),
		cmocka_unit_test(test_defaults),      cmocka_unit_test(test_hash),
		cmocka_unit_test(test_many_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

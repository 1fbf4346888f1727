// SPDX-License-Identifier: MIT
/*
 * "probes" and "probe_knobs": what they come to for each cell, what is wrong with others and where,
 * and that neither a cell's identity nor the hash of a matrix without probes depends on them.
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

#define PLAIN	"\"workload\":\"log\",\"target\":\"plain\""
#define NOTHING "{\"workload\":\"void\",\"target\":\"null\"}"

enum { CALLS = 1, WAITS = 2, BLAME = 4, ALL = 7 };

static struct matrix *load(const char *text)
{
	struct matrix *m = NULL;
	struct diag diag;

	if (test_load(text, strlen(text), &diag, &m))
		diag_write_errors(&diag, stdout);
	assert_non_null(m);
	return m;
}

/* Two cells: the sets that they get. */
static const struct {
	const char *text;
	unsigned first, second;
} sets[] = {
	{"{\"cells\":[{" PLAIN "}," NOTHING "]}", 0, 0},
	{"{\"cells\":[{" PLAIN "}," NOTHING "],\"probes\":\"all\"}", ALL, ALL},
	{"{\"probes\":\"none\",\"cells\":[{" PLAIN "}," NOTHING "]}", 0, 0},
	{"{\"probes\":[],\"cells\":[{" PLAIN "}," NOTHING "]}", 0, 0},
	{"{\"probes\":\"calls\",\"cells\":[{" PLAIN "}," NOTHING "]}", CALLS, CALLS},
	{"{\"probes\":[\"calls\",\"blame\"],\"cells\":[{" PLAIN ",\"probes\":\"none\"}," NOTHING
	 "]}",
	 0, ALL},
	{"{\"cells\":[{" PLAIN ",\"probes\":[\"blame\"]}," NOTHING "]}", BLAME | WAITS, 0},
	/* Not an axis: no third cell. The first of two that are the same cell stays. */
	{"{\"cells\":[{" PLAIN ",\"probes\":[\"calls\",\"waits\"]},{" PLAIN
	 ",\"probes\":\"all\"}," NOTHING "]}",
	 CALLS | WAITS, 0},
};

static void test_sets(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(sets); i++) {
		struct matrix *m = load(sets[i].text);

		assert_int_equal(m->n_cells, 2);
		assert_int_equal(m->cells[0]->probes, sets[i].first);
		assert_int_equal(m->cells[1]->probes, sets[i].second);
		assert_int_equal(matrix_probed_runs(m, 3),
				 3 * (!!sets[i].first + !!sets[i].second));
		matrix_set_probes(m, CALLS);
		assert_int_equal(m->cells[0]->probes, CALLS);
		assert_int_equal(m->cells[1]->probes, CALLS);
		matrix_free(m);
	}
}

/* What stands beside "cells", and the errors that it brings. */
static const struct {
	const char *member, *errors;
} wrong[] = {
	{"\"probes\":7", "probes: found 7, expected \"all\", \"none\" or a list of probes\n"},
	{"\"probes\":\"cals\"", "probes: probe \"cals\" is unknown; the nearest is \"calls\"\n"},
	{"\"probes\":[\"calls\",\"wait\",3]",
	 "probes[1]: probe \"wait\" is unknown; the nearest is \"waits\"\n"
	 "probes[2]: found 3, expected the name of a probe\n"},
	{"\"probes\":[\"all\"]", "probes[0]: \"all\" stands alone, not in a list\n"},
	{"\"probes\":\"procstat\"", "probes: \"procstat\" is always on and no choice\n"},
	{"\"probe\":\"all\"", "probe: unknown key; the nearest is \"probes\"\n"},
	{"\"probe_knobs\":5", "probe_knobs: found 5, expected an object\n"},
	{"\"probe_knobs\":{\"treshold\":1}",
	 "probe_knobs.treshold: unknown key; the nearest is \"threshold\"\n"},
	{"\"probe_knobs\":{\"threshold\":\"1ns\",\"hooks\":\"btf\"}",
	 "probe_knobs.threshold: \"1ns\" is below 1us\n"
	 "probe_knobs.hooks: \"btf\" is unknown; there are auto, plain\n"},
};

static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(wrong); i++) {
		_cleanup_free_ char *text = NULL, *told = NULL;
		struct matrix *m = NULL;
		struct diag diag;
		size_t len;
		FILE *out;

		assert_true(asprintf(&text, "{%s,\"cells\":[{" PLAIN "}]}", wrong[i].member) > 0);
		assert_int_equal(test_load(text, strlen(text), &diag, &m), -EINVAL);
		out = open_memstream(&told, &len);
		for (size_t j = 0; j < diag.errors.kept; j++) {
			assert_int_equal(diag.errors.items[j].place.line, 1);
			fprintf(out, "%s\n", diag.errors.items[j].text);
		}
		fclose(out);
		assert_string_equal(told, wrong[i].errors);
	}
}

/* What stands in an entry, or in a skip rule of it. */
static void test_wrong_in_entries(void **state)
{
	static const struct {
		const char *text, *error;
	} entries[] = {
		{"{\"cells\":[{" PLAIN ",\"probes\":[\"blame\",\"blam\"]}]}",
		 "cells[0].probes[1]: probe \"blam\" is unknown; the nearest is \"blame\""},
		{"{\"cells\":[{" PLAIN ",\"probe_knobs\":{}}]}",
		 "cells[0].probe_knobs: unknown key; it belongs at the top level, beside "
		 "\"cells\""},
		{"{\"cells\":[{" PLAIN ",\"skip\":[{\"probes\":\"all\"}]}]}",
		 "cells[0].skip[0].probes: unknown key"},
		{"{\"cells\":[{" PLAIN ",\"with\":{\"probes\":\"all\"}}]}",
		 "cells[0].with.probes: log/plain has no such knob; it belongs beside \"with\""},
	};

	(void)state;
	for (size_t i = 0; i < array_size(entries); i++) {
		struct matrix *m = NULL;
		struct diag diag;

		assert_int_equal(test_load(entries[i].text, strlen(entries[i].text), &diag, &m),
				 -EINVAL);
		assert_int_equal(diag.errors.count, 1);
		assert_string_equal(diag.errors.items[0].text, entries[i].error);
	}
}

static void test_twins_count_in_the_limit(void **state)
{
	struct matrix *m = NULL;
	struct diag diag;
	static const char *const texts[] = {
		"{\"repeats\":50001,\"cells\":[{" PLAIN "}]}",
		"{\"repeats\":50001,\"probes\":\"all\",\"cells\":[{" PLAIN "}]}"};

	(void)state;
	assert_int_equal(test_load(texts[0], strlen(texts[0]), &diag, &m), 0);
	matrix_free(m);
	assert_int_equal(test_load(texts[1], strlen(texts[1]), &diag, &m), -EINVAL);
	assert_string_equal(diag.errors.items[0].text,
			    "cells: 100002 runs (1 cells x 50001 repeats, with probes twice; "
			    "before skip rules) are more than 100000");
}

static void test_hash_and_identity(void **state)
{
	static const char *const same[] = {
		"{\"cells\":[{" PLAIN ",\"probes\":\"none\"}]}",
		"{\"probes\":\"none\",\"cells\":[{" PLAIN "}]}",
		"{\"probe_knobs\":{\"threshold\":\"0.1ms\"},\"cells\":[{" PLAIN "}]}"};
	static const char *const other[] = {
		"{\"cells\":[{" PLAIN ",\"probes\":\"blame\"}]}",
		"{\"cells\":[{" PLAIN ",\"probes\":\"waits\"}]}",
		"{\"probe_knobs\":{\"threshold\":\"1ms\"},\"cells\":[{" PLAIN "}]}"};
	struct matrix *plain = load("{\"cells\":[{" PLAIN "}]}");
	char seen[array_size(other)][17];

	(void)state;
	/* What it was before there were probes: sessions of old can be resumed. */
	for (size_t i = 0; i < array_size(same); i++) {
		struct matrix *m = load(same[i]);

		assert_string_equal(m->hash, plain->hash);
		matrix_free(m);
	}
	for (size_t i = 0; i < array_size(other); i++) {
		struct matrix *m = load(other[i]);

		memcpy(seen[i], m->hash, sizeof(seen[i]));
		assert_string_not_equal(m->hash, plain->hash);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(seen[i], seen[j]);
		assert_string_equal(m->cells[0]->id, plain->cells[0]->id);
		/* An option of the command line is noted apart. */
		matrix_set_probes(m, 0);
		assert_string_equal(m->hash, seen[i]);
		matrix_free(m);
	}
	matrix_free(plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_wrong_in_entries),
		cmocka_unit_test(test_twins_count_in_the_limit),
		cmocka_unit_test(test_hash_and_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

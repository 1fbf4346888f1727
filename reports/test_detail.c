// SPDX-License-Identifier: MIT
/* Folding what targets tell of themselves over repeats, and which figures stand out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/detail.h"
#include "reports/evidence.h"
#include "reports/get.h"
#include "reports/summary.h"

#define TABLE(rows)                                                        \
	"{\"detail\":{\"t\":{\"title\":\"T\",\"bars\":\"n\",\"columns\":[" \
	"{\"name\":\"q\",\"unit\":\"1\"},{\"name\":\"n\",\"unit\":\"1\"}," \
	"{\"name\":\"where\",\"unit\":null}],\"rows\":" rows "}}}"
#define STAGES(joined, a, b, whole)                                            \
	"{\"detail\":{\"s\":{\"of\":[\"x\",\"y\",\"z\"],\"stages\":["          \
	"{\"name\":\"a\",\"histogram\":\"stage_a\"},"                          \
	"{\"name\":\"b\",\"histogram\":\"stage_b\"}],"                         \
	"\"joined\":" joined ",\"missed\":1}},\"histograms\":{"                \
	"\"x\":{\"count\":3,\"sum\":" whole "},\"z\":{\"count\":1,\"sum\":0}," \
	"\"stage_a\":{\"count\":3,\"sum\":" a "},\"stage_b\":{\"count\":3,\"sum\":" b "}}}"

static cJSON *folded(const char *const *records)
{
	cJSON *all = NULL;

	for (; *records; records++) {
		_cleanup_json_ cJSON *record = cJSON_Parse(*records);

		assert_non_null(record);
		assert_int_equal(detail_fold(&all, record), 0);
	}
	assert_int_equal(detail_finish(all), 0);
	return all;
}

static void test_medians(void **state)
{
	static const char *const records[] = {TABLE("[[0,10,\"x\"],[1,1,\"y\"]]"),
					      TABLE("[[1,3,\"y\"],[0,30,\"z\"]]"),
					      TABLE("[[0,11,\"x\"],[1,null,\"y\"]]"), NULL};
	_cleanup_json_ cJSON *all = folded(records);
	struct detail_bars b;

	(void)state;
	assert_true(detail_bars(get(all, "t"), &b));
	assert_string_equal(b.title, "T");
	assert_string_equal(b.row_name, "q");
	assert_int_equal(b.n, 2);
	assert_string_equal(b.rows[1], "1");
	assert_true(b.values[0] == 11);
	assert_true(b.values[1] == 2); /* of the two that told */
	assert_true(b.least == 2 && b.most == 11);
}

static void test_strange_records(void **state)
{
	static const char *const records[] = {
		"{\"detail\":[1]}",
		"{\"detail\":{\"t\":\"text\",\"u\":{\"columns\":[],\"rows\":[[]]}}}",
		TABLE("[[0,1],[],7,[0,1,\"x\",2],[0,5,\"x\"],[\"0\",6,\"x\"]]"),
		"{\"detail\":{\"t\":{\"columns\":[{\"name\":\"q\"}],\"rows\":[[0]]}}}",
		"{\"detail\":{\"t\":{\"stages\":[{\"name\":1}]}}}",
		NULL};
	_cleanup_json_ cJSON *all = folded(records);
	struct stage_split split;
	struct detail_bars b;

	(void)state;
	assert_true(detail_bars(get(all, "t"), &b));
	assert_int_equal(b.n, 2); /* 0 and "0" */
	assert_true(b.values[0] == 5 && b.values[1] == 6);
	assert_false(detail_bars(get(all, "u"), &b));
	assert_false(detail_stages(get(all, "t"), &split));
}

static void test_nothing(void **state)
{
	static const char *const records[] = {"{}", "{\"detail\":null}", NULL};

	(void)state;
	assert_null(folded(records));
}

static void test_stages(void **state)
{
	static const char *const records[] = {STAGES("3", "300", "600", "1000"),
					      STAGES("3", "100", "200", "1000"), NULL};
	_cleanup_json_ cJSON *all = folded(records);
	struct stage_split split;

	(void)state;
	assert_true(detail_stages(get(all, "s"), &split));
	assert_string_equal(split.title, "s");
	assert_int_equal(split.n, 2);
	assert_float_equal(split.list[0].share, 0.2, 1e-9);
	assert_float_equal(split.list[1].share, 0.4, 1e-9);
	assert_float_equal(split.rest, 0.4, 1e-9);
	assert_float_equal(split.missed, 0.25, 1e-9);
	assert_float_equal(split.mean_ns, 250, 1e-9);
	assert_float_equal(split.list[1].mean_ns, 800. / 6, 1e-9);
}

/* Stages that come to more than the whole leave no rest below zero. */
static void test_stages_beyond(void **state)
{
	static const char *const records[] = {STAGES("4", "900", "600", "1000"), NULL};
	_cleanup_json_ cJSON *all = folded(records);
	struct stage_split split;

	(void)state;
	assert_true(detail_stages(get(all, "s"), &split));
	assert_true(split.rest == 0);
}

static struct evidence_column column(const char *unit, const char *better, double worst)
{
	return (struct evidence_column){"m", unit, better, worst, worst};
}

static void test_stands_out(void **state)
{
	static const struct {
		const char *unit, *better;
		double twin, worst, v;
		bool out;
	} rows[] = {
		{"1", "lower", 0.001, 0.9, 0.9, true},
		{"1", "lower", 0.001, 0.9, 0.05, false}, /* little beside the worst */
		{"1", "lower", 0, 0.004, 0.004, false},	 /* next to nothing */
		{"1", "lower", 0.5, 0.9, 0.9, false},
		{"ns", "lower", 20, 60, 60, false},
		{"ns", "lower", 200, 600, 600, true},
		{"1", "higher", 5.6, 2.6, 2.6, true},
		{"1", "higher", 5.6, 2.9, 2.9, false},
		{"1", "higher", 0, 0, 0, false},
		{"1", "none", 1, 100, 100, false},
		{"1/s", "higher", 100, 1, 1, false},
		{"1", "lower", NAN, 100, 100, false}, /* no twin */
		{"1", "lower", 1, 100, NAN, false},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct evidence_column c = column(rows[i].unit, rows[i].better, rows[i].worst);

		if (evidence_stands_out(&c, rows[i].v, rows[i].twin) != rows[i].out)
			fail_msg("row %zu", i);
	}
}

/* In the session of testdata/block: which of the slow cells is marked where. */
static void test_told_apart(void **state)
{
	enum { ALONE, SHARDED, GLOBAL, TWO_THREADS, FOUR_THREADS, PLAIN };
	_cleanup_(cleanup_summary) struct summary *s = NULL;
	_cleanup_(cleanup_groups) struct groups groups = {0};
	struct evidence e;
	struct err err;

	(void)state;
	assert_int_equal(summary_load(TESTDATA "/block", false, &s, &err), 0);
	assert_int_equal(groups_make(s, &groups), 0);
	evidence_make(&groups.list[0], &e);
	assert_int_equal(e.n_kinds, 2);
	assert_string_equal(e.kinds[0].name, "read");
	assert_string_equal(e.kinds[1].p99->name, "write_p99");
	assert_true(e.bars && e.stages);
	for (unsigned k = 0; k < e.n_plain; k++) {
		bool lock = !strcmp(e.columns[k].name, "contended_per_request");
		bool shared = !strcmp(e.columns[k].name, "ops_per_enter");

		assert_string_not_equal(e.columns[k].name, "errors"); /* there were none */
		for (size_t i = 0; i < groups.list[0].n_cells; i++) {
			bool expected = !shared && i == (size_t)(lock ? GLOBAL : FOUR_THREADS);

			if (evidence_is_marked(&e, &e.columns[k], i) != expected)
				fail_msg("%s of cell %zu", e.columns[k].name, i);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_medians),	      cmocka_unit_test(test_strange_records),
		cmocka_unit_test(test_nothing),	      cmocka_unit_test(test_stages),
		cmocka_unit_test(test_stages_beyond), cmocka_unit_test(test_stands_out),
		cmocka_unit_test(test_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

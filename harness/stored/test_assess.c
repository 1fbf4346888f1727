// SPDX-License-Identifier: MIT
/* Verdicts over sheets that are made here: what a session more does to a baseline, by yardsticks,
 * by pinned sessions that a slow leak has left behind, and where there is too little to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/exitcode.h"
#include "harness/stored/assess.h"
#include "harness/test_plugins.h"
#include "harness/util/cleanup.h"

#define SESSIONS_MAX 40
#define LEFT	     "[{\"metric\":\"left\",\"better\":\"lower\",\"unit\":\"us\"}]"

static struct sheet sheets[SESSIONS_MAX];
static size_t n_sheets;

static int forget(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_sheets; i++)
		sheet_free(&sheets[i]);
	n_sheets = 0;
	return 0;
}

/* Five runs a session of two cells; `spin` is the yardstick, 0: none. */
static struct sheet *add_sheet(double a, double b, double spin, bool pinned)
{
	struct sheet *s = &sheets[n_sheets++];
	double values[] = {a, b};
	char text[700];

	assert_true(n_sheets <= SESSIONS_MAX);
	snprintf(text, sizeof(text),
		 "{\"schema\":1,\"session\":\"%016zx\",\"started\":\"%04zu\",\"pinned\":%s,"
		 "\"yardsticks\":{\"spin\":{\"version\":1,\"ns\":%g}}}",
		 n_sheets, n_sheets, pinned ? "true" : "false", spin);
	s->session = cJSON_Parse(text);
	s->cells = cJSON_CreateArray();
	for (int i = 0; i < 2; i++) {
		snprintf(
			text, sizeof(text),
			"{\"schema\":1,\"label\":\"cell %c\",\"cell\":{\"id\":\"%c\",\"workload\":"
			"\"w\",\"target\":\"t\"},\"order\":[0,1,2,3,4],\"operations\":[100,100,100,100,100],\"metrics\":{"
			"\"throughput\":{\"unit\":\"1/s\",\"better\":\"higher\",\"values\":[%.17g,%.17g,%.17g,%.17g,%.17g]}"
			"},\"counts\":{}}",
			'a' + i, 'a' + i, values[i], values[i], values[i], values[i], values[i]);
		cJSON_AddItemToArray(s->cells, cJSON_Parse(text));
	}
	assert_non_null(s->session);
	assert_int_equal(cJSON_GetArraySize(s->cells), 2);
	return s;
}

/* About 1 % between sessions. */
static void add_base(size_t n, double scale, bool pinned)
{
	static const double off[] = {0.99, 1.01, 1, 1.012, 0.988, 1.005, 0.995};

	for (size_t i = 0; i < n; i++)
		add_sheet(1000 * scale * off[i % array_size(off)],
			  500 * scale * off[(i + 3) % array_size(off)], 100, pinned);
}

/* The last sheet against those before. */
static cJSON *judged(const char *advice)
{
	struct assess j = {.registry = &test_registry,
			   .base = {"base", true, sheets, n_sheets - 1},
			   .head = {"head", false, &sheets[n_sheets - 1], 1},
			   .alpha = STORED_ALPHA,
			   .advice = advice};
	cJSON *verdicts = NULL;
	struct err err;

	assert_int_equal(assess_verdicts(&j, &verdicts, &err), 0);
	return verdicts;
}

static const cJSON *at(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static const cJSON *row_of(const cJSON *verdicts, const char *cell)
{
	const cJSON *c;

	cJSON_ArrayForEach (c, at(verdicts, "cells"))
		if (!strcmp(cJSON_GetStringValue(at(c, "cell")), cell))
			return cJSON_GetArrayItem(at(c, "metrics"), 0);
	fail_msg("no cell %s", cell);
	return NULL;
}

static void expect(const cJSON *verdicts, const char *verdict, enum exitcode code)
{
	if (strcmp(cJSON_GetStringValue(at(verdicts, "verdict")), verdict))
		fail_msg("%s, not %s", cJSON_GetStringValue(at(verdicts, "line")), verdict);
	assert_int_equal(cJSON_GetNumberValue(at(verdicts, "exit_code")), code);
}

static void expect_row(const cJSON *verdicts, const char *cell, const char *verdict)
{
	assert_string_equal(cJSON_GetStringValue(at(row_of(verdicts, cell), "verdict")), verdict);
}

/* One more metric of the newest sheet's first cell, which runs a program; its line comes back. */
static cJSON *add_metric(const char *name, const char *unit, double v)
{
	cJSON *line = sheets[n_sheets - 1].cells->child, *cell;
	char text[240];

	snprintf(text, sizeof(text),
		 "{\"unit\":\"%s\",\"better\":\"lower\",\"values\":[%g,%g,%g,%g,%g]}", unit, v, v,
		 v, v, v);
	cJSON_AddItemToObject(cJSON_GetObjectItem(line, "metrics"), name, cJSON_Parse(text));
	cell = cJSON_GetObjectItem(line, "cell");
	cJSON_ReplaceItemInObject(cell, "workload", cJSON_CreateString("void"));
	if (!strcmp(name, "intended_p50"))
		cJSON_AddItemToObject(cell, "axes", cJSON_Parse("{\"rate\":1000}"));
	return line;
}

/* Advice unless the matrix declares it; then another unit is no value. */
static void test_told(void **state)
{
	static const struct {
		const char *gate, *unit, *verdict;
		enum exitcode code;
	} rows[] = {
		{"[]", "us", "passed", EXITCODE_OK},
		{LEFT, "us", "regressed", EXITCODE_REGRESSION},
		{LEFT, "ms", "inconclusive", EXITCODE_INCONCLUSIVE},
	};
	static const double off[] = {99, 101, 100, 101.2, 98.8, 100.5};

	(void)state;
	for (size_t i = 0; i < array_size(off); i++) {
		add_sheet(1000 + (double)i, 500, 100, true);
		add_metric("left", "us", off[i]);
	}
	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_json_ cJSON *v = NULL;

		add_sheet(1002, 500, 100, false);
		cJSON_AddItemToObject(add_metric("left", rows[i].unit, 200), "gate",
				      cJSON_Parse(rows[i].gate));
		v = judged(NULL);
		expect(v, rows[i].verdict, rows[i].code);
		sheet_free(&sheets[--n_sheets]);
	}
}

/* As many operations as ever: they were asked for. */
static void test_rate(void **state)
{
	static const double off[] = {9900, 10100, 10000, 10120, 9880, 10050};
	_cleanup_json_ cJSON *slow = NULL;

	(void)state;
	for (size_t i = 0; i < array_size(off); i++) {
		add_sheet(1000, 500, 100, true);
		add_metric("intended_p50", "ns", off[i]);
	}
	add_sheet(1000, 500, 100, false);
	add_metric("intended_p50", "ns", 20000);
	slow = judged(NULL);
	expect(slow, "regressed", EXITCODE_REGRESSION);
	assert_string_equal(cJSON_GetStringValue(at(row_of(slow, "a"), "metric")), "intended_p50");
}

static void test_passes_and_regresses(void **state)
{
	static const struct {
		double a, b;
		const char *verdict, *row_a, *row_b;
		enum exitcode code;
	} rows[] = {
		{1000, 500, "passed", "unchanged", "unchanged", EXITCODE_OK},
		{625, 500, "regressed", "regressed", "unchanged", EXITCODE_REGRESSION},
		{1000, 800, "improved", "unchanged", "improved", EXITCODE_OK},
		{625, 800, "regressed", "regressed", "improved", EXITCODE_REGRESSION},
	};

	(void)state;
	add_base(6, 1, true);
	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_json_ cJSON *v = NULL;

		add_sheet(rows[i].a, rows[i].b, 100, false);
		v = judged(NULL);
		expect(v, rows[i].verdict, rows[i].code);
		expect_row(v, "a", rows[i].row_a);
		expect_row(v, "b", rows[i].row_b);
		sheet_free(&sheets[--n_sheets]);
	}
}

static void test_figures(void **state)
{
	_cleanup_json_ cJSON *v = NULL;
	const cJSON *row;

	(void)state;
	add_base(6, 1, true);
	add_sheet(625, 500, 100, false);
	v = judged(NULL);
	row = row_of(v, "a");
	assert_true(fabs(cJSON_GetNumberValue(at(row, "estimate")) - 0.6) < 0.01);
	/* its 95 % interval, of sessions that spread by 1 % */
	assert_true(fabs(cJSON_GetNumberValue(at(row, "low")) - 0.56) < 0.02);
	assert_true(fabs(cJSON_GetNumberValue(at(row, "high")) - 0.645) < 0.02);
	assert_true(cJSON_GetNumberValue(at(row, "head")) == 625);
	assert_int_equal(cJSON_GetNumberValue(at(row, "n1")), 6);
	/* the worst cell is the first one */
	assert_string_equal(cJSON_GetStringValue(at(at(v, "cells")->child, "cell")), "a");
	assert_non_null(strstr(cJSON_GetStringValue(at(v, "line")), "cell a, throughput"));
}

static void test_too_few_sessions(void **state)
{
	_cleanup_json_ cJSON *v = NULL;

	(void)state;
	add_base(3, 1, true);
	add_sheet(100, 500, 100, false);
	v = judged(NULL);
	expect(v, "inconclusive", EXITCODE_INCONCLUSIVE);
	assert_non_null(strstr(cJSON_GetStringValue(at(row_of(v, "a"), "why")),
			       "3 sessions of it: 2 more are needed"));
}

/* What lies by half above sessions that differ by a tenth is not known to be unchanged. */
static void test_coarse(void **state)
{
	static const double base[] = {870, 1130, 930, 1080, 1000};
	_cleanup_json_ cJSON *v = NULL;

	(void)state;
	for (size_t i = 0; i < array_size(base); i++)
		add_sheet(base[i], 500, 100, true);
	add_sheet(690, 500, 100, false);
	v = judged(NULL);
	expect(v, "inconclusive", EXITCODE_INCONCLUSIVE);
	expect_row(v, "b", "unchanged");
	assert_non_null(strstr(cJSON_GetStringValue(at(row_of(v, "a"), "why")), "would show"));
}

/* The `switches` of cell a, in `n_operations` of each run. */
static void set_switches(size_t sheet, double switches, double n_operations)
{
	cJSON *line = sheets[sheet].cells->child, *o, *item;
	char text[64];

	snprintf(text, sizeof(text), "{\"switches\":{\"values\":[%g]}}", switches);
	cJSON_ReplaceItemInObject(line, "counts", cJSON_Parse(text));
	o = cJSON_GetObjectItem(line, "operations");
	cJSON_ArrayForEach (item, o)
		cJSON_SetNumberValue(item, n_operations);
	if (!cJSON_HasObjectItem(line, "gate"))
		cJSON_AddItemToObject(line, "gate", cJSON_Parse("[\"switches\"]"));
}

/* One in the operations of a run is no news, ten thousand are. */
static void test_counts_that_were_none(void **state)
{
	static const struct {
		double switches, operations;
		const char *verdict;
	} rows[] = {{0, 100, "passed"},
		    {0.01, 100, "passed"},
		    {0.0005, 4000, "passed"},
		    {0.01, 1e6, "regressed"}};

	(void)state;
	add_base(6, 1, true);
	add_sheet(1000, 500, 100, false);
	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_json_ cJSON *v = NULL;

		for (size_t k = 0; k < n_sheets; k++)
			set_switches(k, k + 1 < n_sheets ? 0 : rows[i].switches,
				     rows[i].operations);
		v = judged(NULL);
		if (strcmp(cJSON_GetStringValue(at(v, "verdict")), rows[i].verdict))
			fail_msg("row %zu: %s", i, cJSON_GetStringValue(at(v, "line")));
	}
}

static void test_unknown_and_failed_cells(void **state)
{
	_cleanup_json_ cJSON *v = NULL;
	struct sheet *head;
	cJSON *broken;

	(void)state;
	add_base(5, 1, true);
	head = add_sheet(1000, 500, 100, false);
	cJSON_SetValuestring(
		cJSON_GetObjectItem(cJSON_GetObjectItem(head->cells->child, "cell"), "id"), "z");
	v = judged(NULL);
	expect(v, "inconclusive", EXITCODE_INCONCLUSIVE);
	assert_non_null(strstr(cJSON_GetStringValue(at(row_of(v, "z"), "why")), "no session"));
	cJSON_Delete(take_ptr(v));
	broken = cJSON_AddObjectToObject(head->cells->child, "absent");
	cJSON_AddStringToObject(broken, "status", "unsupported");
	cJSON_AddStringToObject(broken, "reason", "no such device");
	v = judged(NULL);
	expect(v, "passed", EXITCODE_OK);
	expect_row(v, "z", "skipped");
	cJSON_Delete(take_ptr(v));
	broken = cJSON_AddObjectToObject(head->cells->child, "failed");
	cJSON_AddStringToObject(broken, "status", "stalled");
	cJSON_AddStringToObject(broken, "reason", "it hung");
	v = judged(NULL);
	expect(v, "failed", EXITCODE_FAILURE);
	assert_string_equal(cJSON_GetStringValue(at(at(at(v, "cells")->child, "failed"), "reason")),
			    "it hung");
}

/* What the baseline has measured has stopped to run: nothing that may pass. */
static void test_cell_that_stopped_to_run(void **state)
{
	_cleanup_json_ cJSON *v = NULL;
	struct sheet *head;
	cJSON *broken;

	(void)state;
	add_base(5, 1, true);
	head = add_sheet(1000, 500, 100, false);
	broken = cJSON_AddObjectToObject(head->cells->child, "absent");
	cJSON_AddStringToObject(broken, "status", "unsupported");
	cJSON_AddStringToObject(broken, "reason", "no such device");
	v = judged(NULL);
	expect(v, "inconclusive", EXITCODE_INCONCLUSIVE);
	expect_row(v, "a", "inconclusive");
	assert_string_equal(cJSON_GetStringValue(at(row_of(v, "a"), "why")),
			    "5 sessions of the baseline have it, now: no such device");
	assert_string_equal(cJSON_GetStringValue(at(at(at(v, "cells")->child, "failed"), "side")),
			    "head");
}

static void test_cell_that_is_gone(void **state)
{
	_cleanup_json_ cJSON *v = NULL;

	(void)state;
	add_base(5, 1, true);
	add_sheet(1000, 500, 100, false);
	cJSON_DeleteItemFromArray(sheets[n_sheets - 1].cells, 1);
	v = judged(NULL);
	expect(v, "passed", EXITCODE_OK);
	assert_non_null(
		strstr(cJSON_GetStringValue(at(v, "line")), "1 cell of the baseline not measured"));
}

/* A burst hits some runs of a cell, a change all of them. */
static void test_burst(void **state)
{
	_cleanup_json_ cJSON *v = NULL;
	cJSON *values;

	(void)state;
	add_base(6, 1, true);
	add_sheet(625, 500, 100, false);
	values = cJSON_GetObjectItem(
		cJSON_GetObjectItem(
			cJSON_GetObjectItem(sheets[n_sheets - 1].cells->child, "metrics"),
			"throughput"),
		"values");
	cJSON_SetNumberValue(cJSON_GetArrayItem(values, 1), 1000);
	v = judged(NULL);
	expect(v, "passed", EXITCODE_OK);
	expect_row(v, "a", "unchanged");
}

/* Three runs see a change later than five; two do not tell it from a burst. */
static void test_few_runs(void **state)
{
	static const char *const verdicts[] = {"regressed", "unchanged", "unchanged",
					       "inconclusive"};
	cJSON *line, *why;

	(void)state;
	add_base(6, 1, true);
	line = add_sheet(960, 500, 100, false)->cells->child;
	for (size_t i = 0; i < array_size(verdicts); i++) {
		_cleanup_json_ cJSON *v = judged(NULL);

		expect_row(v, "a", verdicts[i]);
		cJSON_DeleteItemFromArray(cJSON_GetObjectItem(line, "order"), 0);
		why = cJSON_GetObjectItem(row_of(v, "a"), "why");
		if (i == 3)
			assert_non_null(
				strstr(cJSON_GetStringValue(why), "1 more of each cell will do"));
	}
}

static void test_tail_of_few_operations(void **state)
{
	_cleanup_json_ cJSON *v = NULL;
	const cJSON *line, *row = NULL, *m;

	(void)state;
	add_base(6, 1, true);
	add_sheet(1000, 500, 100, false);
	for (size_t i = 0; i < n_sheets; i++)
		cJSON_AddItemToObject(
			cJSON_GetObjectItem(sheets[i].cells->child, "metrics"), "latency_p99",
			cJSON_Parse("{\"unit\":\"ns\",\"better\":\"lower\",\"values\":[70]}"));
	line = sheets[n_sheets - 1].cells->child;
	cJSON_AddItemToObject((cJSON *)line, "gate", cJSON_Parse("[\"latency_p99\"]"));
	v = judged(NULL);
	expect(v, "inconclusive", EXITCODE_INCONCLUSIVE);
	cJSON_ArrayForEach (m, at(at(v, "cells")->child, "metrics"))
		if (!strcmp(cJSON_GetStringValue(at(m, "metric")), "latency_p99"))
			row = m;
	assert_non_null(row);
	assert_non_null(strstr(cJSON_GetStringValue(at(row, "why")), "9900 operations short"));
	assert_true(cJSON_GetNumberValue(at(row, "effect")) == 0.15);
}

static void test_advice_never_passes(void **state)
{
	_cleanup_json_ cJSON *v = NULL;

	(void)state;
	add_base(6, 1, true);
	add_sheet(1000, 500, 100, false);
	v = judged("another machine");
	expect(v, "inconclusive", EXITCODE_INCONCLUSIVE);
	expect_row(v, "a", "unchanged");
	assert_non_null(strstr(cJSON_GetStringValue(at(v, "line")), "another machine"));
}

/* The machine is slower some days, and its yardstick says so. */
static void test_yardstick(void **state)
{
	static const double days[] = {1, 1.3, 1.1, 1.25, 1.02, 1.2};
	_cleanup_json_ cJSON *v = NULL;

	(void)state;
	for (size_t i = 0; i < array_size(days); i++)
		add_sheet(1000 / days[i] * (i % 2 ? 1.004 : 0.996), 500 / days[i], 100 * days[i],
			  true);
	add_sheet(1000 / 1.5 / 1.2, 500 / 1.5, 150, false);
	v = judged(NULL);
	expect(v, "regressed", EXITCODE_REGRESSION);
	expect_row(v, "a", "regressed");
	expect_row(v, "b", "unchanged");
	assert_string_equal(cJSON_GetStringValue(at(row_of(v, "a"), "yardstick")), "spin");
	assert_true(fabs(cJSON_GetNumberValue(at(row_of(v, "a"), "estimate")) - 0.2) < 0.02);
}

static void test_yardstick_that_does_not_help(void **state)
{
	_cleanup_json_ cJSON *v = NULL;

	(void)state;
	add_base(6, 1, true);
	for (size_t i = 0; i < 6; i++) {
		const cJSON *spin = at(at(sheets[i].session, "yardsticks"), "spin");
		double ns = i % 2 ? 80 : 120;

		cJSON_SetNumberValue(cJSON_GetObjectItem(spin, "ns"), ns);
	}
	add_sheet(1000, 500, 200, false);
	v = judged(NULL);
	expect(v, "passed", EXITCODE_OK);
	assert_true(cJSON_IsNull(at(row_of(v, "a"), "yardstick")));
}

/* Nor one that five sessions go up and down with by chance: it would halve their variance. */
static void test_yardstick_by_chance(void **state)
{
	static const double base[] = {-2, -1, 0, 1, 2}, spin[] = {-1, -2, 0, 2, 1};
	_cleanup_json_ cJSON *v = NULL;

	(void)state;
	for (size_t i = 0; i < array_size(base); i++)
		add_sheet(1000 * exp(-base[i] / 100), 500 * exp(-base[i] / 100),
			  100 * exp(spin[i] / 100), true);
	add_sheet(1000, 500, 100, false);
	v = judged(NULL);
	assert_true(cJSON_IsNull(at(row_of(v, "a"), "yardstick")));
}

/* Every session passes against the newest ones, and all of them together have lost a tenth. */
static void test_slow_leak(void **state)
{
	_cleanup_json_ cJSON *v = NULL;
	const cJSON *row;

	(void)state;
	add_base(5, 1.12, true);
	add_base(20, 1, false);
	add_sheet(1000, 500, 100, false);
	v = judged(NULL);
	expect(v, "regressed", EXITCODE_REGRESSION);
	row = at(row_of(v, "a"), "references");
	assert_int_equal(cJSON_GetArraySize(row), 2);
	assert_string_equal(cJSON_GetStringValue(at(cJSON_GetArrayItem(row, 0), "verdict")),
			    "unchanged");
	assert_string_equal(cJSON_GetStringValue(at(cJSON_GetArrayItem(row, 1), "verdict")),
			    "regressed");
	assert_int_equal(cJSON_GetNumberValue(at(row_of(v, "a"), "n1")), 5);
	/* of those five, which the estimate is against */
	assert_true(cJSON_GetNumberValue(at(row_of(v, "a"), "base")) == 1120);
}

/* The same where every session is pinned, as by `baseline add` each night. */
static void test_slow_leak_past_pinned_sessions(void **state)
{
	_cleanup_json_ cJSON *v = NULL;

	(void)state;
	add_base(5, 1.12, true);
	add_base(20, 1, true);
	add_sheet(1000, 500, 100, false);
	v = judged(NULL);
	expect(v, "regressed", EXITCODE_REGRESSION);
	assert_int_equal(cJSON_GetNumberValue(at(row_of(v, "a"), "n1")), 5);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, forget)
	const struct CMUnitTest tests[] = {
		TEST(test_passes_and_regresses),
		TEST(test_rate),
		TEST(test_told),
		TEST(test_figures),
		TEST(test_too_few_sessions),
		TEST(test_coarse),
		TEST(test_counts_that_were_none),
		TEST(test_unknown_and_failed_cells),
		TEST(test_cell_that_stopped_to_run),
		TEST(test_cell_that_is_gone),
		TEST(test_burst),
		TEST(test_few_runs),
		TEST(test_tail_of_few_operations),
		TEST(test_advice_never_passes),
		TEST(test_yardstick),
		TEST(test_yardstick_that_does_not_help),
		TEST(test_yardstick_by_chance),
		TEST(test_slow_leak),
		TEST(test_slow_leak_past_pinned_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

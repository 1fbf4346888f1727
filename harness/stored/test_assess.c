// SPDX-License-Identifier: MIT
/* Verdicts over sheets that are made here: what a session more does to a baseline, and where there
 * is too little to say. */
#include "harness/stored/test_sheets.h"

#define LEFT "[{\"metric\":\"left\",\"better\":\"lower\",\"unit\":\"us\"}]"

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
	expect(v, "inconclusive", EXITCODE_INCONCLUSIVE);
	expect_row(v, "a", "inconclusive");
	assert_non_null(strstr(cJSON_GetStringValue(at(row_of(v, "a"), "why")),
			       "not all of its runs are worse"));
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
		TEST(test_unknown_and_failed_cells),
		TEST(test_cell_that_stopped_to_run),
		TEST(test_cell_that_is_gone),
		TEST(test_burst),
		TEST(test_few_runs),
		TEST(test_tail_of_few_operations),
		TEST(test_advice_never_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

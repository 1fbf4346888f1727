// SPDX-License-Identifier: MIT
/* What values are judged by: yardsticks that help, and that only seem to, the sessions of a
 * baseline that a slow leak has left behind, and counts that no session had. */
#include "harness/stored/test_sheets.h"

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

/* One in the operations of a run is no news, ten thousand are; nor are three where a session of the
 * base had one by chance. `last`: of the base's newest session, the others had none. */
static void test_counts_that_were_rare(void **state)
{
	static const struct {
		double last, switches, operations;
		const char *verdict;
	} rows[] = {{0, 0, 100, "passed"},	     {0, 0.01, 100, "passed"},
		    {0, 0.0005, 4000, "passed"},     {0, 0.01, 1e6, "regressed"},
		    {0, 0.3, 10, "passed"},	     {0, 1, 10, "regressed"},
		    {0.0001, 0.0003, 1e4, "passed"}, {0.0001, 0.01, 1e4, "regressed"}};

	(void)state;
	add_base(6, 1, true);
	add_sheet(1000, 500, 100, false);
	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_json_ cJSON *v = NULL;

		for (size_t k = 0; k < n_sheets - 2; k++)
			set_switches(k, 0, rows[i].operations);
		set_switches(n_sheets - 2, rows[i].last, rows[i].operations);
		set_switches(n_sheets - 1, rows[i].switches, rows[i].operations);
		v = judged(NULL);
		if (strcmp(cJSON_GetStringValue(at(v, "verdict")), rows[i].verdict))
			fail_msg("row %zu: %s", i, cJSON_GetStringValue(at(v, "line")));
	}
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

/* Pinned sessions that lie far apart take nothing from what the newest see. */
static void test_pinned_that_see_nothing(void **state)
{
	static const double off[] = {0.5, 1.6, 0.7, 1.9, 1};
	_cleanup_json_ cJSON *v = NULL;

	(void)state;
	for (size_t i = 0; i < array_size(off); i++)
		add_sheet(1000 * off[i], 500 * off[i], 100, true);
	add_base(20, 1, false);
	add_sheet(1000, 500, 100, false);
	v = judged(NULL);
	expect(v, "passed", EXITCODE_OK);
	expect_row(v, "a", "unchanged");
	assert_string_equal(
		cJSON_GetStringValue(
			at(cJSON_GetArrayItem(at(row_of(v, "a"), "references"), 1), "verdict")),
		"inconclusive");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, forget)
	const struct CMUnitTest tests[] = {
		TEST(test_counts_that_were_rare),
		TEST(test_yardstick),
		TEST(test_yardstick_that_does_not_help),
		TEST(test_yardstick_by_chance),
		TEST(test_slow_leak),
		TEST(test_slow_leak_past_pinned_sessions),
		TEST(test_pinned_that_see_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * The judge with pairs by hand: what is wanted, what is dropped, what fails, and that base and head
 * swapped give the mirror image. Noise is a fixed sequence, so the verdicts are, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/paired/judge.h"
#include "harness/paired/verdicts.h"
#include "harness/util/cleanup.h"
#include "harness/util/rng.h"

#define METRIC(name, unit, better, channel, floor, least, gated)                            \
	"{\"metric\":\"" name "\",\"unit\":\"" unit "\",\"better\":\"" better               \
	"\",\"channel\":\"" channel "\",\"effect\":0.05,\"matters\":0.025,\"floor\":" floor \
	",\"operations_min\":" least ",\"gated\":" gated "}"
#define GATE                                                                                      \
	"{\"schema\":1,\"kind\":\"paired\",\"gate\":\"1\",\"name\":\"m\",\"ended\":\"complete\"," \
	"\"params\":{\"alpha\":0.01,\"margin\":0.01,\"control_pairs\":24,"                        \
	"\"confirm_improvements\":true},\"cells\":[{\"cell\":{\"id\":\"c\"},\"label\":\"x/y\","   \
	"\"metrics\":[" METRIC(                                                                   \
		"throughput", "1/s", "higher", "time", "null", "0",                               \
		"true") "," METRIC("latency_p99", "ns", "lower", "time", "null", "10000",         \
				   "false") "," METRIC("switches", "1", "lower", "count", "0.01", \
						       "0", "false") "]}]}"

struct bench {
	cJSON *gate;
	struct judge *judge;
	struct rng rng;
	unsigned lines;
	double more_switches; /* of the head */
};

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct err err = {""};

	b->gate = cJSON_Parse(GATE);
	assert_non_null(b->gate);
	rng_seed(&b->rng, 1);
	assert_int_equal(judge_new(b->gate, "gate.json", &b->judge, &err), 0);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	judge_free(b->judge);
	cJSON_Delete(b->gate);
	free(b);
	return 0;
}

static double noise(struct bench *b)
{
	return 0.004 * (rng_double(&b->rng) - 0.5);
}

static void add_side(cJSON *o, const char *name, double throughput, double operations,
		     double switches)
{
	cJSON *side = cJSON_AddObjectToObject(o, name), *values;

	cJSON_AddNumberToObject(side, "operations", operations);
	values = cJSON_AddObjectToObject(side, "metrics");
	cJSON_AddNumberToObject(values, "throughput", throughput);
	cJSON_AddNumberToObject(values, "latency_p99", 100);
	values = cJSON_AddObjectToObject(side, "counts");
	cJSON_AddNumberToObject(values, "switches", switches);
}

/* A pair whose head takes `slower` times as long. `discarded`, `failed`: a side, or NULL. */
static int add(struct bench *b, bool control, double slower, const char *discarded,
	       const char *failed)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	struct err err = {""};
	char place[32];
	cJSON *why;
	int r;

	cJSON_AddStringToObject(o, "cell", "c");
	cJSON_AddBoolToObject(o, "control", control);
	cJSON_AddNumberToObject(o, "duration", 1);
	why = cJSON_AddObjectToObject(o, "discarded");
	cJSON_AddStringToObject(why, "side", discarded ? discarded : "");
	if (!discarded)
		cJSON_ReplaceItemInObject(o, "discarded", cJSON_CreateNull());
	why = cJSON_AddObjectToObject(o, "failed");
	cJSON_AddStringToObject(why, "side", failed ? failed : "");
	cJSON_AddStringToObject(why, "status", "unsupported");
	cJSON_AddStringToObject(why, "reason", "no such device");
	if (!failed)
		cJSON_ReplaceItemInObject(o, "failed", cJSON_CreateNull());
	if (!failed) {
		add_side(o, "base", 1000, 20000, 2);
		add_side(o, "head", 1000 / (slower + noise(b)), 20000, 2 + b->more_switches);
	}
	snprintf(place, sizeof(place), "pairs.jsonl:%u", ++b->lines);
	r = judge_add(b->judge, o, place, &err);
	if (r)
		print_message("%s\n", err.text);
	return r;
}

static unsigned measure(struct bench *b, double slower)
{
	unsigned n = 0;

	while (judge_wants_control(b->judge))
		assert_int_equal(add(b, true, 1, NULL, NULL), 0);
	while (judge_wants(b->judge, 0)) {
		assert_int_equal(add(b, false, slower, NULL, NULL), 0);
		assert_true(++n < 200);
	}
	assert_true(b->judge->over);
	return n;
}

static cJSON *verdicts(struct bench *b)
{
	judge_end(b->judge, "nothing more came");
	return verdicts_make(b->judge);
}

static const cJSON *metric_of(const cJSON *v, const char *name)
{
	const cJSON *cells = cJSON_GetObjectItem(v, "cells"), *m;

	cJSON_ArrayForEach (m, cJSON_GetObjectItem(cells->child, "metrics"))
		if (!strcmp(cJSON_GetObjectItem(m, "metric")->valuestring, name))
			return m;
	fail();
	return NULL;
}

static const char *text(const cJSON *o, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(o, key));
}

static double number(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItem(o, key)->valuedouble;
}

static void test_regressed(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;
	const cJSON *m;

	assert_int_equal(judge_wants(b->judge, 0), GATE_STAGE1);
	assert_int_equal(judge_stage(b->judge, 0), GATE_IN_STAGE1);
	measure(b, 1.08);
	v = verdicts(b);
	assert_string_equal(text(v, "verdict"), "regressed");
	assert_int_equal(number(v, "exit_code"), 1);
	m = metric_of(v, "throughput");
	assert_string_equal(text(m, "stage"), "stage2");
	assert_true(fabs(number(m, "estimate") - 0.08) < 0.002);
	assert_int_equal(number(m, "base"), 1000);
	/* Alike: judged by its own, and no reason to measure more. */
	assert_string_equal(text(metric_of(v, "switches"), "verdict"), "unchanged");
	assert_true(number(metric_of(v, "switches"), "n1") == GATE_STAGE1);
	assert_non_null(strstr(text(v, "line"), "1 of 1 cell regressed"));
}

static void test_improved_is_the_mirror_image(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;

	measure(b, 1 / 1.08);
	v = verdicts(b);
	assert_string_equal(text(v, "verdict"), "improved");
	assert_int_equal(number(v, "exit_code"), 0);
	assert_true(fabs(log1p(number(metric_of(v, "throughput"), "estimate")) + log(1.08)) <
		    0.002);
}

static void test_unchanged(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;

	assert_int_equal(measure(b, 1), GATE_STAGE1);
	v = verdicts(b);
	assert_string_equal(text(v, "verdict"), "passed");
	assert_int_equal(number(v, "exit_code"), 0);
	/* Of hardly any noise: the smallest change that would be called one. */
	assert_true(number(v, "sees") >= 0.025 && number(v, "sees") < 0.03);
}

/* Two of twelve may be disturbed, the third is one too many. */
static void test_too_many_discarded(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;

	for (int i = 0; i < 2; i++)
		assert_int_equal(add(b, false, 3, "both", NULL), 0);
	assert_int_equal(judge_wants(b->judge, 0), GATE_STAGE1);
	assert_int_equal(add(b, false, 3, "both", NULL), 0);
	assert_true(b->judge->over);
	v = verdicts(b);
	assert_string_equal(text(v, "verdict"), "inconclusive");
	assert_int_equal(number(v, "exit_code"), 4);
	assert_int_equal(number(v, "discarded"), 3);
	assert_non_null(strstr(text(metric_of(v, "throughput"), "why"), "disturbed by others"));
}

/* Eight of one side and none of the other: two-sided p 0.0078. A regression is none by then. */
static void test_discards_that_know_the_side(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;

	for (int i = 0; i < GATE_STAGE1; i++)
		assert_int_equal(add(b, false, 1.08, NULL, NULL), 0);
	assert_int_equal(judge_stage(b->judge, 0), GATE_IN_STAGE2);
	for (int i = 0; i < 7; i++)
		assert_int_equal(add(b, false, 1, "head", NULL), 0);
	assert_true(judge_wants(b->judge, 0) > 0);
	assert_int_equal(add(b, false, 1, "head", NULL), 0);
	assert_int_equal(judge_wants(b->judge, 0), 0);
	v = verdicts(b);
	assert_string_equal(text(v, "verdict"), "inconclusive");
	assert_non_null(strstr(text(metric_of(v, "throughput"), "why"), "not alike on both sides"));
}

static void test_failed_and_skipped(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;

	assert_int_equal(add(b, false, 1, NULL, "both"), 0);
	assert_true(b->judge->over);
	v = verdicts(b);
	assert_string_equal(text(v, "verdict"), "skipped");
	assert_int_equal(number(v, "exit_code"), 77);
	tear_down(state);
	set_up(state);
	b = *state;
	assert_int_equal(add(b, false, 1, NULL, "head"), 0);
	cJSON_Delete(v);
	v = verdicts(b);
	assert_string_equal(text(v, "verdict"), "failed");
	assert_int_equal(number(v, "exit_code"), 3);
	assert_non_null(strstr(text(v, "line"), "no such device"));
}

/* What ran before is nothing that the machine lacks, and no cell of those that passed. */
static void test_cell_that_stops_running(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;

	assert_int_equal(add(b, false, 1, NULL, NULL), 0);
	assert_int_equal(add(b, false, 1, NULL, "both"), 0);
	v = verdicts(b);
	assert_string_equal(text(v, "verdict"), "failed");
	assert_int_equal(number(v, "exit_code"), 3);
}

static void test_control(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;
	const cJSON *control;

	assert_int_equal(judge_wants_control(b->judge), 24);
	assert_int_equal(add(b, true, 1, "base", NULL), 0);
	assert_int_equal(judge_wants_control(b->judge), 24);
	while (judge_wants_control(b->judge))
		assert_int_equal(add(b, true, 1.05, NULL, NULL), 0);
	measure(b, 1.08);
	v = verdicts(b);
	control = cJSON_GetObjectItem(v, "control");
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(control, "contaminated")));
	assert_string_equal(text(v, "verdict"), "contaminated");
	assert_int_equal(number(v, "exit_code"), 5);
	assert_int_equal(number(control, "pairs"), 24);
	assert_int_equal(number(control, "wanted"), 24);
	assert_int_equal(number(control, "discarded"), 1);
}

/* A copy that differs by less than two builds of the same text may. */
static void test_control_within_the_margin(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;
	const cJSON *control;

	while (judge_wants_control(b->judge))
		assert_int_equal(add(b, true, 1.006, NULL, NULL), 0);
	measure(b, 1);
	v = verdicts(b);
	control = cJSON_GetObjectItem(v, "control");
	assert_true(number(control, "p") < 0.001);
	assert_false(cJSON_IsTrue(cJSON_GetObjectItem(control, "contaminated")));
	assert_string_equal(text(v, "verdict"), "passed");
}

/* Where nothing is completed any more: worse than by any figure, and no reason to know nothing. */
static void test_standstill(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;
	const cJSON *m;

	measure(b, INFINITY);
	v = verdicts(b);
	assert_string_equal(text(v, "verdict"), "regressed");
	m = metric_of(v, "throughput");
	assert_int_equal(number(m, "head"), 0);
	assert_true(fabs(number(m, "estimate") - (2 * 20000 - 1)) < 1);
}

static void test_cut_short(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;

	for (int i = 0; i < 4; i++)
		assert_int_equal(add(b, false, 1.3, NULL, NULL), 0);
	v = verdicts(b);
	assert_string_equal(text(v, "verdict"), "inconclusive");
	assert_string_equal(text(metric_of(v, "throughput"), "why"), "nothing more came");
}

/* Asked for with every pair and brought by none: the gate must end all the same. */
static void test_gated_count_that_never_comes(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;
	struct err err = {""};
	cJSON *metrics =
		cJSON_GetObjectItem(cJSON_GetObjectItem(b->gate, "cells")->child, "metrics");
	cJSON *count = cJSON_GetArrayItem(metrics, 2);

	judge_free(b->judge);
	b->judge = NULL;
	cJSON_SetValuestring(cJSON_GetObjectItem(count, "metric"), "fsyncs");
	cJSON_ReplaceItemInObject(count, "gated", cJSON_CreateTrue());
	assert_int_equal(judge_new(b->gate, "gate.json", &b->judge, &err), 0);
	measure(b, 1);
	v = verdicts(b);
	assert_string_equal(text(v, "verdict"), "inconclusive");
	assert_string_equal(text(metric_of(v, "fsyncs"), "why"),
			    "fsyncs was not measured in pair 0");
	assert_string_equal(text(metric_of(v, "throughput"), "verdict"), "unchanged");
}

/* A control without a figure is not asked for endlessly. */
static void test_control_that_gives_nothing(void **state)
{
	struct bench *b = *state;
	unsigned n = 0;

	while (judge_wants_control(b->judge)) {
		assert_int_equal(add(b, true, NAN, NULL, NULL), 0);
		assert_true(++n < 20);
	}
	assert_int_equal(b->judge->control.n, 0);
}

static void test_control_that_fails_or_lacks(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;

	for (int i = 0; i < 7; i++)
		assert_int_equal(add(b, true, 1, "head", NULL), 0);
	measure(b, 1);
	v = verdicts(b);
	assert_string_equal(text(v, "verdict"), "inconclusive");
	assert_int_equal(number(v, "exit_code"), 5);
	assert_non_null(strstr(text(v, "line"), "0 of 24 pairs are too few"));
	tear_down(state);
	set_up(state);
	b = *state;
	assert_int_equal(add(b, true, 1, NULL, "head"), 0);
	measure(b, 1);
	cJSON_Delete(v);
	v = verdicts(b);
	assert_string_equal(text(v, "verdict"), "failed");
	assert_int_equal(number(v, "exit_code"), 3);
	assert_non_null(strstr(text(v, "line"), "the copy of base: unsupported: no such device"));
}

/* A count that fails nothing has its fresh pairs when it was worse in every one of stage 1. */
static void test_count_that_is_not_gated(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;
	const cJSON *m;
	unsigned n = 0;

	while (judge_wants_control(b->judge))
		assert_int_equal(add(b, true, 1, NULL, NULL), 0);
	for (; judge_wants(b->judge, 0); n++) {
		b->more_switches = n % 2 ? 1 : 4; /* by far enough, and far from steady */
		assert_int_equal(add(b, false, 1, NULL, NULL), 0);
	}
	assert_int_equal(n, GATE_STAGE1 + GATE_STAGE2_MIN);
	v = verdicts(b);
	assert_string_equal(text(v, "verdict"), "passed");
	assert_int_equal(number(v, "exit_code"), 0);
	m = metric_of(v, "switches");
	assert_string_equal(text(m, "verdict"), "regressed");
	assert_true(number(m, "n2") == GATE_STAGE2_MIN);
	assert_string_equal(text(metric_of(v, "throughput"), "verdict"), "unchanged");
	assert_non_null(strstr(text(v, "line"), "; not gated, but worse: x/y switches +125.0 %"));
}

/* It is not passed over in silence when they do not come, and the gate ends. */
static void test_count_that_cannot_be_confirmed(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;

	b->more_switches = 1;
	for (int i = 0; i < GATE_STAGE1 + 5; i++)
		assert_int_equal(add(b, false, 1, NULL, NULL), 0);
	assert_int_equal(judge_stage(b->judge, 0), GATE_IN_STAGE2);
	assert_true(judge_wants_counts(b->judge, 0));
	while (judge_wants_control(b->judge))
		assert_int_equal(add(b, true, 1, NULL, NULL), 0);
	v = verdicts(b);
	assert_string_equal(text(v, "verdict"), "passed");
	assert_string_equal(text(metric_of(v, "switches"), "why"), "nothing more came");
	assert_non_null(strstr(text(v, "line"),
			       "not gated and not confirmed, but worse: x/y switches +50.0 %"));
}

/* What was worse in most pairs only asks for none: it would in one of five gates. */
static void test_count_that_is_in_doubt(void **state)
{
	struct bench *b = *state;
	_cleanup_json_ cJSON *v = NULL;

	for (int i = 0; i < GATE_STAGE1; i++) {
		b->more_switches = i ? 1 : -1;
		assert_int_equal(add(b, false, 1, NULL, NULL), 0);
	}
	assert_true(b->judge->over);
	v = verdicts(b);
	assert_string_equal(text(metric_of(v, "switches"), "verdict"), "inconclusive");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_regressed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_improved_is_the_mirror_image, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_unchanged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_many_discarded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_discards_that_know_the_side, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_failed_and_skipped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cell_that_stops_running, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_control, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_control_within_the_margin, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_standstill, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_control_that_fails_or_lacks, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_count_that_is_not_gated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_count_that_cannot_be_confirmed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_count_that_is_in_doubt, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cut_short, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gated_count_that_never_comes, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_control_that_gives_nothing, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

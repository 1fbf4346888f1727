// SPDX-License-Identifier: MIT
/*
 * Calibrations of logs that are made here: a fair coin on a machine that drifts, whose second slot
 * is slower; the same without the coin; a head that is slower; builds that differ. And what is no
 * log, or has no calibration to quote.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/calibrate/calibrate.h"
#include "harness/calibrate/cut.h"
#include "harness/calibrate/stored.h"
#include "harness/exitcode.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/rng.h"

#define CELLS 2

/* What a log is like. */
struct world {
	const char *name;
	unsigned rounds;
	double shift;	    /* of head, on the logarithm */
	double build_shift; /* of build 1, where `builds` is 2 */
	unsigned builds;
	bool fixed_order;
	bool by_cell;	     /* the cells' lines one after another instead of in rounds */
	unsigned failed;     /* the round in which a run fails; 0: none */
	unsigned standstill; /* in one of so many rounds head completes nothing; 0: never */
	unsigned disturbed;  /* one of so many pairs is discarded; 0: none */
	unsigned ended_with; /* so many lines, says gate.json; 0: nothing of the kind */
	uint64_t seed;
};

static char dir[] = "/tmp/test_calibrate.XXXXXX";

static void path_of(char path[PATH_MAX], const char *name, const char *file)
{
	snprintf(path, PATH_MAX, "%s/%s/%s", dir, name, file);
}

static FILE *create(const char *name, const char *file)
{
	char path[PATH_MAX];
	FILE *f;

	path_of(path, name, "");
	assert_int_equal(fs_mkdir_p(path), 0);
	path_of(path, name, file);
	f = fopen(path, "we");
	assert_non_null(f);
	return f;
}

static void write_gate(const struct world *w)
{
	FILE *f = create(w->name, "gate.json");

	fprintf(f, "{\"schema\":1,\"kind\":\"paired\",\"name\":\"made\",\"uhbench\":\"0\","
		   "\"started\":\"2026-05-02T10:00:00Z\",\"seed\":\"7\","
		   "\"params\":{\"alpha\":0.01,\"margin\":0.01,\"control_pairs\":0,"
		   "\"confirm_improvements\":false},\"log\":{\"gates\":60,\"slow\":0},"
		   "\"host\":{\"kernel\":\"6\"},\"base\":{\"set\":[]},\"head\":{\"set\":[]},"
		   "\"cells\":[");
	for (int i = 0; i < CELLS; i++)
		fprintf(f,
			"%s{\"cell\":{\"id\":\"c%d\"},\"label\":\"cell %d\",\"metrics\":[{"
			"\"metric\":\"throughput\",\"unit\":\"1/s\",\"better\":\"higher\","
			"\"channel\":\"time\",\"effect\":0.05,\"matters\":0.025,\"floor\":null,"
			"\"operations_min\":0,\"gated\":true}]}",
			i ? "," : "", i, i);
	fputs("]", f);
	if (w->ended_with)
		fprintf(f, ",\"ended\":\"complete\",\"pairs\":%u", w->ended_with);
	fputs("}\n", f);
	fclose(f);
}

/* Near enough to normal: the mean is 0 and the deviation 1. */
static double noise(struct rng *r)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += rng_double(r);
	return sum;
}

static void write_pair(FILE *f, const struct world *w, unsigned round, int cell, double drift,
		       struct rng *r)
{
	bool head_first = rng_next(r) >> 63 && !w->fixed_order;
	unsigned base = (unsigned)rng_below(r, w->builds), head = (unsigned)rng_below(r, w->builds);
	double second = 0.02;
	double b = drift + 0.01 * noise(r) + (head_first ? second : 0) + base * w->build_shift;
	double h = drift + 0.01 * noise(r) + (head_first ? 0 : second) + head * w->build_shift +
		   w->shift;
	bool disturbed = w->disturbed && round % w->disturbed == w->disturbed - 1;

	fprintf(f, "{\"schema\":1,\"cell\":\"c%d\",\"control\":false,\"duration\":0.1,", cell);
	fprintf(f, "\"builds\":{\"base\":%u,\"head\":%u},", base, head);
	if (w->failed && round == w->failed) {
		fputs("\"discarded\":null,\"failed\":{\"side\":\"head\",\"status\":\"failed\","
		      "\"reason\":\"it fell over\"},\"base\":null,\"head\":null}\n",
		      f);
		return;
	}
	fprintf(f, "\"discarded\":%s,\"failed\":null,",
		disturbed ? "{\"reason\":\"steal\",\"side\":\"both\"}" : "null");
	fprintf(f,
		"\"base\":{\"operations\":100,\"metrics\":{\"throughput\":%.17g},\"counts\":{}},",
		1000 * exp(-b));
	fprintf(f,
		"\"head\":{\"operations\":100,\"metrics\":{\"throughput\":%.17g},\"counts\":{}}}\n",
		w->standstill && round % w->standstill == 0 ? 0 : 1000 * exp(-h));
}

/* Each cell has a generator of its own, so that `by_cell` has the same pairs. */
static void write_pairs(const struct world *w)
{
	FILE *f = create(w->name, "pairs.jsonl");
	struct rng r[CELLS];
	double drift[CELLS] = {0, 0};

	for (int i = 0; i < CELLS; i++)
		rng_seed(&r[i], w->seed + (uint64_t)i);
	for (unsigned n = 0; n < CELLS * w->rounds; n++) {
		int cell = (int)(w->by_cell ? n / w->rounds : n % CELLS);
		unsigned round = w->by_cell ? n % w->rounds : n / CELLS;

		drift[cell] = 0.98 * drift[cell] + 0.006 * noise(&r[cell]);
		write_pair(f, w, round, cell, drift[cell], &r[cell]);
	}
	fclose(f);
}

static void write_log(struct world w)
{
	w.name = w.name ? w.name : CALIBRATION_SAME;
	w.builds = w.builds ? w.builds : 1;
	write_gate(&w);
	write_pairs(&w);
}

static cJSON *analysed(void)
{
	struct err err = {""};
	cJSON *o = NULL;
	int r = calibrate_analyse(dir, &o, &err);

	if (r)
		fail_msg("%d: %s", r, err.text);
	return o;
}

static const cJSON *at(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static double number(const cJSON *o, const char *key)
{
	assert_true(cJSON_IsNumber(at(o, key)));
	return at(o, key)->valuedouble;
}

static bool check_holds(const cJSON *o, const char *name)
{
	const cJSON *check;

	cJSON_ArrayForEach (check, at(o, "checks"))
		if (!strcmp(at(check, "check")->valuestring, name))
			return cJSON_IsTrue(at(check, "ok"));
	fail_msg("no check %s", name);
	return false;
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	return !mkdtemp(dir);
}

static int remove_dir(void **state)
{
	(void)state;
	return fs_remove_tree(dir);
}

static void test_fair(void **state)
{
	_cleanup_json_ cJSON *o = NULL;

	(void)state;
	write_log((struct world){.rounds = 900, .seed = 1});
	o = analysed();
	assert_string_equal(at(o, "verdict")->valuestring, "calibrated");
	assert_int_equal(number(o, "exit_code"), EXITCODE_OK);
	assert_true(number(o, "gates") >= 25);
	assert_int_equal(number(at(o, "alarms"), "hits"), 0);
	assert_int_equal(number(at(o, "alarms"), "of"), number(o, "gates"));
	assert_int_equal(number(at(o, "uniform"), "n"), CELLS * number(o, "gates"));
	assert_true(number(at(o, "uniform"), "p") > 0.001);
	assert_true(number(at(o, "symmetry"), "p") > 0.001);
	assert_true(number(at(at(o, "coverage"), "95"), "share") > 0.85);
	assert_true(number(at(at(o, "coverage"), "95"), "hits") >=
		    number(at(at(o, "coverage"), "90"), "hits"));
	assert_true(number(o, "sees") > 0.025 && number(o, "sees") < 0.15);
	assert_string_equal(at(at(o, "margin"), "from")->valuestring, "default");
}

/* Two of a hundred that whichever runs second is slower: with the coin it is noise. */
static void test_fixed_order(void **state)
{
	_cleanup_json_ cJSON *o = NULL;

	(void)state;
	write_log((struct world){.rounds = 600, .fixed_order = true, .seed = 2});
	o = analysed();
	assert_string_equal(at(o, "verdict")->valuestring, "restless");
	assert_int_equal(number(o, "exit_code"), EXITCODE_ENVIRONMENT);
	assert_false(check_holds(o, "uniform"));
	assert_false(check_holds(o, "symmetry"));
	assert_false(check_holds(o, "coverage"));
}

static void test_shifted(void **state)
{
	_cleanup_json_ cJSON *o = NULL;
	const cJSON *log, *cell;

	(void)state;
	write_log((struct world){.rounds = 600, .seed = 3});
	write_log((struct world){.name = "slow-6", .rounds = 600, .shift = log1p(0.06), .seed = 4});
	o = analysed();
	log = cJSON_GetArrayItem(at(o, "power"), 0);
	assert_string_equal(at(log, "log")->valuestring, "slow-6");
	assert_true(number(log, "gates") >= 8);
	cJSON_ArrayForEach (cell, at(log, "cells")) {
		assert_true(fabs(number(cell, "estimate") - 0.06) < 0.005);
		assert_true(number(cell, "low") < 0.06 && number(cell, "high") > 0.06);
		assert_true(number(at(cell, "regressed"), "share") > 0.9);
		assert_int_equal(number(at(cell, "improved"), "hits"), 0);
	}
	assert_int_equal(number(o, "exit_code"), EXITCODE_OK);
}

/* A head that is slower in the log that should have no difference. */
static void test_alarms(void **state)
{
	_cleanup_json_ cJSON *o = NULL;

	(void)state;
	write_log((struct world){.rounds = 600, .shift = 0.06, .seed = 5});
	o = analysed();
	assert_int_equal(number(o, "exit_code"), EXITCODE_ENVIRONMENT);
	assert_true(number(at(o, "alarms"), "share") > 0.9);
	assert_false(check_holds(o, "alarms"));
}

static void test_too_few(void **state)
{
	_cleanup_json_ cJSON *o = NULL;

	(void)state;
	write_log((struct world){.rounds = 35, .seed = 6});
	o = analysed();
	assert_string_equal(at(o, "verdict")->valuestring, "too few gates");
	assert_int_equal(number(o, "exit_code"), EXITCODE_INCONCLUSIVE);
}

/* Where every pair was dropped nothing was tried, and no alarm is no merit. */
static void test_disturbed(void **state)
{
	_cleanup_json_ cJSON *o = NULL;

	(void)state;
	write_log((struct world){.rounds = 300, .disturbed = 1, .seed = 14});
	o = analysed();
	assert_string_equal(at(o, "verdict")->valuestring, "restless");
	assert_int_equal(number(o, "exit_code"), EXITCODE_ENVIRONMENT);
	assert_int_equal(number(o, "gates"), 0);
	assert_int_equal(number(at(o, "alarms"), "of"), 0);
	assert_true(number(o, "unjudged") > CALIBRATION_GATES_MIN);
	assert_int_equal(number(o, "discarded"), CELLS * 300);
}

static void test_failed(void **state)
{
	_cleanup_json_ cJSON *o = NULL;

	(void)state;
	write_log((struct world){.rounds = 300, .failed = 200, .seed = 7});
	o = analysed();
	assert_int_equal(number(o, "exit_code"), EXITCODE_FAILURE);
	assert_non_null(strstr(at(o, "failed")->valuestring, "cell 0: it fell over"));
}

/* No pair is in two gates, none is left out between two, and the order of cells is of no account.
 */
static void test_cut(void **state)
{
	_cleanup_free_ char *first = NULL, *second = NULL;
	_cleanup_json_ cJSON *a = NULL, *b = NULL;
	struct err err = {""};
	char path[PATH_MAX];
	struct cut *cut;
	size_t at_pair = 0, used = 0;

	(void)state;
	write_log((struct world){.rounds = 400, .disturbed = 50, .seed = 8});
	snprintf(path, sizeof(path), "%s/%s", dir, CALIBRATION_SAME);
	assert_int_equal(cut_read(path, &cut, &err), 0);
	assert_int_equal(cut->lines, CELLS * 400);
	assert_int_equal(cut->discarded, CELLS * 8);
	assert_int_equal(cut->n_pairs, CELLS * 392);
	for (size_t g = 0; g < cut->n_gates; g++) {
		const struct cut_sample *s = &cut->samples[g * cut->n_series];

		for (unsigned i = 0; i < GATE_STAGE1; i++)
			assert_true(s->first[i] == cut->pairs[at_pair + i].d);
		at_pair += s->result.n1 + s->result.n2;
		used++;
	}
	assert_true(used > 5 && at_pair <= 392);
	cut_free(cut);
	a = analysed();
	write_log((struct world){.rounds = 400, .disturbed = 50, .by_cell = true, .seed = 8});
	b = analysed();
	first = cJSON_Print(a);
	second = cJSON_Print(b);
	assert_string_equal(first, second);
}

/* A run in which nothing is completed is judged, so it is part of what is said of the gate. */
static void test_standstill(void **state)
{
	struct err err = {""};
	char path[PATH_MAX];
	struct cut *cut;
	size_t at_pair = 0;

	(void)state;
	write_log((struct world){.rounds = 400, .standstill = 7, .seed = 8});
	snprintf(path, sizeof(path), "%s/%s", dir, CALIBRATION_SAME);
	assert_int_equal(cut_read(path, &cut, &err), 0);
	assert_int_equal(cut->n_pairs, CELLS * 400);
	assert_true(cut->pairs[0].d > log(100));
	for (size_t g = 0; g < cut->n_gates; g++) {
		const struct cut_sample *s = &cut->samples[g * cut->n_series];

		for (unsigned i = 0; i < GATE_STAGE1; i++)
			assert_true(s->first[i] == cut->pairs[at_pair + i].d);
		assert_true(isfinite(s->estimate1));
		at_pair += s->result.n1 + s->result.n2;
	}
	assert_true(cut->n_gates > 5);
	cut_free(cut);
}

static double margin_of(double build_shift)
{
	_cleanup_json_ cJSON *o = NULL;

	write_log(
		(struct world){.rounds = 400, .builds = 2, .build_shift = build_shift, .seed = 9});
	o = analysed();
	assert_int_equal(number(at(o, "margin"), "builds"), 2);
	assert_string_equal(at(at(o, "margin"), "from")->valuestring, "builds");
	return number(at(o, "margin"), "margin");
}

static void test_margin(void **state)
{
	double learnt;

	(void)state;
	learnt = margin_of(0.014);
	assert_true(learnt > 0.009 && learnt <= CALIBRATION_MARGIN_HIGH);
	assert_true(margin_of(0.08) == CALIBRATION_MARGIN_HIGH);
	assert_true(margin_of(0) < 0.009);
}

static void test_op_ns(void **state)
{
	double threads[] = {1, 4}, op_ns[CELLS];
	struct err err = {""};

	(void)state;
	write_log((struct world){.rounds = 100, .seed = 10});
	assert_int_equal(calibrate_op_ns(dir, threads, CELLS, op_ns, &err), 0);
	assert_true(fabs(op_ns[0] / 1e6 - 1) < 0.1);
	assert_true(fabs(op_ns[1] / 4e6 - 1) < 0.1);
	assert_int_equal(calibrate_op_ns(dir, threads, 1, op_ns, &err), -EINVAL);
}

static void test_no_log(void **state)
{
	struct err err = {""};
	char path[PATH_MAX];
	cJSON *o;
	FILE *f;

	(void)state;
	assert_int_equal(calibrate_analyse(dir, &o, &err), -ENOENT);
	write_log((struct world){.rounds = 20, .seed = 11});
	path_of(path, CALIBRATION_SAME, "pairs.jsonl");
	assert_int_equal(truncate(path, 5000), 0);
	assert_int_equal(calibrate_analyse(dir, &o, &err), 0);
	cJSON_Delete(o);
	f = fopen(path, "ae");
	fputs("\n{\"schema\":1}\n", f);
	fclose(f);
	assert_int_equal(calibrate_analyse(dir, &o, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "pairs.jsonl:"));
}

/* gate.json knows how many lines there were. */
static void test_cut_off(void **state)
{
	struct err err = {""};
	cJSON *o;

	(void)state;
	write_log((struct world){.rounds = 100, .ended_with = 2 * 100 + 1, .seed = 13});
	assert_int_equal(calibrate_analyse(dir, &o, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "pairs.jsonl:200: the file ends here"));
	write_log((struct world){.rounds = 100, .ended_with = 2 * 100, .seed = 13});
	assert_int_equal(calibrate_analyse(dir, &o, &err), 0);
	cJSON_Delete(o);
}

static void test_kept(void **state)
{
	_cleanup_json_ cJSON *o = NULL, *quote = NULL, *other = cJSON_Parse("{\"kernel\":\"7\"}");
	_cleanup_free_ char *path = NULL;
	char root[PATH_MAX];
	struct err err = {""};
	double margin;

	(void)state;
	write_log((struct world){.rounds = 900, .builds = 2, .build_shift = 0.015, .seed = 12});
	o = analysed();
	assert_int_equal(number(o, "exit_code"), EXITCODE_OK);
	snprintf(root, sizeof(root), "%s/kept/here", dir);
	assert_int_equal(calibration_quote(root, at(o, "machine"), &quote, &err), -ENOENT);
	assert_int_equal(calibration_store(root, o, &path, &err), 0);
	assert_int_equal(calibration_quote(root, other, &quote, &err), -ENOENT);
	assert_int_equal(calibration_quote(root, at(o, "machine"), &quote, &err), 0);
	/* what is written may differ in the last bit */
	assert_true(fabs(number(quote, "sees") - number(o, "sees")) < 1e-12);
	assert_true(number(quote, "gates") == number(o, "gates"));
	assert_true(calibration_margin(quote, &margin));
	assert_true(margin == number(at(o, "margin"), "margin"));
	assert_false(calibration_margin(NULL, &margin));
	assert_int_equal(truncate(path, 100), 0);
	cJSON_Delete(take_ptr(quote));
	assert_int_equal(calibration_quote(root, at(o, "machine"), &quote, &err), -EBADMSG);
	assert_non_null(strstr(err.text, path));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fair),      TEST(test_fixed_order), TEST(test_shifted), TEST(test_alarms),
		TEST(test_too_few),   TEST(test_failed),      TEST(test_cut),	  TEST(test_margin),
		TEST(test_op_ns),     TEST(test_no_log),      TEST(test_cut_off), TEST(test_kept),
		TEST(test_disturbed), TEST(test_standstill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

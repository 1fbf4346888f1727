// SPDX-License-Identifier: MIT
/*
 * Every way through the gate, with pairs made so that the outcome can be told beforehand: d is a
 * centre and a noise that is the same few values again and again, of both signs. Then all of them
 * in one gate, where they must not disturb each other, and plans that are refused.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "harness/gate/gate.h"
#include "harness/util/cleanup.h"

static const struct gate_params usual = {.alpha = 0.01, .margin = 0.01};
static const struct gate_params confirming = {
	.alpha = 0.01, .margin = 0.01, .confirm_improvements = true};
static const struct gate_series throughput = {.effect = 0.05, .matters = 0.025};
static const struct gate_series switches = {.effect = 0.05, .matters = 0.025, .count = true};

/* Twelve values that sum to 0. */
static double noise(unsigned pair)
{
	static const double around[] = {0.3,  -1,  0.7,	 0.1,  -0.5, 1,
					-0.2, 0.9, -0.7, -0.9, 0.5,  -0.2};

	return around[pair % array_size(around)];
}

/* What a series is like in its three stages: centres, and how far around them. */
struct story {
	const char *name;
	double first, look2, fresh, width;
	enum gate_verdict verdict;
	enum gate_stage stage;
};

static const struct story stories[] = {
	{"steady", 0, 0, 0, 0.01, GATE_UNCHANGED, GATE_IN_STAGE1},
	{"same to the digit", 0, 0, 0, 0, GATE_UNCHANGED, GATE_IN_STAGE1},
	{"noisy, then steady", 0, 0, 0, 0.1, GATE_UNCHANGED, GATE_IN_LOOK2},
	{"noisy", 0, 0, 0, 0.4, GATE_INCONCLUSIVE, GATE_IN_LOOK2},
	{"slower", 0.05, 0.05, 0.05, 0.01, GATE_REGRESSED, GATE_IN_STAGE2},
	{"much slower, all the same", 0.4, 0.4, 0.4, 0, GATE_REGRESSED, GATE_IN_STAGE2},
	{"slow at first", 0.05, 0.05, 0, 0.01, GATE_UNCHANGED, GATE_IN_STAGE2},
	{"slower than the margin, not by what matters", 0.02, 0.02, 0.02, 0.005, GATE_UNCHANGED,
	 GATE_IN_STAGE2},
	{"slow, with p = 0.227", 0.1, 0.1, 0, 0.3, GATE_INCONCLUSIVE, GATE_IN_LOOK2},
	{"surely slower, by less than half of what matters", 0.01, 0, 0, 0.005, GATE_UNCHANGED,
	 GATE_IN_STAGE1},
	{"inside at 90 %, not at 95 %", -0.01, -0.01, 0, 0.068, GATE_UNCHANGED, GATE_IN_STAGE1},
	{"noisy, then fast", 0, -0.9, 0, 0.1, GATE_IMPROVED, GATE_IN_LOOK2},
	{"slow at first, then noisy", 0.2, 0.2, 0.02, 0.3, GATE_INCONCLUSIVE, GATE_IN_STAGE2},
	{"faster, by less than the target", -0.03, -0.03, -0.03, 0.01, GATE_UNCHANGED,
	 GATE_IN_STAGE1},
	{"faster", -0.1, -0.1, -0.1, 0.01, GATE_IMPROVED, GATE_IN_LOOK2},
	{"fast at first", -0.1, 0.15, 0, 0.01, GATE_INCONCLUSIVE, GATE_IN_LOOK2},
};

/* Where improvements are confirmed they are the mirror image of regressions. */
static const struct story mirrored[] = {
	{"faster", -0.05, -0.05, -0.05, 0.01, GATE_IMPROVED, GATE_IN_STAGE2},
	{"fast at first", -0.05, -0.05, 0, 0.01, GATE_UNCHANGED, GATE_IN_STAGE2},
	{"faster than the margin, not by what matters", -0.02, -0.02, -0.02, 0.005, GATE_UNCHANGED,
	 GATE_IN_STAGE2},
	{"fast at first, then noisy", -0.2, -0.2, -0.02, 0.3, GATE_INCONCLUSIVE, GATE_IN_STAGE2},
	{"slower", 0.05, 0.05, 0.05, 0.01, GATE_REGRESSED, GATE_IN_STAGE2},
	{"noisy", 0, 0, 0, 0.4, GATE_INCONCLUSIVE, GATE_IN_LOOK2},
	{"noisy, then fast", 0, -0.9, 0, 0.1, GATE_INCONCLUSIVE, GATE_IN_LOOK2},
};

static const struct story *story(const char *name)
{
	for (size_t i = 0; i < array_size(stories); i++)
		if (strcmp(stories[i].name, name) == 0)
			return &stories[i];
	fail_msg("no story \"%s\"", name);
	return NULL;
}

static void cleanup_gate(struct gate **g)
{
	gate_free(*g);
}
#define _cleanup_gate_ _cleanup_(cleanup_gate)

static struct gate *new_gate(const struct gate_params *params, const struct gate_series *series,
			     size_t n)
{
	struct gate_series all[64];
	struct gate *g = NULL;
	struct err err;

	for (size_t i = 0; i < n; i++)
		all[i] = *series;
	if (gate_new(params, all, n, &g, &err) < 0)
		fail_msg("%s", err.text);
	return g;
}

/* Gives the pairs that series i wants now. */
static void serve(struct gate *g, size_t i, const struct story *s)
{
	while (gate_wants(g, i)) {
		struct gate_result r = gate_result(g, i);
		unsigned pair = r.n1 + r.n2;
		double centre = r.stage == GATE_IN_STAGE1  ? s->first
				: r.stage == GATE_IN_LOOK2 ? s->look2
							   : s->fresh;
		double width = strcmp(s->name, "noisy, then steady") == 0 && r.n1 >= GATE_STAGE1
				       ? 0.01
				       : s->width;

		assert_int_equal(gate_add(g, i, centre + width * noise(pair)), 0);
	}
}

static void assert_story(const struct gate *g, size_t i, const struct story *s)
{
	struct gate_result r = gate_result(g, i);

	if (r.verdict != s->verdict || r.stage != s->stage)
		fail_msg("%s: %s in %s, and not %s in %s: %g (%g to %g), p %g, %g: %s", s->name,
			 gate_verdict_names[r.verdict], gate_stage_names[r.stage],
			 gate_verdict_names[s->verdict], gate_stage_names[s->stage], r.estimate,
			 r.low, r.high, r.p1, r.p2, r.why);
	assert_int_equal(r.suspect, s->stage == GATE_IN_STAGE2);
	assert_int_equal(r.n1, s->stage == GATE_IN_LOOK2 ? GATE_LOOK2 : GATE_STAGE1);
	assert_true(s->stage == GATE_IN_STAGE2 ? r.n2 >= GATE_STAGE2_MIN && r.n2 <= 60 : r.n2 == 0);
	assert_int_equal(r.verdict == GATE_INCONCLUSIVE, r.why[0] != '\0');
	assert_true(r.low <= r.estimate && r.estimate <= r.high);
}

static void run_stories(const struct gate_params *params, const struct story *told, size_t n)
{
	_cleanup_gate_ struct gate *g = new_gate(params, &throughput, n);
	unsigned steps = 0;

	do {
		for (size_t i = 0; i < n; i++)
			serve(g, i, &told[i]);
		steps++;
	} while (gate_advance(g));
	assert_true(steps <= 2);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(gate_wants(g, i), 0);
		assert_story(g, i, &told[i]);
	}
	assert_false(gate_advance(g));
}

static void test_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(stories); i++)
		run_stories(&usual, &stories[i], 1);
	for (size_t i = 0; i < array_size(mirrored); i++)
		run_stories(&confirming, &mirrored[i], 1);
}

static void test_together(void **state)
{
	(void)state;
	run_stories(&usual, stories, array_size(stories));
	run_stories(&confirming, mirrored, array_size(mirrored));
}

/* What is wanted, when, and what is taken. */
static void test_steps(void **state)
{
	_cleanup_gate_ struct gate *g = new_gate(&usual, &throughput, 2);

	(void)state;
	assert_int_equal(gate_wants(g, 0), GATE_STAGE1);
	assert_true(gate_advance(g)); /* does nothing */
	assert_int_equal(gate_wants(g, 0), GATE_STAGE1);
	assert_int_equal(gate_add(g, 0, NAN), -EINVAL);
	assert_int_equal(gate_add(g, 0, INFINITY), -EINVAL);
	assert_int_equal(gate_add(g, 2, 0), -EINVAL);
	serve(g, 0, story("noisy, then steady"));
	assert_int_equal(gate_result(g, 0).verdict, GATE_UNDECIDED);
	assert_true(isnan(gate_result(g, 0).p1) && isnan(gate_result(g, 0).estimate));
	assert_int_equal(gate_add(g, 0, 99), 0); /* is not taken */
	assert_int_equal(gate_result(g, 0).n1, GATE_STAGE1);
	assert_true(gate_advance(g) && gate_wants(g, 1) == GATE_STAGE1);
	serve(g, 1, story("slower"));
	assert_true(gate_advance(g));
	assert_int_equal(gate_wants(g, 0), GATE_LOOK2 - GATE_STAGE1);
	assert_int_equal(gate_wants(g, 1), 28);
	serve(g, 1, story("slower"));
	assert_true(gate_advance(g));
	serve(g, 0, story("noisy, then steady"));
	assert_false(gate_advance(g));
	assert_int_equal(gate_result(g, 0).verdict, GATE_UNCHANGED);
	assert_int_equal(gate_result(g, 1).verdict, GATE_REGRESSED);
}

/* All fresh pairs above the margin: p is the smallest there is. */
static void test_figures(void **state)
{
	_cleanup_gate_ struct gate *g = new_gate(&usual, &throughput, 1);
	struct gate_result r;

	(void)state;
	serve(g, 0, story("slower"));
	assert_true(gate_advance(g));
	serve(g, 0, story("slower"));
	assert_false(gate_advance(g));
	r = gate_result(g, 0);
	assert_true(r.p1 == ldexp(1, -10) && r.p2 == ldexp(1, -28));
	assert_true(r.p2_adjusted == r.p2);
	assert_true(r.mde == gate_mde(&usual, &throughput, r.deviation, 28));
	assert_true(fabs(r.estimate - 0.05) < 0.003);
}

/* Deterministic counts: none moved, one in ten moved, all moved by 3 %, and noise. */
static void test_counts(void **state)
{
	static const enum gate_verdict expected[] = {GATE_UNCHANGED, GATE_UNCHANGED,
						     GATE_REGRESSED};
	_cleanup_gate_ struct gate *g = new_gate(&usual, &switches, 3);

	(void)state;
	do {
		for (unsigned pair = 0; gate_wants(g, 0) + gate_wants(g, 1) + gate_wants(g, 2);
		     pair++) {
			assert_int_equal(gate_add(g, 0, 0), 0);
			assert_int_equal(gate_add(g, 1, pair % 10 ? 0 : 0.2), 0);
			assert_int_equal(gate_add(g, 2, 0.03), 0);
		}
	} while (gate_advance(g));
	for (size_t i = 0; i < array_size(expected); i++)
		assert_int_equal(gate_result(g, i).verdict, expected[i]);
	assert_true(gate_result(g, 0).p1 == 1);	  /* no difference is left */
	assert_true(gate_result(g, 1).p1 == 0.5); /* one is */
	assert_true(gate_result(g, 1).deviation > 0);
	assert_true(gate_result(g, 2).estimate == 0.03);
}

/* 4.9 % of a count lies inside a target of 5 %, and of a time it does not: that ends at 4.88 %. */
static void test_scales(void **state)
{
	static const struct gate_series two[] = {{.effect = 0.05, .matters = 0.05, .count = true},
						 {.effect = 0.05, .matters = 0.05}};
	static const struct gate_params strict = {.alpha = 0.01, .margin = 0};
	_cleanup_gate_ struct gate *g = NULL;

	(void)state;
	assert_int_equal(gate_new(&strict, two, 2, &g, NULL), 0);
	do {
		for (size_t i = 0; i < 2; i++)
			while (gate_wants(g, i))
				assert_int_equal(gate_add(g, i, 0.049), 0);
	} while (gate_advance(g));
	assert_int_equal(gate_result(g, 0).verdict, GATE_UNCHANGED);
	assert_int_equal(gate_result(g, 1).verdict, GATE_REGRESSED);
}

/* Above a margin of 3 %, but by less than 0.5 %, and by more. */
static void test_beyond_margin(void **state)
{
	static const struct gate_params wide = {.alpha = 0.01, .margin = 0.03};
	_cleanup_gate_ struct gate *g = new_gate(&wide, &switches, 2);

	(void)state;
	do {
		while (gate_wants(g, 0))
			assert_int_equal(gate_add(g, 0, 0.034), 0);
		while (gate_wants(g, 1))
			assert_int_equal(gate_add(g, 1, 0.036), 0);
	} while (gate_advance(g));
	assert_true(gate_result(g, 0).p2_adjusted < 0.01);
	assert_int_equal(gate_result(g, 0).verdict, GATE_UNCHANGED);
	assert_int_equal(gate_result(g, 1).verdict, GATE_REGRESSED);
}

static void test_give_up(void **state)
{
	_cleanup_gate_ struct gate *g = new_gate(&usual, &throughput, 5);
	const struct story *const told[] = {story("slower"), story("slower"), story("noisy"),
					    story("steady"), story("slow at first, then noisy")};

	(void)state;
	for (size_t i = 0; i < 5; i++)
		serve(g, i, told[i]);
	gate_give_up(g, 3, "too late to matter"); /* has all its pairs */
	assert_true(gate_advance(g));
	assert_int_equal(gate_result(g, 3).verdict, GATE_UNCHANGED);
	assert_string_equal(gate_result(g, 3).why, "");
	gate_add(g, 0, 0.05);
	gate_give_up(g, 0, "the budget was used up");
	gate_give_up(g, 0, "another reason");
	assert_int_equal(gate_wants(g, 0), 0);
	serve(g, 1, told[1]);
	gate_add(g, 2, 0);
	gate_give_up(g, 2, "it crashed");
	assert_true(gate_wants(g, 4) > 30);
	while (gate_result(g, 4).n2 < 30) /* more than the least plan */
		gate_add(g, 4, 0.2);
	gate_give_up(g, 4, "the budget was used up");
	assert_false(gate_advance(g));
	assert_int_equal(gate_result(g, 0).verdict, GATE_INCONCLUSIVE);
	assert_string_equal(gate_result(g, 0).why, "the budget was used up");
	assert_int_equal(gate_result(g, 1).verdict, GATE_REGRESSED);
	assert_true(gate_result(g, 1).p2_adjusted == 2 * gate_result(g, 1).p2); /* 3 suspects */
	assert_string_equal(gate_result(g, 2).why, "it crashed");
	assert_int_equal(gate_result(g, 2).verdict, GATE_INCONCLUSIVE);
	assert_int_equal(gate_result(g, 4).verdict, GATE_REGRESSED);
}

static void test_give_up_at_once(void **state)
{
	_cleanup_gate_ struct gate *g = new_gate(&usual, &throughput, 2);

	(void)state;
	gate_give_up(g, 0, "the base crashed");
	for (int pair = 0; pair < 9; pair++)
		gate_add(g, 1, 0);
	gate_give_up(g, 1, "more than a fifth of its pairs were disturbed");
	assert_false(gate_advance(g));
	assert_int_equal(gate_result(g, 0).verdict, GATE_INCONCLUSIVE);
	assert_int_equal(gate_result(g, 1).verdict, GATE_INCONCLUSIVE);
	assert_int_equal(gate_result(g, 1).n1, 9);
	assert_string_equal(gate_result(g, 0).why, "the base crashed");
}

/* In every state of a series, and after its verdict. */
static void test_void(void **state)
{
	_cleanup_gate_ struct gate *g = new_gate(&usual, &throughput, 4);

	(void)state;
	gate_void(g, 0, "one-sided");
	for (size_t i = 1; i < 4; i++)
		serve(g, i, story("slower"));
	assert_true(gate_advance(g));
	serve(g, 1, story("slower"));
	gate_void(g, 1, "one-sided");
	gate_void(g, 2, "one-sided");
	assert_int_equal(gate_wants(g, 2), 0);
	serve(g, 3, story("slower"));
	assert_false(gate_advance(g));
	assert_int_equal(gate_result(g, 3).verdict, GATE_REGRESSED);
	gate_void(g, 3, "one-sided");
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(gate_result(g, i).verdict, GATE_INCONCLUSIVE);
		assert_string_equal(gate_result(g, i).why, "one-sided");
	}
}

static void test_stage2_pairs(void **state)
{
	struct gate_params tiny = {.alpha = 1e-9, .margin = 0.01};

	(void)state;
	/* ((2.3263 + 1.88) 0.03 / (ln 1.05 - ln 1.01))^2 / 0.955 = 11.0: the least is 28 */
	assert_int_equal(gate_stage2_pairs(&usual, &throughput, 0.03, 1), 28);
	/* ((3.0902 + 1.88) 0.05 / 0.038840)^2 / 0.955 = 42.87 */
	assert_int_equal(gate_stage2_pairs(&usual, &throughput, 0.05, 10), 43);
	assert_int_equal(gate_stage2_pairs(&usual, &throughput, 0.5, 10), GATE_STAGE2_MAX);
	assert_int_equal(gate_stage2_pairs(&usual, &throughput, 0, 1), 28);
	/* ceil(log2(100 / 1e-9)) + 6 = 37 + 6 */
	assert_int_equal(gate_stage2_pairs(&tiny, &throughput, 0, 100), 43);
	/* of a count: 0.04 in place of 0.038840, 40.42 */
	assert_int_equal(gate_stage2_pairs(&usual, &switches, 0.05, 10), 41);
}

/* e = deviation / sqrt(0.8 * 20) = deviation / 4. */
static void test_mde(void **state)
{
	struct gate_params strict = usual;

	(void)state;
	/* much noise: the margin decides; z(0.001) = 3.09023 */
	assert_true(fabs(gate_mde(&usual, &throughput, 0.04, 20) - log(1.01) - 4.73523 * 0.01) <
		    1e-7);
	/* z(0.0001) = 3.71902: a stricter gate sees less */
	strict.alpha = 0.001;
	assert_true(fabs(gate_mde(&strict, &throughput, 0.04, 20) - log(1.01) - 5.36402 * 0.01) <
		    1e-7);
	/* little: the estimate has to be what matters */
	assert_true(fabs(gate_mde(&usual, &throughput, 0.004, 20) - log(1.025) - 1.645 * 0.001) <
		    1e-12);
	/* none, as counts may have: no less than that is ever called a regression */
	assert_true(gate_mde(&usual, &switches, 0, 20) == switches.matters);
	assert_true(isnan(gate_mde(&usual, &throughput, NAN, 20)));
}

static void assert_refused(struct gate_params params, struct gate_series series, const char *word)
{
	struct gate *g = NULL;
	struct err err;

	assert_int_equal(gate_new(&params, &series, 1, &g, &err), -EINVAL);
	assert_null(g);
	assert_non_null(strstr(err.text, word));
}

static void test_refused(void **state)
{
	struct gate *g = NULL;
	struct err err;

	(void)state;
	assert_int_equal(gate_new(&usual, &throughput, 0, &g, &err), -EINVAL);
	assert_refused((struct gate_params){.alpha = 1e-17}, throughput, "needs 63 pairs");
	assert_refused((struct gate_params){.alpha = 0}, throughput, "alpha");
	assert_refused((struct gate_params){.alpha = NAN}, throughput, "alpha");
	assert_refused((struct gate_params){.alpha = 1}, throughput, "alpha");
	assert_refused((struct gate_params){.alpha = 0.01, .margin = -1}, throughput, "margin");
	assert_refused((struct gate_params){.alpha = 0.01, .margin = NAN}, throughput, "margin");
	assert_refused((struct gate_params){.alpha = 0.01, .margin = 0.05}, throughput, "margin");
	assert_refused(usual, (struct gate_series){.effect = 0, .matters = 0.1}, "effect");
	assert_refused(usual, (struct gate_series){.effect = NAN, .matters = 0.1}, "effect");
	assert_refused(usual, (struct gate_series){.effect = 0.05, .matters = 0}, "matters");
	assert_refused(usual, (struct gate_series){.effect = 0.05, .matters = 0.06}, "matters");
}

static void test_control(void **state)
{
	double d[GATE_CONTROL_PAIRS];
	bool contaminated;
	double p;

	(void)state;
	for (unsigned i = 0; i < array_size(d); i++)
		d[i] = noise(i);
	assert_int_equal(gate_control(d, array_size(d), 0, &contaminated, &p), 0);
	assert_true(!contaminated && p > 0.5);
	for (unsigned i = 0; i < array_size(d); i++)
		d[i] -= 1.01;
	assert_int_equal(gate_control(d, array_size(d), 0, &contaminated, &p), 0);
	assert_true(contaminated && p == ldexp(1, -23));
	assert_int_equal(gate_control(d, 11, 0, &contaminated, &p), 0);
	assert_true(contaminated);
	assert_int_equal(gate_control(d, 10, 0, &contaminated, &p), -EINVAL);
	/* As two builds may differ, a copy may, too; but no margin excuses more than 1 %. */
	for (unsigned i = 0; i < array_size(d); i++)
		d[i] = 0.008 + 1e-5 * i;
	assert_int_equal(gate_control(d, array_size(d), 0.01, &contaminated, &p), 0);
	assert_true(!contaminated && p < GATE_CONTROL_P);
	assert_int_equal(gate_control(d, array_size(d), 0.005, &contaminated, &p), 0);
	assert_true(contaminated);
	for (unsigned i = 0; i < array_size(d); i++)
		d[i] += 0.01;
	assert_int_equal(gate_control(d, array_size(d), 0.04, &contaminated, &p), 0);
	assert_true(contaminated);
	d[3] = NAN;
	assert_int_equal(gate_control(d, array_size(d), 0, &contaminated, &p), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),		cmocka_unit_test(test_together),
		cmocka_unit_test(test_steps),		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_counts),		cmocka_unit_test(test_scales),
		cmocka_unit_test(test_beyond_margin),	cmocka_unit_test(test_give_up),
		cmocka_unit_test(test_give_up_at_once), cmocka_unit_test(test_void),
		cmocka_unit_test(test_stage2_pairs),	cmocka_unit_test(test_mde),
		cmocka_unit_test(test_refused),		cmocka_unit_test(test_control),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

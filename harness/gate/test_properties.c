// SPDX-License-Identifier: MIT
/*
 * What must hold of any gate, whatever the pairs: swapping base and head mirrors all verdicts to
 * the last bit, another unit of time and another order of the cells leave them, and so does the
 * order in which series get their pairs. Pairs are times: drift that both share, noise of each, and
 * an effect in some series. Then its cost, and that it alarms no more often than it may.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "harness/gate/gate.h"
#include "harness/stats/dist.h"
#include "harness/util/cleanup.h"
#include "harness/util/rng.h"

#define SERIES 40
#define PAIRS  (GATE_LOOK2 + GATE_STAGE2_MAX)

/* Times of all pairs that a gate could ask for. */
struct times {
	double base[PAIRS], head[PAIRS];
};

/* A t of 3 degrees: heavy tails, from two draws. */
static double heavy(struct rng *r)
{
	double z[4];

	for (size_t i = 0; i < array_size(z); i++)
		z[i] = dist_normal_quantile(0.5e-9 + rng_double(r) * (1 - 1e-9));
	return z[0] / sqrt((z[1] * z[1] + z[2] * z[2] + z[3] * z[3]) / 3);
}

static void draw_times(struct times *t, struct rng *r, double effect, double noise)
{
	double drift = 0;

	for (size_t i = 0; i < PAIRS; i++) {
		drift += 0.02 * heavy(r);
		t->base[i] = 1e4 * exp(drift + noise * heavy(r));
		t->head[i] = 1e4 * exp(drift + effect + noise * heavy(r));
	}
}

/* Some have no effect, some one of either sign. */
static void draw_gate(struct times *t, struct rng *r)
{
	static const double effects[] = {0, 0, 0.06, -0.06, 0.02, -0.02};

	for (size_t i = 0; i < SERIES; i++)
		draw_times(&t[i], r, effects[rng_below(r, array_size(effects))],
			   0.002 + 0.03 * rng_double(r));
}

/* How the same pairs are put to a gate. */
struct way {
	bool swap, backwards, interleaved;
	double unit;
};

static double difference(const struct times *t, const struct gate_result *r, const struct way *w)
{
	size_t pair = r->stage == GATE_IN_STAGE2 ? GATE_LOOK2 + r->n2 : r->n1;
	double base = t->base[pair] * w->unit, head = t->head[pair] * w->unit;

	return w->swap ? log(base / head) : log(head / base);
}

/* Whether a series got a pair. */
static bool serve(struct gate *g, size_t i, const struct times *t, const struct way *w)
{
	bool served = false;

	while (gate_wants(g, i)) {
		struct gate_result r = gate_result(g, i);

		assert_int_equal(gate_add(g, i, difference(t, &r, w)), 0);
		served = true;
		if (w->interleaved)
			break;
	}
	return served;
}

static void judge(const struct times *t, size_t n, const struct gate_params *params,
		  const struct way *w, struct gate_result *ret)
{
	struct gate_series series[SERIES];
	struct gate *g;
	bool served;

	for (size_t i = 0; i < n; i++)
		series[i] = (struct gate_series){.effect = 0.05, .matters = 0.025};
	assert_int_equal(gate_new(params, series, n, &g, NULL), 0);
	do {
		do {
			served = false;
			for (size_t i = 0; i < n; i++)
				served |= serve(g, i, &t[w->backwards ? n - 1 - i : i], w);
		} while (served);
	} while (gate_advance(g));
	for (size_t i = 0; i < n; i++)
		ret[w->backwards ? n - 1 - i : i] = gate_result(g, i);
	gate_free(g);
}

static enum gate_verdict mirror(enum gate_verdict v)
{
	return v == GATE_REGRESSED ? GATE_IMPROVED : v == GATE_IMPROVED ? GATE_REGRESSED : v;
}

static bool same(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

static void assert_same(const struct gate_result *a, const struct gate_result *b)
{
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->stage, b->stage);
	assert_int_equal(a->n2, b->n2);
	assert_true(same(a->p1, b->p1) && same(a->p2_adjusted, b->p2_adjusted));
	assert_true(same(a->estimate, b->estimate) && same(a->mde, b->mde));
}

static const struct gate_params confirming = {
	.alpha = 0.01, .margin = 0.01, .confirm_improvements = true};
static const struct way plain = {.unit = 1};

static void test_swap(void **state)
{
	static const struct way swapped = {.unit = 1, .swap = true};
	static struct times t[SERIES];
	struct gate_result a[SERIES], b[SERIES];
	unsigned seen[GATE_INCONCLUSIVE + 1] = {0};
	struct rng r;

	(void)state;
	rng_seed(&r, 1);
	for (int round = 0; round < 20; round++) {
		draw_gate(t, &r);
		judge(t, SERIES, &confirming, &plain, a);
		judge(t, SERIES, &confirming, &swapped, b);
		for (size_t i = 0; i < SERIES; i++) {
			assert_int_equal(a[i].verdict, mirror(b[i].verdict));
			assert_int_equal(a[i].n2, b[i].n2);
			/* log(x / y) and log(y / x) may differ in the last bit */
			assert_true(fabs(a[i].estimate + b[i].estimate) < 1e-12);
			assert_true(fabs(a[i].low + b[i].high) < 1e-12);
			seen[a[i].verdict]++;
		}
	}
	for (int v = GATE_UNCHANGED; v <= GATE_INCONCLUSIVE; v++)
		assert_true(seen[v] > 10); /* of each, so that the test is one */
}

static void test_unit(void **state)
{
	static const struct way seconds = {.unit = 1e-9}, turned = {.unit = 1, .backwards = true},
				interleaved = {.unit = 1, .interleaved = true};
	static struct times t[SERIES];
	struct gate_result a[SERIES], b[SERIES], c[SERIES], d[SERIES];
	struct gate_params params = confirming;
	struct rng r;

	(void)state;
	rng_seed(&r, 2);
	for (int round = 0; round < 20; round++) {
		params.confirm_improvements = round % 2;
		draw_gate(t, &r);
		judge(t, SERIES, &params, &plain, a);
		judge(t, SERIES, &params, &seconds, b);
		judge(t, SERIES, &params, &turned, c);
		judge(t, SERIES, &params, &interleaved, d);
		for (size_t i = 0; i < SERIES; i++) {
			assert_int_equal(a[i].verdict, b[i].verdict);
			assert_same(&a[i], &c[i]);
			assert_same(&a[i], &d[i]);
		}
	}
}

/* No effect at all: the margin makes of the 1 % of 300 gates of 40 series that may alarm hardly
 * one. One of 6 % is seen nearly always. */
static void test_alarms_and_power(void **state)
{
	static const struct gate_params params = {.alpha = 0.01, .margin = 0.01};
	static struct times t[SERIES];
	unsigned alarms = 0, improved = 0, found = 0;
	struct gate_result a[SERIES];
	struct rng r;

	(void)state;
	rng_seed(&r, 3);
	for (int gate = 0; gate < 300; gate++) {
		unsigned wrong = 0, better = 0;

		for (size_t i = 0; i < SERIES; i++)
			draw_times(&t[i], &r, i ? 0 : 0.06, 0.02);
		judge(t, SERIES, &params, &plain, a);
		found += a[0].verdict == GATE_REGRESSED;
		for (size_t i = 1; i < SERIES; i++) {
			wrong += a[i].verdict == GATE_REGRESSED;
			better += a[i].verdict == GATE_IMPROVED;
		}
		alarms += wrong > 0;
		improved += better > 0;
	}
	print_message("of 300 gates: %u alarms, %u improved, %u found\n", alarms, improved, found);
	assert_in_range(alarms, 0, 1);
	assert_in_range(improved, 0, 1);
	assert_in_range(found, 270, 300);
}

/* Whatever is finite is judged, in two steps, and no figure of it is not a number. */
static void test_any_values(void **state)
{
	static const double odd[] = {0, -0.0, 1e308, -1e308, 5e-324, -5e-324, 1e-300, 0.05, -0.05};
	static const struct gate_series series[] = {
		{.effect = 0.05, .matters = 0.025},
		{.effect = 0.05, .matters = 0.025, .count = true}};
	struct rng r;

	(void)state;
	rng_seed(&r, 5);
	for (int round = 0; round < 3000; round++) {
		struct gate *g = NULL;
		unsigned steps = 0;

		assert_int_equal(gate_new(&confirming, &series[round % 2], 1, &g, NULL), 0);
		do {
			uint64_t kinds = 1 + rng_below(&r, array_size(odd));

			while (gate_wants(g, 0))
				assert_int_equal(gate_add(g, 0, odd[rng_below(&r, kinds)]), 0);
			steps++;
		} while (gate_advance(g));
		struct gate_result a = gate_result(g, 0);

		assert_true(steps <= 2 && a.verdict != GATE_UNDECIDED);
		assert_true(a.low <= a.estimate && a.estimate <= a.high);
		assert_true(a.p1 > 0 && a.p1 <= 1 && a.deviation >= 0 && a.mde >= 0);
		gate_free(g);
	}
}

static double seconds_of_cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* As many pairs as there can be, of 40 series: 100 are to take less than 50 ms of CPU. */
static void test_cost(void **state)
{
	static const struct gate_params params = {.alpha = 0.01, .margin = 0.01};
	static struct times t[SERIES];
	struct gate_result a[SERIES];
	double least = INFINITY;
	struct rng r;

	(void)state;
	rng_seed(&r, 4);
	for (size_t i = 0; i < SERIES; i++)
		draw_times(&t[i], &r, 0.5, 0.1);
	for (int round = 0; round < 5; round++) {
		double start = seconds_of_cpu();

		judge(t, SERIES, &params, &plain, a);
		least = fmin(least, seconds_of_cpu() - start);
	}
	assert_int_equal(a[0].n2, GATE_STAGE2_MAX);
	print_message("%d series: %.2f ms\n", SERIES, least * 1e3);
	assert_true(least < 0.050 * SERIES / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_unit),
		cmocka_unit_test(test_alarms_and_power),
		cmocka_unit_test(test_any_values),
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

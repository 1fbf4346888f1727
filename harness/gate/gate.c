// SPDX-License-Identifier: MIT
/*
 * The paired gate without time. Every series is in one of three stages until it has a verdict, and
 * all of them are judged at once: after stage 1, and after look 2 and stage 2, which are measured
 * together. What is judged depends on the pairs alone, never on when or in which order they came,
 * and the pairs that made a series suspect are none of those that convict it.
 */
#include "harness/gate/gate.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/stats/dist.h"
#include "harness/stats/holm.h"
#include "harness/stats/signflip.h"
#include "harness/stats/spread.h"
#include "harness/stats/walsh.h"
#include "harness/util/cleanup.h"

#define SUSPECT_P      0.20
#define INNER_LEVEL    0.90
#define TOLD_LEVEL     0.95
#define POWER_Z	       1.88  /* of a plan: 97 % */
#define EFFICIENCY     0.955 /* of the test, against the mean of normal differences */
#define MDE_SUSPECTS   10    /* among which it would have to be rejected, by Holm */
#define MDE_POWER_Z    1.645 /* 95 % */
#define MDE_EFFICIENCY 0.8
#define BEYOND_MARGIN  0.005 /* an estimate that is to be called a regression */
#define SPARE_BITS     6     /* of a plan: its smallest p is a 64th of what Holm asks for */

const char *const gate_verdict_names[] = {
	[GATE_UNDECIDED] = "undecided",	      [GATE_UNCHANGED] = "unchanged",
	[GATE_REGRESSED] = "regressed",	      [GATE_IMPROVED] = "improved",
	[GATE_INCONCLUSIVE] = "inconclusive", NULL,
};

const char *const gate_stage_names[] = {
	[GATE_IN_STAGE1] = "stage1",
	[GATE_IN_LOOK2] = "look2",
	[GATE_IN_STAGE2] = "stage2",
	NULL,
};

struct series {
	struct gate_series judged_by;
	double first[GATE_LOOK2], fresh[GATE_STAGE2_MAX];
	unsigned planned; /* of the array of its stage */
	bool given_up;
	int sign; /* of a suspect: +1 for a regression, -1 for an improvement */
	struct gate_result r;
};

struct gate {
	struct gate_params params;
	bool over, past_stage1;
	size_t n, suspects;
	struct series *series;
	double *p, *adjusted; /* of the tests in hand */
	bool *reject;
};

static double d_of(const struct gate_series *s, double fraction)
{
	return s->count ? fraction : log1p(fraction);
}

/* What an estimate has to come to, to be called a regression. */
static double least_estimate(const struct gate_params *params, const struct gate_series *series)
{
	return d_of(series, fmax(series->matters, params->margin + BEYOND_MARGIN));
}

double gate_mde(const struct gate_params *params, const struct gate_series *series,
		double deviation, unsigned n)
{
	double error = deviation / sqrt(MDE_EFFICIENCY * n);
	double z = -dist_normal_quantile(params->alpha / MDE_SUSPECTS);

	return fmax(d_of(series, params->margin) + (z + MDE_POWER_Z) * error,
		    least_estimate(params, series) + MDE_POWER_Z * error);
}

/* The least that a plan may have, so that k suspects can all be rejected. */
static double least_pairs(double alpha, size_t suspects)
{
	return fmax(GATE_STAGE2_MIN, ceil(log2((double)suspects / alpha)) + SPARE_BITS);
}

unsigned gate_stage2_pairs(const struct gate_params *params, const struct gate_series *series,
			   double deviation, size_t suspects)
{
	double room = d_of(series, series->effect) - d_of(series, params->margin);
	double z = POWER_Z - dist_normal_quantile(params->alpha / (double)suspects);
	double pairs = ceil(pow(z * deviation / room, 2) / EFFICIENCY);

	pairs = fmax(pairs, least_pairs(params->alpha, suspects));
	return (unsigned)fmin(pairs, GATE_STAGE2_MAX);
}

static int check_params(const struct gate_params *p, size_t n, struct err *err)
{
	if (!n)
		return err_set(err, -EINVAL, "a gate without a gated metric judges nothing");
	if (!(p->alpha > 0 && p->alpha <= 0.5))
		return err_set(err, -EINVAL, "alpha: %g is not above 0 and at most 0.5", p->alpha);
	if (!(p->margin >= 0 && p->margin < 1))
		return err_set(err, -EINVAL, "margin: %g is not at least 0 and below 1", p->margin);
	if (least_pairs(p->alpha, n) > GATE_STAGE2_MAX)
		return err_set(
			err, -EINVAL,
			"alpha: %g over %zu metrics needs %.0f pairs to be ever reached, and "
			"a gate has at most %d",
			p->alpha, n, least_pairs(p->alpha, n), GATE_STAGE2_MAX);
	return 0;
}

static int check_series(const struct gate_series *s, double margin, struct err *err)
{
	if (!(isfinite(s->effect) && s->effect > 0))
		return err_set(err, -EINVAL, "effect: %g is not above 0", s->effect);
	if (!(s->matters > 0 && s->matters <= s->effect))
		return err_set(err, -EINVAL,
			       "matters: %g is not above 0 and at most the effect, %g", s->matters,
			       s->effect);
	if (margin >= s->effect)
		return err_set(err, -EINVAL,
			       "margin: %g is not below the effect, %g, and would excuse it",
			       margin, s->effect);
	return 0;
}

static void series_init(struct series *s, const struct gate_series *judged_by)
{
	s->judged_by = *judged_by;
	s->planned = GATE_STAGE1;
	s->r = (struct gate_result){.p1 = NAN,
				    .p2 = NAN,
				    .p2_adjusted = NAN,
				    .estimate = NAN,
				    .inner_low = NAN,
				    .inner_high = NAN,
				    .low = NAN,
				    .high = NAN,
				    .deviation = NAN,
				    .mde = NAN};
}

static void cleanup_gate(struct gate **g)
{
	gate_free(*g);
}

int gate_new(const struct gate_params *params, const struct gate_series *series, size_t n,
	     struct gate **ret, struct err *err)
{
	_cleanup_(cleanup_gate) struct gate *g = NULL;
	int r = check_params(params, n, err);

	for (size_t i = 0; i < n && !r; i++)
		r = check_series(&series[i], params->margin, err);
	if (r < 0)
		return r;
	g = calloc(1, sizeof(*g));
	if (!g)
		return err_sys(err, -ENOMEM, "gate");
	g->params = *params;
	g->n = n;
	g->series = calloc(n, sizeof(*g->series));
	g->p = calloc(n, sizeof(*g->p));
	g->adjusted = calloc(n, sizeof(*g->adjusted));
	g->reject = calloc(n, sizeof(*g->reject));
	if (!g->series || !g->p || !g->adjusted || !g->reject)
		return err_sys(err, -ENOMEM, "gate of %zu metrics", n);
	for (size_t i = 0; i < n; i++)
		series_init(&g->series[i], &series[i]);
	*ret = take_ptr(g);
	return 0;
}

void gate_free(struct gate *g)
{
	if (!g)
		return;
	free(g->series);
	free(g->p);
	free(g->adjusted);
	free(g->reject);
	free(g);
}

static unsigned *pairs_of(struct series *s)
{
	return s->r.stage == GATE_IN_STAGE2 ? &s->r.n2 : &s->r.n1;
}

unsigned gate_wants(const struct gate *g, size_t i)
{
	struct series *s = &g->series[i];

	if (g->over || s->given_up || s->r.verdict != GATE_UNDECIDED)
		return 0;
	return s->planned - *pairs_of(s);
}

int gate_add(struct gate *g, size_t i, double d)
{
	struct series *s;

	if (i >= g->n || !isfinite(d))
		return -EINVAL;
	if (!gate_wants(g, i))
		return 0;
	s = &g->series[i];
	if (s->r.stage == GATE_IN_STAGE2)
		s->fresh[s->r.n2++] = d;
	else
		s->first[s->r.n1++] = d;
	return 0;
}

__attribute__((format(printf, 3, 4))) static void
decide(struct series *s, enum gate_verdict verdict, const char *why, ...)
{
	va_list ap;

	s->r.verdict = verdict;
	va_start(ap, why);
	vsnprintf(s->r.why, sizeof(s->r.why), why, ap);
	va_end(ap);
}

void gate_give_up(struct gate *g, size_t i, const char *why)
{
	struct series *s = &g->series[i];

	if (s->r.verdict != GATE_UNDECIDED || s->given_up)
		return;
	s->given_up = true;
	snprintf(s->r.why, sizeof(s->r.why), "%s", why);
}

void gate_void(struct gate *g, size_t i, const char *why)
{
	decide(&g->series[i], GATE_INCONCLUSIVE, "%s", why);
}

struct gate_result gate_result(const struct gate *g, size_t i)
{
	return g->series[i].r;
}

/* Cannot fail: the values are finite, and few. */
static struct signflip flip(const double *d, unsigned n, double shift)
{
	struct signflip s = {.p_greater = 1, .p_less = 1, .p_two = 1};

	signflip_test(d, n, shift, &s);
	return s;
}

static double deviation_of(const double *d, unsigned n)
{
	double mad = spread_mad(d, n);

	return mad > 0 ? mad : spread_deviation(d, n);
}

/* Of the pairs of the stage that it is in. */
static void measure(const struct gate *g, struct series *s)
{
	const double *d = s->r.stage == GATE_IN_STAGE2 ? s->fresh : s->first;
	unsigned n = *pairs_of(s);
	struct walsh inner = {NAN, NAN, NAN, NAN}, told = inner;

	walsh_estimate(d, n, INNER_LEVEL, &inner);
	walsh_estimate(d, n, TOLD_LEVEL, &told);
	s->r.estimate = told.estimate;
	s->r.inner_low = inner.low;
	s->r.inner_high = inner.high;
	s->r.low = told.low;
	s->r.high = told.high;
	s->r.deviation = deviation_of(d, n);
	s->r.mde = gate_mde(&g->params, &s->judged_by, s->r.deviation, n);
}

/* +1, -1, or 0 for what is no suspect. */
static int suspicion(struct series *s, bool confirm_improvements)
{
	struct signflip f = flip(s->first, s->r.n1, 0);
	double least = d_of(&s->judged_by, s->judged_by.matters) / 2;
	int sign = s->r.estimate < 0 ? -1 : 1;

	s->r.p1 = sign < 0 ? f.p_less : f.p_greater;
	if (s->r.p1 > SUSPECT_P || fabs(s->r.estimate) < least)
		return 0;
	return sign > 0 || confirm_improvements ? sign : 0;
}

static bool lies_inside(const struct series *s)
{
	double effect = d_of(&s->judged_by, s->judged_by.effect);

	return s->r.inner_low > -effect && s->r.inner_high < effect;
}

static void judge_first(const struct gate *g, struct series *s)
{
	if (s->r.verdict != GATE_UNDECIDED)
		return;
	measure(g, s);
	if (s->r.n1 < GATE_STAGE1) {
		s->r.verdict = GATE_INCONCLUSIVE; /* and why, it was given up with */
		return;
	}
	s->sign = suspicion(s, g->params.confirm_improvements);
	s->r.suspect = s->sign != 0;
	if (s->r.suspect) {
		s->r.stage = GATE_IN_STAGE2;
	} else if (lies_inside(s)) {
		decide(s, GATE_UNCHANGED, "%s", "");
	} else {
		s->r.stage = GATE_IN_LOOK2;
		s->planned = GATE_LOOK2;
	}
}

static void judge_stage1(struct gate *g)
{
	for (size_t i = 0; i < g->n; i++) {
		judge_first(g, &g->series[i]);
		g->suspects += g->series[i].r.suspect;
	}
	for (size_t i = 0; i < g->n; i++) {
		struct series *s = &g->series[i];

		if (s->r.suspect)
			s->planned = gate_stage2_pairs(&g->params, &s->judged_by, s->r.deviation,
						       g->suspects);
	}
}

/* A plan that was cut short is a shorter plan, as long as it can still reject. */
static bool is_complete(const struct gate *g, const struct series *s)
{
	if (s->r.stage == GATE_IN_STAGE2)
		return s->r.n2 >= least_pairs(g->params.alpha, g->suspects);
	return s->r.n1 >= s->planned;
}

/* p of what is tested in that stage; 1 for what cannot be. */
static double test_against_margin(const struct gate *g, struct series *s)
{
	double margin = d_of(&s->judged_by, g->params.margin);
	struct signflip f;

	if (s->r.verdict != GATE_UNDECIDED || !is_complete(g, s))
		return 1;
	measure(g, s);
	if (s->r.stage == GATE_IN_LOOK2)
		s->sign = s->r.estimate < 0 && !g->params.confirm_improvements ? -1 : 0;
	if (!s->sign)
		return 1;
	f = flip(s->r.stage == GATE_IN_STAGE2 ? s->fresh : s->first, *pairs_of(s),
		 s->sign * margin);
	s->r.p2 = s->sign > 0 ? f.p_greater : f.p_less;
	return s->r.p2;
}

static void settle(const struct gate *g, struct series *s, bool rejected, double adjusted)
{
	double least = least_estimate(&g->params, &s->judged_by);

	if (s->r.verdict != GATE_UNDECIDED)
		return;
	if (!is_complete(g, s)) {
		s->r.verdict = GATE_INCONCLUSIVE; /* and why, it was given up with */
		return;
	}
	if (!isnan(s->r.p2))
		s->r.p2_adjusted = adjusted;
	s->r.why[0] = '\0';
	if (rejected && s->sign * s->r.estimate >= least)
		s->r.verdict = s->sign > 0 ? GATE_REGRESSED : GATE_IMPROVED;
	else if (lies_inside(s))
		s->r.verdict = GATE_UNCHANGED;
	else
		decide(s, GATE_INCONCLUSIVE,
		       "after %u pairs its 90 %% interval still reaches beyond the target effect",
		       *pairs_of(s));
}

static void give_up_stage(struct gate *g, enum gate_stage stage, const char *why)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->series[i].r.stage == stage && g->series[i].r.verdict == GATE_UNDECIDED)
			decide(&g->series[i], GATE_INCONCLUSIVE, "%s", why);
}

/* Of the `family` of tests, those that are not of this stage cannot reject. */
static void judge_stage(struct gate *g, enum gate_stage stage, size_t family)
{
	size_t k = 0;

	for (size_t i = 0; i < g->n; i++)
		if (g->series[i].r.stage == stage)
			g->p[k++] = test_against_margin(g, &g->series[i]);
	while (k < family)
		g->p[k++] = 1;
	if (holm(g->p, family, g->params.alpha, g->reject, g->adjusted) < 0) {
		give_up_stage(g, stage, "out of memory");
		return;
	}
	k = 0;
	for (size_t i = 0; i < g->n; i++)
		if (g->series[i].r.stage == stage) {
			settle(g, &g->series[i], g->reject[k], g->adjusted[k]);
			k++;
		}
}

static bool wants_any(const struct gate *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (gate_wants(g, i))
			return true;
	return false;
}

bool gate_advance(struct gate *g)
{
	if (g->over || wants_any(g))
		return !g->over;
	if (!g->past_stage1) {
		judge_stage1(g);
		g->past_stage1 = true;
		if (wants_any(g))
			return true;
	}
	judge_stage(g, GATE_IN_LOOK2, g->n);
	judge_stage(g, GATE_IN_STAGE2, g->suspects);
	g->over = true;
	return false;
}

int gate_control(const double *d, size_t n, double margin, bool *ret_contaminated, double *ret_p)
{
	double most = log1p(fmin(margin, GATE_CONTROL_MARGIN));
	struct signflip s;
	struct walsh w;
	int r;

	if (2 * signflip_smallest_p(n) >= GATE_CONTROL_P)
		return -EINVAL;
	r = signflip_test(d, n, 0, &s);
	if (!r)
		r = walsh_estimate(d, n, TOLD_LEVEL, &w);
	if (r < 0)
		return r;
	*ret_p = s.p_two;
	*ret_contaminated = s.p_two < GATE_CONTROL_P && fabs(w.estimate) > most;
	return 0;
}

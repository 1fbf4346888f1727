// SPDX-License-Identifier: MIT
/*
 * Figures of a log. In a log without a difference the coin alone decides which sign the effect of a
 * pair has, whatever the machine did meanwhile: so p-values are exactly uniform when they are
 * randomised over ties, signs are those of a fair coin, and gates that share no pair are
 * independent trials. What is not so was not the coin.
 */
#include "harness/calibrate/figures.h"

#include <math.h>
#include <stdlib.h>

#include "harness/calibrate/calibrate.h"
#include "harness/stats/dist.h"
#include "harness/stats/signflip.h"
#include "harness/stats/spread.h"
#include "harness/stats/walsh.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"
#include "harness/util/rng.h"

#define BUILD_PAIRS_MIN 10  /* of two builds, to say by how much they differ */
#define BUILD_SIGMAS	2.0 /* below this it is noise */

void figures_add(cJSON *o, const char *key, double value)
{
	if (isfinite(value))
		cJSON_AddNumberToObject(o, key, value);
	else
		cJSON_AddNullToObject(o, key);
}

cJSON *figures_share(size_t hits, size_t of)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "hits", (double)hits);
	cJSON_AddNumberToObject(o, "of", (double)of);
	figures_add(o, "share", of ? (double)hits / (double)of : NAN);
	figures_add(o, "low", of ? dist_share_lower(hits, of, CALIBRATION_LEVEL) : NAN);
	figures_add(o, "high", of ? dist_share_upper(hits, of, CALIBRATION_LEVEL) : NAN);
	return o;
}

static const struct cut_sample *sample(const struct cut *c, size_t gate, size_t series)
{
	return &c->samples[gate * c->n_series + series];
}

/* A gate in which a cell got no pair has no part in what is asked of its pairs. */
static bool was_measured(const struct cut_sample *s)
{
	return s->result.n1 >= GATE_STAGE1;
}

size_t figures_gates_with(const struct cut *c, enum gate_verdict verdict)
{
	size_t n = 0;

	for (size_t g = 0; g < c->n_gates; g++) {
		bool found = false;

		for (size_t i = 0; i < c->n_series; i++)
			found |= sample(c, g, i)->result.verdict == verdict;
		n += found;
	}
	return n;
}

cJSON *figures_uniform(const struct cut *c, uint64_t seed)
{
	_cleanup_free_ double *p = calloc(c->n_gates * c->n_series + 1, sizeof(*p));
	cJSON *o = cJSON_CreateObject();
	struct signflip s;
	struct rng rng;
	size_t n = 0;

	rng_seed(&rng, seed);
	for (size_t i = 0; p && i < c->n_gates * c->n_series; i++) {
		double u = rng_double(&rng);

		if (was_measured(&c->samples[i]) &&
		    !signflip_test(c->samples[i].first, GATE_STAGE1, 0, &s))
			p[n++] = s.p_greater - u * s.p_equal;
	}
	if (p)
		order_sort(p, n);
	cJSON_AddNumberToObject(o, "n", (double)n);
	figures_add(o, "p", n ? dist_ks_uniform(p, n) : NAN);
	return o;
}

cJSON *figures_symmetry(const struct cut *c)
{
	cJSON *o = cJSON_CreateObject();
	size_t positive = 0, negative = 0;

	for (size_t i = 0; i < c->n_gates * c->n_series; i++)
		if (was_measured(&c->samples[i])) {
			positive += c->samples[i].estimate1 > 0;
			negative += c->samples[i].estimate1 < 0;
		}
	cJSON_AddNumberToObject(o, "positive", (double)positive);
	cJSON_AddNumberToObject(o, "negative", (double)negative);
	figures_add(o, "p",
		    positive + negative ? dist_binomial_half_two(positive, positive + negative)
					: NAN);
	return o;
}

cJSON *figures_coverage(const struct cut *c, int level)
{
	size_t hits = 0, of = 0;

	for (size_t i = 0; i < c->n_gates * c->n_series; i++)
		if (was_measured(&c->samples[i])) {
			of++;
			hits += c->samples[i].covers[level];
		}
	return figures_share(hits, of);
}

static double median(double *v, size_t n)
{
	order_sort(v, n);
	return order_median(v, n);
}

static double series_mde(const struct cut *c, size_t series)
{
	_cleanup_free_ double *v = calloc(c->n_gates + 1, sizeof(*v));
	size_t n = 0;

	for (size_t g = 0; v && g < c->n_gates; g++) {
		double mde = sample(c, g, series)->result.mde;

		if (isfinite(mde))
			v[n++] = effect_fraction(&c->series[series].effect, mde);
	}
	return v ? median(v, n) : NAN;
}

double figures_sees(const struct cut *c)
{
	_cleanup_free_ double *v = calloc(c->n_series + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; v && i < c->n_series; i++) {
		double mde = series_mde(c, i);

		/* The rule of a gate's own `sees`: its cells' first metrics. */
		if (isfinite(mde) && !c->series[i].metric)
			v[n++] = mde;
	}
	return v ? median(v, n) : NAN;
}

double figures_base(const struct cut *c, size_t series)
{
	_cleanup_free_ double *v = calloc(c->n_pairs + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; v && i < c->n_pairs; i++)
		if (c->pairs[i].series == series)
			v[n++] = c->pairs[i].base;
	return v ? median(v, n) : NAN;
}

static size_t effects_of(const struct cut *c, size_t series, double *d)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_pairs; i++)
		if (c->pairs[i].series == series)
			d[n++] = c->pairs[i].d;
	return n;
}

static void add_estimate(cJSON *o, const struct effect *effect, const double *d, size_t n)
{
	struct walsh w = {NAN, NAN, NAN, NAN};

	/* Of a longer log the first pairs: the estimate is good enough by then. */
	walsh_estimate(d, min_of(n, (size_t)WALSH_MAX), 0.95, &w);
	figures_add(o, "estimate", effect_fraction(effect, w.estimate));
	figures_add(o, "low", effect_fraction(effect, w.low));
	figures_add(o, "high", effect_fraction(effect, w.high));
	figures_add(o, "deviation", spread_mad(d, n));
}

static void add_verdicts(cJSON *o, const struct cut *c, size_t series)
{
	size_t n[GATE_INCONCLUSIVE + 1] = {0};

	for (size_t g = 0; g < c->n_gates; g++)
		n[sample(c, g, series)->result.verdict]++;
	for (int i = GATE_UNCHANGED; i <= GATE_INCONCLUSIVE; i++)
		cJSON_AddItemToObject(o, gate_verdict_names[i], figures_share(n[i], c->n_gates));
}

cJSON *figures_series(const struct cut *c)
{
	_cleanup_free_ double *d = calloc(c->n_pairs + 1, sizeof(*d));
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; d && i < c->n_series; i++) {
		size_t n = effects_of(c, i, d);
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "cell", c->series[i].id);
		cJSON_AddStringToObject(o, "label", c->series[i].label);
		cJSON_AddStringToObject(o, "metric", c->series[i].name);
		cJSON_AddNumberToObject(o, "pairs", (double)n);
		figures_add(o, "base", figures_base(c, i));
		add_estimate(o, &c->series[i].effect, d, n);
		figures_add(o, "mde", series_mde(c, i));
		add_verdicts(o, c, i);
		cJSON_AddItemToArray(list, o);
	}
	return list;
}

/* By how much build b is worse than build a, |log|; 0 where that may be noise. */
static double difference(const struct cut *c, size_t series, unsigned a, unsigned b, double *d)
{
	struct walsh w = {.estimate = 0};
	size_t n = 0;

	for (size_t i = 0; i < c->n_pairs && n < WALSH_MAX; i++) {
		const struct cut_pair *p = &c->pairs[i];

		if (p->series != series)
			continue;
		if (p->build[SIDE_BASE] == a && p->build[SIDE_HEAD] == b)
			d[n++] = p->d;
		else if (p->build[SIDE_BASE] == b && p->build[SIDE_HEAD] == a)
			d[n++] = -p->d;
	}
	if (n < BUILD_PAIRS_MIN || walsh_estimate(d, n, 0.95, &w))
		return 0;
	return fabs(w.estimate) > BUILD_SIGMAS * spread_mad(d, n) / sqrt((double)n)
		       ? fabs(w.estimate)
		       : 0;
}

static unsigned count_builds(const struct cut *c)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->n_pairs; i++)
		for (int side = 0; side < SIDES; side++)
			n = max_of(n, c->pairs[i].build[side] + 1);
	return n;
}

/* Builds 0 of both sides are the same text in two files; of one build there is nothing to learn. */
cJSON *figures_margin(const struct cut *c)
{
	_cleanup_free_ double *d = calloc(c->n_pairs + 1, sizeof(*d));
	unsigned builds = count_builds(c);
	double most = 0, margin = CALIBRATION_MARGIN;
	cJSON *o = cJSON_CreateObject();

	for (size_t i = 0; d && i < c->n_series; i++)
		for (unsigned a = 0; a < builds; a++)
			for (unsigned b = a + 1; b < builds; b++)
				most = fmax(most, difference(c, i, a, b, d));
	if (builds > 1)
		margin = fmin(fmax(expm1(most), CALIBRATION_MARGIN_LOW), CALIBRATION_MARGIN_HIGH);
	cJSON_AddNumberToObject(o, "builds", builds);
	figures_add(o, "differ", builds > 1 ? expm1(most) : NAN);
	cJSON_AddNumberToObject(o, "margin", margin);
	cJSON_AddStringToObject(o, "from", builds > 1 ? CALIBRATION_FROM_BUILDS : "default");
	return o;
}

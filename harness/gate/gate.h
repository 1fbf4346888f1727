/* SPDX-License-Identifier: MIT */
/*
 * The paired gate as a machine without time: it asks for pairs and is given their values, and in
 * the end it has a verdict for every series. Nothing here runs anything or looks at a clock, so
 * that a live gate, a stored one that is judged again, and a simulated one are the same code and
 * the same verdicts, bit for bit.
 *
 *     gate_new(params, series, n) ->  while (gate_wants(g, i) for any i) gate_add(g, i, d) ...
 *                                     gate_advance(g)   -> wants more, or is over
 *                                     gate_result(g, i)
 *
 * A series is one gated metric of one cell. d is its effect_of (harness/effect.h): + is worse, and
 * an effect of 5 % is log(1.05) of a time, 0.05 of a count.
 *
 *   STAGE 1   10 pairs for every series. Suspect: p <= 0.20 against no effect, and the estimate is
 *             at least half of what matters (both signs where improvements are confirmed). What is
 *             none is unchanged when its 90 % interval lies inside the target effect.
 *   LOOK 2    what is neither is looked at a second time, at 24 pairs, and then no more: unchanged
 *             when the interval lies inside by then, else inconclusive. Never regressed. Where
 *             improvements are not confirmed, this is where they are seen: see below, by Holm over
 *             all series of the gate, since these pairs are not fresh.
 *   STAGE 2   fresh pairs for the k suspects, as many as gate_stage2_pairs() says. Holm over the
 *             suspects, H0: effect <= margin. regressed: rejected, and the estimate over the fresh
 *             pairs at least max(matters, margin + 0.5 %); improved is the mirror image. What is
 *             neither is unchanged when its 90 % interval lies inside the target effect, else
 *             inconclusive.
 *
 * A whole gate is over at the second gate_advance, since look 2 and stage 2 are measured together.
 * An improvement is confirmed when its stage is GATE_IN_STAGE2. A test drops differences of exactly
 * 0, so that its n shrinks; estimates and intervals are of all pairs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "harness/util/err.h"

#define GATE_STAGE1	    10
#define GATE_LOOK2	    24
#define GATE_STAGE2_MIN	    28 /* since the deviation of 10 pairs may come out too small */
#define GATE_STAGE2_MAX	    60
#define GATE_CONTROL_PAIRS  24
#define GATE_CONTROL_P	    0.001
#define GATE_CONTROL_MARGIN 0.01 /* a copy may differ by the margin, but never by more */

struct gate_params {
	double alpha;		   /* of one regression among all that are none; 0.01 */
	double margin;		   /* by which an identical rebuild may differ; 0.01 */
	bool confirm_improvements; /* stage 2 for those, too */
};

/* What each series is judged by: fractions, 0.05 for 5 %. */
struct gate_series {
	double effect;	/* the target: what the gate must see */
	double matters; /* the smallest that matters */
	bool count;	/* a rate of events: d is no logarithm */
};

enum gate_verdict {
	GATE_UNDECIDED, /* wants more pairs, or was given up before it had them */
	GATE_UNCHANGED,
	GATE_REGRESSED,
	GATE_IMPROVED,
	GATE_INCONCLUSIVE,
};
extern const char *const gate_verdict_names[]; /* "undecided", ...; ended by NULL */

enum gate_stage { GATE_IN_STAGE1, GATE_IN_LOOK2, GATE_IN_STAGE2 };
extern const char *const gate_stage_names[]; /* "stage1", ...; ended by NULL */

struct gate_result {
	enum gate_verdict verdict;
	enum gate_stage stage; /* that decided it, or in which it is */
	unsigned n1, n2; /* pairs that were used: of the first stage (or two looks), of stage 2 */
	bool suspect;
	double p1; /* of stage 1 against 0, in the direction of the estimate; NAN: none */
	double p2, p2_adjusted;	    /* against the margin: of stage 2, or of an improvement that is
				       seen at look 2; by Holm. NAN: none */
	double estimate, low, high; /* of the deciding pairs, 95 %, as it is told; d's scale */
	double inner_low, inner_high; /* 90 %, which `unchanged` goes by */
	double deviation; /* of one such pair: 1.4826 MAD, or where that is 0 the ordinary one */
	double mde;	  /* smallest effect that so many pairs of it would have shown; d's scale */
	char why[160];	  /* of an inconclusive one; "" */
};

struct gate;

/* -EINVAL with err: a plan that could never reject (its smallest p exceeds alpha), a margin that is
 * not below the effect, an effect below what matters, n = 0. -ENOMEM. */
int gate_new(const struct gate_params *params, const struct gate_series *series, size_t n,
	     struct gate **ret, struct err *err);
void gate_free(struct gate *g);

unsigned gate_wants(const struct gate *g, size_t i); /* more pairs, at present */
/* A value that is not wanted any more is not taken. -EINVAL for one that is not finite, and for a
 * series that there is not. */
int gate_add(struct gate *g, size_t i, double d);
/* It will get no more pairs, for a reason that has nothing to do with their values ("the budget was
 * used up"). Of stage 2 what there is decides, when that is as much as the least plan; of the other
 * two nothing does, and `why` says so. A verdict that there is already stays. */
void gate_give_up(struct gate *g, size_t i, const char *why);
/* What was measured of it is not to be trusted ("discarded pairs fall on one side"): inconclusive,
 * whatever the values say, and whether or not it had a verdict. */
void gate_void(struct gate *g, size_t i, const char *why);
/* When nothing is wanted: judges, and sets what is wanted next. False when the gate is over. */
bool gate_advance(struct gate *g);
struct gate_result gate_result(const struct gate *g, size_t i);

/* ceil(((z(1 - alpha/k) + 1.88) s1 / (ln(1 + effect) - margin'))^2 / 0.955), kept between
 * max(GATE_STAGE2_MIN, ceil(log2(k / alpha)) + 6) and GATE_STAGE2_MAX; margin' = ln(1 + margin). */
unsigned gate_stage2_pairs(const struct gate_params *params, const struct gate_series *series,
			   double deviation, size_t suspects);
/* What such pairs show in 19 of 20 cases: far enough from the margin, margin' + (z(1 - alpha/10)
 * + 1.645) e, and estimated above what counts as a regression, that + 1.645 e; e = deviation /
 * sqrt(0.8 n). */
double gate_mde(const struct gate_params *params, const struct gate_series *series,
		double deviation, unsigned n);

/* The A/A control is contaminated when the two-sided p of its pairs is below GATE_CONTROL_P and
 * their estimate beyond the smaller of `margin` and GATE_CONTROL_MARGIN: where a copy differs by
 * more than two builds of the same text may, something else than the builds differs between the
 * sides. *ret_p. -EINVAL for values that are not finite, and for fewer pairs than could ever show
 * it (11). */
int gate_control(const double *d, size_t n, double margin, bool *ret_contaminated, double *ret_p);

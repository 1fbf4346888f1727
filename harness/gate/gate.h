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
 *             at least half of what matters (both signs where improvements are confirmed).
 *   LOOK 2    what is no suspect is looked at twice, at 10 and at 24 pairs: unchanged when its 90 %
 *             interval lies inside the target effect, else inconclusive. Never regressed.
 *   STAGE 2   fresh pairs for the k suspects, as many as gate_stage2_pairs() says. Holm over the
 *             suspects, H0: effect <= margin. regressed: rejected, and the estimate over the fresh
 *             pairs at least max(matters, margin + 0.5 %). What is not, is unchanged when its 90 %
 *             interval lies inside the target effect, else inconclusive.
 *
 * A whole gate is over in at most three steps of gate_advance.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "harness/util/err.h"

#define GATE_STAGE1	   10
#define GATE_LOOK2	   24
#define GATE_STAGE2_MAX	   60
#define GATE_CONTROL_PAIRS 24
#define GATE_CONTROL_P	   0.001

struct gate_params {
	double alpha;		   /* of one regression among all that are none; 0.01 */
	double margin;		   /* by which an identical rebuild may differ; 0.01 */
	bool confirm_improvements; /* stage 2 for those, too */
};

/* What each series is judged by: fractions, 0.05 for 5 %. */
struct gate_series {
	double effect;	/* the target: what the gate must see */
	double matters; /* the smallest that matters */
	bool count;	/* a rate of events: d is no logarithm, and 0 is dropped */
};

enum gate_verdict {
	GATE_UNDECIDED, /* wants more pairs, or was given up before it had them */
	GATE_UNCHANGED,
	GATE_REGRESSED,
	GATE_IMPROVED,
	GATE_INCONCLUSIVE,
};
extern const char *const gate_verdict_names[]; /* "undecided", ...; ended by NULL */

enum gate_stage { GATE_IN_STAGE1, GATE_IN_LOOK2, GATE_IN_STAGE2, GATE_OVER };
extern const char *const gate_stage_names[];

struct gate_result {
	enum gate_verdict verdict;
	enum gate_stage stage; /* that decided it, or in which it is */
	unsigned n1, n2; /* pairs that were used: of the first stage (or two looks), of stage 2 */
	bool suspect;
	double p1, p2;	    /* of stage 1 against 0; of stage 2 against the margin; NAN: none */
	double p2_adjusted; /* by Holm */
	double estimate, low, high; /* of the deciding pairs, 90 %; d's scale */
	double deviation;	    /* robust, of a pair: 1.4826 MAD of stage 1 */
	double mde;    /* smallest effect that so many pairs of it would have shown; d's scale */
	char why[160]; /* of an inconclusive one; "" */
};

struct gate;

/* -EINVAL with err: a plan that could never reject (its smallest p exceeds alpha), a margin that is
 * not below the effect, n = 0. */
int gate_new(const struct gate_params *params, const struct gate_series *series, size_t n,
	     struct gate **ret, struct err *err);
void gate_free(struct gate *g);

unsigned gate_wants(const struct gate *g, size_t i); /* more pairs, at present */
/* A value that is not wanted any more is not taken. -EINVAL for one that is not finite. */
int gate_add(struct gate *g, size_t i, double d);
/* It will get no more: what there is decides, and may leave it inconclusive. `why`: e.g. "more than
 * a fifth of its pairs were disturbed". */
void gate_give_up(struct gate *g, size_t i, const char *why);
/* When nothing is wanted: judges, and sets what is wanted next. False when the gate is over. */
bool gate_advance(struct gate *g);
struct gate_result gate_result(const struct gate *g, size_t i);

/* ceil(((z(1 - alpha/k) + 1.88) s1 / (ln(1 + effect) - margin'))^2 / 0.955), kept between
 * max(24, ceil(log2(k / alpha)) + 6) and GATE_STAGE2_MAX; margin' = ln(1 + margin). */
unsigned gate_stage2_pairs(const struct gate_params *params, const struct gate_series *series,
			   double deviation, size_t suspects);
/* (3.09 + 1.645) s / sqrt(0.8 n) */
double gate_mde(double deviation, unsigned n);

/* The A/A control: two-sided p of its pairs below GATE_CONTROL_P. *ret_p. -ENOMEM. */
int gate_control(const double *d, size_t n, bool *ret_contaminated, double *ret_p);

/* SPDX-License-Identifier: MIT */
/*
 * One more session, predicted from those that there are. A cell's value in a session is a number on
 * a scale where differences mean something (the logarithm of a time), worse upwards. Sessions
 * differ by the machine's day as well as by noise, which is why runs of one session, however many,
 * do not say how far the next one may be off. The prediction is the mean of the base's sessions; a
 * head of m sessions is off by chance with the variance
 *
 *     s^2 (1 / n + 1 / m)
 *
 * where s^2 is between sessions, moderated over the cells of a pool (harness/stats/moderated.h),
 * and the interval is Student's. Sessions are no normal numbers, though: where a machine is busy
 * elsewhere for a while, a few runs of a few cells are much slower, never faster. So a head has to
 * be off with every run of its, since a change is in all of them, and PREDICT_STRETCH times as far
 * as any session of the base is from the others. A burst takes in three runs more easily than five:
 * below PREDICT_RUNS that is any session of any cell of the pool, and alpha a fifth.
 * With 5 sessions that spread by 3 % a single cell shows +13 %, one of a hundred that moved
 * together +54 %; with 20 sessions +15 %.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "harness/gate/gate.h"
#include "harness/util/err.h"

#define PREDICT_LEAST	   5u /* sessions of the base, for a verdict */
#define PREDICT_RUNS_LEAST 3u /* of a cell in a session, for a verdict on a time */
#define PREDICT_RUNS	   5u
#define PREDICT_STRETCH	   2.0
#define PREDICT_BLIND	   0.5	 /* a change must come to this fraction at least, to be seen */
#define PREDICT_DEVIATION  0.001 /* of a session: no machine repeats itself better */

struct predict_cell {
	unsigned pool;	    /* cells of the same one share what they know of the deviation */
	const double *base; /* [sessions of the base], NAN where one has no value */
	const double *head; /* [sessions of the head] */
	/* [sessions of the head]: the best and the worst run in each, where `head` is the median */
	const double *best, *worst;
	bool few;     /* runs in a session of the head: fewer than PREDICT_RUNS */
	double least; /* deviation of a session that is known beforehand; 0: none */
};

struct predict_result {
	unsigned n_base, n_head; /* sessions with a value */
	double base, head;	 /* their means */
	double estimate;	 /* head - base: worse is positive; NAN where one has none */
	double deviation, df;	 /* between sessions, moderated; NAN where nothing is known of it */
	double error;		 /* of the estimate, if nothing changed */
	double above, below;	 /* how far an estimate must be off beside that, each way */
	double charge;		 /* by which each p is larger than the error alone makes it */
	double p_worse, p_better;
};

struct predict {
	const struct predict_cell *cells;
	size_t n_cells, n_base, n_head;
};

/* results[n_cells]. -ENOMEM. */
int predict(const struct predict *p, struct predict_result *results, struct err *err);

/* How far all runs must be off to the worse, to have p < alpha; NAN where there is no p. */
double predict_reach(const struct predict_result *r, double alpha);

/* What a gate makes of a cell. All are fractions, or all logarithms. */
struct predict_call {
	bool worse, better; /* rejected, each way */
	double estimate;
	double sees;	/* predict_reach */
	double matters; /* a change that is to be called one */
	double blind;	/* what sees no less than this has seen nothing */
};

/* What is off by more than chance, but not with every run, is a change that comes and goes, or a
 * burst: inconclusive. */
enum gate_verdict predict_verdict(const struct predict_call *c);

/* Half of the interval that holds the change with probability `level`. */
double predict_margin(const struct predict_result *r, double level);

/* Variance between the sessions of a base; NAN below two. */
double predict_variance(const double *base, size_t n);

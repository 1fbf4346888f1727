/* SPDX-License-Identifier: MIT */
/*
 * The gate's promises, each put to many simulated gates: `uhbench selftest gate`. A scenario is a
 * world, and a design that judges it; a row asks one question of what came out. All of it follows
 * from the seed, whatever the number of threads.
 *
 * Bounds are one-sided, 95 % each. A share of gates has Clopper and Pearson's; a share of cells is
 * the mean over gates, whose cells saw the same weather and are no trials of their own: its bounds
 * are Student's, from the spread between gates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/gate/noise.h"
#include "harness/util/err.h"

#define CAMPAIGN_LEVEL	 0.95
#define CAMPAIGN_GATES	 2000
#define CAMPAIGN_CELLS	 100
#define CAMPAIGN_RUN_SEC 0.5 /* a run with its reset, for the rows of time */

struct campaign {
	size_t gates, cells;
	uint64_t seed;
	unsigned threads;
	const struct noise_class *only; /* NULL: all classes */
	bool brief;			/* only the rows that few gates can judge */
	/* Called before each scenario of each class, in turn; may be NULL. */
	void (*tell)(void *priv, size_t done, size_t all);
	void *priv;
};

enum campaign_state {
	CAMPAIGN_NO_BAR,
	CAMPAIGN_OK,	 /* the bar holds with CAMPAIGN_LEVEL */
	CAMPAIGN_FEW,	 /* so few gates cannot tell */
	CAMPAIGN_MISSED, /* it does not hold, with CAMPAIGN_LEVEL */
};
extern const char *const campaign_state_names[];

enum campaign_unit { CAMPAIGN_SHARE, CAMPAIGN_MINUTES, CAMPAIGN_EFFECT };

struct campaign_row {
	const char *design; /* "the gate", or a usual one's name */
	const char *title;
	enum campaign_unit unit;
	const struct noise_class *class;
	double value, low, high;  /* low, high: NAN where there are none */
	size_t gates, hits;	  /* hits: of gates, where the value is a share of them */
	double bar_low, bar_high; /* NAN: none on that side */
	const char *exempt;	  /* why there is none, where another class has one; NULL */
	enum campaign_state state;
};

/* *ret: an array of *ret_n, to be freed; the rows of one question, a class each, stand together.
 * -ENOMEM, -EAGAIN (no thread). */
int campaign_run(const struct campaign *c, struct campaign_row **ret, size_t *ret_n,
		 struct err *err);
/* The worst of them. */
enum campaign_state campaign_judge(const struct campaign_row *rows, size_t n);

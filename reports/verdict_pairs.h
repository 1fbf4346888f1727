/* SPDX-License-Identifier: MIT */
/* The pairs of a gate as series to be drawn: for each row of the verdicts, in measured order. */
#pragma once

#include <stdio.h>

#include "reports/verdict_load.h"

enum pair_stage { PAIR_STAGE1, PAIR_LOOK2, PAIR_STAGE2 };

struct pair_point {
	double effect; /* a fraction, worse is positive */
	enum pair_stage stage;
	bool head_first, discarded;
};

struct pair_series {
	struct pair_point *points;
	unsigned n;
};

struct pairs {
	struct pair_series *rows; /* as verdicts.rows */
	struct pair_series control;
	unsigned n_rows;
	unsigned torn; /* the last line was cut short */
};

/* A stored gate has no pairs: all series are empty. */
int pairs_load(const char *dir, const struct verdicts *v, struct pairs *ret, struct err *err);
void pairs_free(struct pairs *pairs);

/* A picture as inline SVG: the pairs' effects in their order, the estimate and its interval over
 * those that decided, and what the gate was asked to see. `label` names it for screen readers. */
void pairs_picture(FILE *out, const struct pair_series *series, const struct verdict_row *row,
		   const char *label);
/* The interval of a row on an axis that reaches to `most` on both sides, as wide as a word. */
void pairs_strip(FILE *out, const struct verdict_row *row, double most);

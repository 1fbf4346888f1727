/* SPDX-License-Identifier: MIT */
/*
 * The verdicts of a gate in memory: cells, the rows of their metrics, and the order in which people
 * want them. Texts belong to the documents; an absent one is "", an absent figure NAN.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/effect.h"
#include "harness/util/err.h"

#define VERDICT_SCHEMA 1

/* Worst first, as rows are ordered. */
enum verdict_kind {
	VERDICT_FAILED,
	VERDICT_REGRESSED,
	VERDICT_INCONCLUSIVE,
	VERDICT_IMPROVED,
	VERDICT_UNCHANGED,
	VERDICT_SKIPPED, /* neither side can run here: no finding, no fault */
	VERDICT_KINDS
};
extern const char *const verdict_names[VERDICT_KINDS]; /* "failed", ... */

struct verdict_cell {
	const char *id, *label;
	/* A run that failed, or that this machine cannot do; "" where all did. */
	const char *side, *status, *reason;
	bool broken;
	double pairs, discarded;
	unsigned first, n_rows; /* of verdicts.rows */
};

/* One metric of one cell; of a broken cell one row more, whose metric is "". */
struct verdict_row {
	unsigned cell; /* of verdicts.cells */
	const char *metric, *unit, *stage, *why;
	enum verdict_kind what;
	bool gated; /* one that is not fails nothing */
	struct effect by;
	double estimate, low, high; /* fractions, worse is positive */
	double p, p_adjusted, mde, effect, matters;
	double base, head, n1, n2;
};

struct verdicts {
	cJSON *document; /* verdicts.json */
	cJSON *gate;	 /* gate.json; NULL: a stored gate has none */
	const char *kind, *name, *base, *head, *verdict, *line;
	bool paired;
	double exit_code;
	bool judged;	       /* false: it could not be (contaminated): the rows are no verdicts */
	bool advice;	       /* of a stored gate whose sides are not comparable */
	bool regressions_fail; /* false: --fail-on lets them pass */
	const cJSON *control;  /* NULL: none */
	struct verdict_cell *cells;
	struct verdict_row *rows;
	const struct verdict_row **order; /* [n_rows]: gated before others, worst first */
	struct verdict_cell **by_id;	  /* [n_cells] */
	unsigned n_cells, n_rows;
	unsigned gated[VERDICT_KINDS], advisory[VERDICT_KINDS];
};

/* -ENOENT, -EBADMSG, ... with err filled. */
int verdicts_load(const char *dir, struct verdicts **ret, struct err *err);
void verdicts_free(struct verdicts *v);

static inline void cleanup_verdicts(struct verdicts **v)
{
	verdicts_free(*v);
}

static inline const struct verdict_cell *verdict_cell_of(const struct verdicts *v,
							 const struct verdict_row *row)
{
	return &v->cells[row->cell];
}

/* NULL: no cell has this identity. */
struct verdict_cell *verdict_cell_find(const struct verdicts *v, const char *id);

/* A word for the whole gate: passed and improved are good. */
bool verdict_good(const struct verdicts *v);
bool verdict_bad(const struct verdicts *v); /* regressed, failed; neither: it could not tell */

/* SPDX-License-Identifier: MIT */
/* The rows that the stored gate judges: a metric of a cell each, with its value in every session.
 * Belongs to assess.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "harness/effect.h"
#include "harness/metric.h"
#include "harness/stored/assess.h"
#include "harness/gate/predict.h"

enum assess_reference { REFERENCE_RECENT, REFERENCE_PINNED, REFERENCE_COUNT };
extern const char *const assess_reference_names[REFERENCE_COUNT];

enum assess_verdict {
	ASSESS_FAILED,
	ASSESS_REGRESSED,
	ASSESS_INCONCLUSIVE,
	ASSESS_IMPROVED,
	ASSESS_UNCHANGED,
	ASSESS_SKIPPED, /* this machine cannot run it */
	ASSESS_VERDICTS
};
extern const char *const assess_verdict_names[ASSESS_VERDICTS]; /* the worst first */

/* What one reference says of a row. */
struct assess_finding {
	struct predict_result predicted;
	const char *yardstick; /* by which values were divided; NULL: none */
	double reach, p_worse_adjusted, p_better_adjusted;
	double worth; /* events of a run that are an effect of 1, of a count that the base never
			 had; 0: of any other */
	enum assess_verdict verdict;
	char why[160];
};

struct assess_row {
	const cJSON *line;    /* of the head's newest session */
	struct metric metric; /* its texts are the line's or constant */
	struct effect effect;
	double target, matters; /* fractions */
	double operations;	/* that a run needs */
	bool gated, main;	/* the first of what is gated of the cell */
	unsigned pool;
	const char *yardstick; /* of the workload */
	struct assess_finding findings[REFERENCE_COUNT];
	enum assess_reference decides;
};

struct assess_rows {
	struct assess_row *rows;
	size_t n;
	bool use[REFERENCE_COUNT];
	size_t *sheets[REFERENCE_COUNT]; /* of the base that a reference has, ascending */
	size_t n_sheets[REFERENCE_COUNT];
};

/* Which rows there are; nothing is judged yet. -ENOMEM. */
int assess_rows_make(const struct assess *j, struct assess_rows *ret, struct err *err);
/* findings[].predicted, .yardstick and .novel of all rows (assess_values.c). -ENOMEM. */
int assess_rows_predict(const struct assess *j, struct assess_rows *rows, struct err *err);
void assess_rows_free(struct assess_rows *rows);

const char *assess_cell_text(const cJSON *line, const char *key); /* of the identity; "" */
/* {status, reason}: why a cell of the head has no figures; NULL. Failed, or not to be run here? */
const cJSON *assess_cell_broken(const cJSON *line);
bool assess_cell_failed(const cJSON *line);
/* By how many operations a run of the head has too few for the metric; 0. */
double assess_operations_missing(const struct assess_row *row);
double assess_fewest_operations(const cJSON *line); /* of a run; 0 */
/* By how many the head has fewer runs than `n`. Counts do not depend on who else is on the machine,
 * and have as many as they need: 0. */
unsigned assess_runs_below(const struct assess_row *row, unsigned n);
/* The median of a row's value, as measured, over the head's sessions or those of the base that
 * decided. */
double assess_head_median(const struct assess *j, const struct assess_row *row);
double assess_base_median(const struct assess *j, const struct assess_rows *rows,
			  const struct assess_row *row);

/* SPDX-License-Identifier: MIT */
/* The rows that the stored gate judges: a metric of a cell each, with its value in every session.
 * Belongs to judge.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "harness/effect.h"
#include "harness/metric.h"
#include "harness/stored/judge.h"
#include "harness/stored/predict.h"

enum judge_reference { REFERENCE_RECENT, REFERENCE_PINNED, REFERENCE_COUNT };
extern const char *const judge_reference_names[REFERENCE_COUNT];

enum judge_verdict {
	JUDGE_FAILED,
	JUDGE_REGRESSED,
	JUDGE_INCONCLUSIVE,
	JUDGE_IMPROVED,
	JUDGE_UNCHANGED,
	JUDGE_VERDICTS
};
extern const char *const judge_verdict_names[JUDGE_VERDICTS]; /* the worst first */

/* What one reference says of a row. */
struct judge_finding {
	struct predict_result predicted;
	const char *yardstick; /* by which values were divided; NULL: none */
	double reach, p_worse_adjusted, p_better_adjusted;
	enum judge_verdict verdict;
	char why[160];
};

struct judge_row {
	const cJSON *line; /* of the head's newest session */
	const struct metric *metric;
	struct effect effect;
	double target, matters; /* fractions */
	bool gated;
	unsigned pool;
	const char *yardstick; /* of the workload */
	struct judge_finding findings[REFERENCE_COUNT];
	enum judge_reference decides;
};

struct judge_rows {
	struct judge_row *rows;
	size_t n;
	bool use[REFERENCE_COUNT];
	size_t *sheets[REFERENCE_COUNT]; /* of the base that a reference has, ascending */
	size_t n_sheets[REFERENCE_COUNT];
};

/* Which rows there are; nothing is judged yet. -ENOMEM. */
int judge_rows_make(const struct judge *j, struct judge_rows *ret, struct err *err);
/* findings[].predicted and .yardstick of all rows. -ENOMEM. */
int judge_rows_predict(const struct judge *j, struct judge_rows *rows, struct err *err);
void judge_rows_free(struct judge_rows *rows);

const char *judge_cell_text(const cJSON *line, const char *key); /* of the identity; "" */
/* A cell's own reason why it has no figures; NULL. */
const char *judge_cell_reason(const cJSON *line, const char *key);
/* The median of a row's value over sheets, in the metric's unit. */
double judge_median(const struct judge_row *row, const struct sheet *sheets, size_t n);

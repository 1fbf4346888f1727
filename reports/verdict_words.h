/* SPDX-License-Identifier: MIT */
/* What all reports of a gate say in the same words. None of it is escaped. */
#pragma once

#include "reports/fmt.h"
#include "reports/verdict_load.h"

#define WORDS_MAX  1608 /* 400 characters */
#define LABEL_MAX  160	/* characters of a label */
#define LABEL_SIZE (4 * LABEL_MAX + 8)

/* "+4.1 .. +8.3 %", "-" where there is no bound on either side. */
const char *words_interval(char buf[FMT_MAX], double low, double high);
/* "+6.2 % (+4.1 .. +8.3 %)" */
const char *words_change(char buf[WORDS_MAX], const struct verdict_row *row);
/* "0.012", "< 0.0001", "-" */
const char *words_p(char buf[FMT_MAX], double p);
/* The p of a row: adjusted for how many were tested, where it was. */
double words_row_p(const struct verdict_row *row);
/* "10 + 31", the pairs of stage 1 and of stage 2; of a stored gate the baseline's sessions. */
const char *words_pairs(char buf[FMT_MAX], const struct verdicts *v, const struct verdict_row *row);
/* What they are: the title of a column. */
const char *words_pairs_title(const struct verdicts *v);
/* Why a row is failed, skipped or inconclusive; "" when there is nothing to say. */
const char *words_why(char buf[WORDS_MAX], const struct verdicts *v, const struct verdict_row *row);
/* The same, and that it fails nothing if so. */
const char *words_remark(char buf[WORDS_MAX], const struct verdicts *v,
			 const struct verdict_row *row);
/* A cell's label; what is longer than `most` characters loses some in the middle. */
const char *words_label(char buf[LABEL_SIZE], const struct verdict_cell *cell, size_t most);
/* The metric of a row; "cell" of the row that says that the cell failed. */
const char *words_metric(const struct verdict_row *row);

/* "regressed: 2 of 24 cells ...": the verdict and its sentence. */
const char *words_headline(char buf[WORDS_MAX], const struct verdicts *v);
/* "head 7cb1e8a against base 5e56cfe"; "" when neither is named. */
const char *words_sides(char buf[WORDS_MAX], const struct verdicts *v);
/* "24 cells, 1240 pairs (12 discarded) in 5 min 12 s" */
const char *words_extent(char buf[WORDS_MAX], const struct verdicts *v);
/* "sees changes from 4.1 % on"; "" when it is not known. */
const char *words_sees(char buf[WORDS_MAX], const struct verdicts *v);
/* "A/A control +0.1 % (-0.3 .. +0.5 %), p 0.43, 24 pairs"; "" when there was none. */
const char *words_control(char buf[WORDS_MAX], const struct verdicts *v);
/* "on this machine this gate sees >= 4.1 %, calibrated 2026-05-02: 0 alarms in 60 gates without a
 * difference"; "" where nobody calibrated. */
const char *words_calibration(char buf[WORDS_MAX], const struct verdicts *v);
/* "2 regressed, 22 unchanged" */
const char *words_counts(char buf[WORDS_MAX], const unsigned counts[VERDICT_KINDS]);
/* What the figures mean: one sentence. */
const char *words_legend(const struct verdicts *v);

/* SPDX-License-Identifier: MIT */
/*
 * What a target tells beside metrics: tables, and the stages of an operation. Folded over repeats
 * into the shape that the record has (results/README.md, `detail`), numbers of a table as medians;
 * each stage has beside it what a reader needs of the histogram that it names: `count`, `sum_ns`,
 * and the whole, of which `of` has the histograms, `of_count`, `of_sum_ns`.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#define DETAIL_STAGES_MAX 8
#define DETAIL_BARS_MAX	  64

/* Adds an ok run to *folded (NULL at first). -ENOMEM. */
int detail_fold(cJSON **folded, const cJSON *record);
/* After the last record: numbers become medians. Accepts NULL. -ENOMEM. */
int detail_finish(cJSON *folded);

bool detail_is_table(const cJSON *detail);
bool detail_is_stages(const cJSON *detail);
const char *detail_title(const cJSON *detail); /* its name where it has no title */
/* Is the column one of numbers? The first names the rows and counts as text. */
const char *detail_unit(const cJSON *detail, int column); /* "" for texts */

/* What its first value says. */
void detail_row_name(const cJSON *row, char buf[24]);

/* The column that a table wants to be seen at a glance. */
struct detail_bars {
	const char *title, *name, *unit; /* of the table, of the column */
	const char *row_name;		 /* of the first column: "queue" */
	unsigned n, left_out;
	double values[DETAIL_BARS_MAX], least, most; /* NAN where not known */
	char rows[DETAIL_BARS_MAX][24];
};

/* False where `detail` is no such table. */
bool detail_bars(const cJSON *detail, struct detail_bars *ret);

struct stage {
	const char *name, *from, *to, *says;
	double mean_ns, share; /* of the time of all operations, those not joined included */
};

struct stage_split {
	const char *title;
	struct stage list[DETAIL_STAGES_MAX];
	unsigned n;
	double mean_ns; /* of an operation as a whole */
	double rest;	/* share of the time that no stage accounts for */
	double missed;	/* share of the operations */
};

/* False where `detail` does not hold stages, or nothing was measured. */
bool detail_stages(const cJSON *detail, struct stage_split *ret);

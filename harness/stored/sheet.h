/* SPDX-License-Identifier: MIT */
/*
 * A sheet: what is kept of a session to compare others with, a few kB for each cell. A text file of
 * JSON lines, the session first, then its cells in the order of the matrix (results/README.md). A
 * session that was just made is turned into a sheet, too, so that both sides of a comparison went
 * through the same hands, rounding included.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "harness/metric.h"
#include "harness/util/err.h"

#define SHEET_SCHEMA 1

struct sheet {
	cJSON *session; /* the first line */
	cJSON *cells;	/* array of the others */
};

/* What must be alike for times to be compared, beside the machine. */
cJSON *sheet_recipe(double warmup_ns, double duration_ns, double repeats);
/* From a results folder. -EBADMSG, -ENOENT and what the store says. */
int sheet_of_session(const char *dir, struct sheet *ret, struct err *err);
/* -EBADMSG with FILE:LINE for what is no sheet, or only the begin of one. */
int sheet_read(const char *path, struct sheet *ret, struct err *err);
int sheet_write(const struct sheet *s, const char *path, struct err *err);
void sheet_free(struct sheet *s);

/* Why there is nothing to judge yet: runs of a session that were not made. -ECANCELED. */
int sheet_finished(const struct sheet *s, struct err *err);
/* Why it may not stand for its machine: runs that are missing, failed or stalled. -ECANCELED. */
int sheet_whole(const struct sheet *s, struct err *err);

const char *sheet_text(const struct sheet *s, const char *key); /* of the session; "" */
const cJSON *sheet_item(const struct sheet *s, const char *key);
const cJSON *sheet_cell(const struct sheet *s, const char *id); /* NULL when it has none */

/* A metric or count of a cell, {values: [...]}; NULL when it has none. */
const cJSON *sheet_metric(const cJSON *cell, const char *name);
/* What it says of itself. False: nothing that can be judged, or printed. */
bool sheet_declared(const cJSON *metric, struct metric *ret);
/* Is it the same: of that unit and direction? False of NULL. */
bool sheet_means(const cJSON *metric, const struct metric *m);
/* Median over its runs; NAN when a run has no value. */
double sheet_value(const cJSON *cell, const char *metric);
/* Of the machine, that day: NAN when it was not measured; *ret_version. */
double sheet_yardstick(const struct sheet *s, const char *name, double *ret_version);
/* Quantile of a histogram over several sheets' cells: within 3 %; NAN when empty. */
double sheet_quantile(const cJSON *const *cells, unsigned n, const char *histogram, double q);

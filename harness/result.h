/* SPDX-License-Identifier: MIT */
/*
 * What a run gives back: built in the child, sent to the parent as JSON, stored as part of the
 * record. results/README.md documents the shape.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdint.h>

#include "harness/util/err.h"

struct hist;
struct metric;
struct run;

struct result {
	const struct run *run;
	cJSON *metrics;	   /* {name: {value, unit, better [, reason]}} */
	cJSON *histograms; /* {name: {unit, count, sum, min, max, buckets}} */
	cJSON *series;
	cJSON *usage;
	cJSON *processes;    /* [{role, as in usage}] of the processes in a role, as they started */
	struct err no_usage; /* why neither of the two is of the window; "" if they are */
	cJSON *verify;	     /* what the oracle counted: {name: number|string|bool} */
	cJSON *detail;	     /* {name: JSON}: tables of the target's own */
	cJSON *notes;	     /* [text]: what a reader of the figures must know */
	cJSON *extra;	     /* the engine's own: window, host, errors, little */
};

void result_init(struct result *r, const struct run *run);
void result_free(struct result *r);

/* A metric that was measured. The last value set for a name counts. Asserts that the name is in
 * common_metrics or in the tables of the run's workload or target. */
void result_metric(struct result *r, const char *name, double value);
/* A metric that could not be measured: null, and why. */
void result_metric_none(struct result *r, const char *name, const char *reason);
/* A metric of a program that is run, which declares it itself. Its name is in no table; `unit` and
 * the name are copied. */
void result_metric_told(struct result *r, const struct metric *metric, double value);
/* Quantile q of h as a metric; null with a reason when h has fewer than 10 / (1 - q) values. */
void result_quantile(struct result *r, const char *name, const struct hist *h, double q);
void result_hist(struct result *r, const char *name, const struct hist *h);
/* {unit, count, sum, min, max, buckets}, as in a record. */
cJSON *hist_json(const struct hist *h);
/* A figure of the oracle. Exact up to 2^53. */
void result_verify(struct result *r, const char *name, uint64_t value);
void result_verify_text(struct result *r, const char *name, const char *value);
/* A table of the target's own, in the record as detail.<name>; `value` is taken over. */
void result_detail(struct result *r, const char *name, cJSON *value);
/* Something a reader must know ("the zero-filled file was reused"). */
void result_note(struct result *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* SPDX-License-Identifier: MIT */
/*
 * What a program tells on stdout, a JSON object in a line of its own; other lines are nobody's:
 *
 *	{"operations": 1000}                    done since the last such line, or the start
 *	{"operations": 1000, "seconds": 0.25}   done in the last quarter of a second
 *	{"metric": "hits", "value": 97.5, "unit": "%", "better": "higher"}
 *
 * Operations are spread evenly over the time that their line is about, and those count that fall
 * into the window. A metric that is told inside the window counts as the mean of what is told
 * there, else its last value stands.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "harness/metric.h"
#include "harness/util/err.h"

#define TALLY_METRICS_MAX 64
#define TALLY_POINTS	  50
#define TALLY_RATE	  "operation_rate" /* a target's own, made of the lines about operations */

struct result;

struct tally_metric {
	char name[METRIC_NAME_MAX], unit[METRIC_UNIT_MAX];
	enum better better;
	double last, sum;
	uint64_t inside; /* how many of them were told inside the window */
};

struct tally {
	bool own_common; /* the program's throughput and latencies are the record's */
	uint64_t begin_ns,
		end_ns; /* the window; end 0: not known yet, and what comes is before it */
	struct tally_metric metrics[TALLY_METRICS_MAX];
	unsigned n_metrics;
	uint64_t lines;	     /* about operations */
	bool timed;	     /* one of them said how long they took */
	uint64_t covered_ns; /* of the window, by what they are about */
	uint64_t covered_until_ns;
	uint64_t longest_ns; /* that one of them was about */
	double operations, points[TALLY_POINTS];
	uint64_t broken; /* lines that look like JSON and are not */
};

/*
 * Reads one line, told at now_ns by someone who last told of operations at *since_ns, which is
 * moved on. NULL: this one's operations are not asked for. 0, or -EPROTO with err: it tells
 * something that makes no sense.
 */
int tally_line(struct tally *t, const char *line, uint64_t *since_ns, uint64_t now_ns,
	       struct err *err);
/* Until then nothing was done, though it should have been. */
void tally_silence(struct tally *t, uint64_t since_ns, uint64_t now_ns);
/* Adds what another was told of the same window. -EPROTO: the two do not agree on a unit. */
int tally_merge(struct tally *to, const struct tally *from, struct err *err);
double tally_value(const struct tally_metric *m);
/* NULL when nothing of that name was told. */
const struct tally_metric *tally_find(const struct tally *t, const char *name);
/* All metrics, and a note about lines that were broken. */
void tally_report(const struct tally *t, struct result *result);

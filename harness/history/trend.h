/* SPDX-License-Identifier: MIT */
/*
 * Series of the history, and where they change. A series is one metric of one cell, in one unit and
 * measured in windows of one length, on one class of machines; gates have series of their own, one
 * for each base that they were held against.
 *
 * Values are relative to the yardstick of the cell's workload where that makes them steadier: each
 * is brought to what it would be with the yardstick at its median over the series. The unit stays.
 * A few sessions without the yardstick have no value then, unless they are the last three. `basis`
 * says what was done, in words.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "harness/stats/rankscan.h"
#include "harness/util/err.h"

struct registry;

struct trend_point {
	char *session, *kind, *folder, *started, *revision, *uhbench;
	char *remark;		      /* "": nothing; else what was not as it should be */
	double measured, least, most; /* median of `runs`, and their range */
	double value;		      /* the median as it is analysed; NAN: it is left out */
	double yardstick_ns;	      /* NAN: none */
	int yardstick_version;
	unsigned runs;
};

struct trend {
	char *cell, *label, *workload, *target, *metric, *unit, *better;
	char *machine, *machine_says, *reference;
	double warmup_ns, duration_ns; /* the windows; 0: not known */
	struct trend_point *points;    /* by time */
	size_t n, n_older;	       /* older ones that are left out: beyond RANKSCAN_MAX */
	const char *yardstick;	       /* name of the one that was used; NULL: none */
	char basis[160];
	struct rankscan scan;
	size_t last;   /* the last point with a value */
	size_t n_bare; /* points without one */
	double change; /* of `last` against its level, a fraction; NAN: unknown */
};

struct trends {
	struct trend *items; /* by label, machine, reference, windows and unit */
	size_t n, n_sessions;
};

struct trend_filter {
	const char *cell;   /* glob for workload/target, label or id; NULL: all */
	const char *metric; /* NULL: throughput, and intended_p99 under a rate */
};

/*
 * Reads the histories of `n_dirs` folders as one; a session that is in several counts once. `reg`
 * knows the workloads' yardsticks. -ENOENT: no such history, or nothing in them that the filter
 * lets through, and err says what there is; others as of db_open().
 */
int trends_load(const struct registry *reg, const char *const *dirs, size_t n_dirs,
		const struct trend_filter *filter, struct trends *ret, struct err *err);
void trends_free(struct trends *t);

/* The last point before a step that has a value: `at` and this are neighbours in what was analysed.
 */
const struct trend_point *trend_before(const struct trend *t, const struct rankscan_step *step);
/* Is a step for the worse (1), for the better (-1), or neither (0)? */
int trend_step_is(const struct trend *t, const struct rankscan_step *step);

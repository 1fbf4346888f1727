/* SPDX-License-Identifier: MIT */
/*
 * From the pairs of a gate's folder to what is still to be measured, and in the end to verdicts.
 * The live gate and its replay feed it the same lines in the same order, so they decide alike: it
 * looks at nothing but gate.json and pairs.jsonl.
 *
 *     judge_new(gate.json) -> judge_add(a line of pairs.jsonl) ... -> judge_end(why) -> verdicts
 *
 * Gated metrics of all cells are the series of one gate (harness/gate/gate.h). Each other metric
 * has a gate of its own, which gets the pairs that are measured anyway. It may ask for more in one
 * case: a count that was worse in all pairs of stage 1, by what matters or more, gets its fresh
 * ones in stage 2, too. They are few and steady, and tell what time may not show.
 */
#pragma once

#include <cjson/cJSON.h>

#include "harness/effect.h"
#include "harness/gate/gate.h"

#define PAIRED_SCHEMA 1

enum { SIDE_BASE, SIDE_HEAD, SIDES, SIDE_BOTH = SIDES };
extern const char *const side_names[]; /* "base", "head", "both", ended by NULL */

struct judged_values {
	double *values; /* in the metric's unit */
	size_t n, room;
};

struct judged_metric {
	const char *name, *unit;
	struct effect effect;
	struct gate_series target;
	double operations_min; /* of a run, below which the metric means nothing */
	bool gated;
	struct gate *gate;			    /* the judge's, or one of its own */
	size_t series;				    /* in that gate */
	struct judged_values sides[SIDES], effects; /* of each pair that it was judged by */
};

struct judged_cell {
	const char *id, *label;
	struct judged_metric *metrics;
	size_t n;
	unsigned pairs, kept;
	unsigned discarded[SIDES + 1]; /* by the side that was disturbed, or both */
	char *failed;		       /* the reason; NULL: no run failed */
	const char *failed_status;
	int failed_side;
	bool confirmed; /* its counts that are not gated get pairs of their own */
	bool skipped;	/* this machine cannot run it, on neither side */
};

struct judge {
	const cJSON *json; /* gate.json; the caller's, and needed until judge_free */
	struct gate_params params;
	struct gate *gate; /* NULL: nothing is gated */
	struct judged_cell *cells;
	size_t n;
	struct judged_values control; /* d's */
	unsigned control_wanted, control_discarded;
	char *control_failed;	     /* the first run of it that did, and why; NULL: none */
	unsigned pairs, discarded;   /* of all cells, without the control */
	double seconds;		     /* that all pairs took */
	bool past_stage1, gate_over; /* of what is gated */
	bool over;		     /* all of it */
};

/* -EBADMSG with the place of what is no gate.json; -EINVAL as of gate_new. */
int judge_new(const cJSON *gate_json, const char *place, struct judge **ret, struct err *err);
void judge_free(struct judge *j); /* accepts NULL */

/* A line of pairs.jsonl. -EBADMSG with `place`, -ENOMEM. */
int judge_add(struct judge *j, const cJSON *pair, const char *place, struct err *err);

/* More pairs of the cell at present. When no cell wants any, the gate is over. */
unsigned judge_wants(const struct judge *j, size_t cell);
/* Does a count that a probe makes still lack pairs? */
bool judge_wants_counts(const struct judge *j, size_t cell);
unsigned judge_wants_control(const struct judge *j);
/* For which stage the cell's next pair is. */
enum gate_stage judge_stage(const struct judge *j, size_t cell);

/* No pair follows: what is undecided gets what there is. `why`: "the budget was used up". */
void judge_end(struct judge *j, const char *why);

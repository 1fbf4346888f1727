/* SPDX-License-Identifier: MIT */
/*
 * A log of pairs (gate.json, pairs.jsonl) cut into gates that share no pair. Each gate takes for
 * each cell as many pairs as it wants, from the log in order; judging is the paired gate's own. A
 * log in which every cell has the same number of pairs serves as well as one that was measured gate
 * by gate: cells that a gate wants fewer pairs of are then ahead of the others.
 */
#pragma once

#include <cjson/cJSON.h>

#include "harness/gate/gate.h"
#include "harness/paired/judge.h"

#define CUT_LEVELS 2

/* A gated metric of a cell. The texts are the JSON's. */
struct cut_series {
	size_t cell, metric; /* indices in gate.json */
	const char *id, *label, *name;
	struct effect effect;
};

/* What one gate made of it. */
struct cut_sample {
	struct gate_result result;
	double first[GATE_STAGE1]; /* effects of the first stage's pairs; result.n1 tells how many
				    */
	double estimate1;	   /* of these alone; NAN: none */
	bool covers[CUT_LEVELS];   /* do intervals of 90 and 95 % of the deciding pairs hold 0? */
};

/* A pair that counts, of a series: for what is asked of all pairs. */
struct cut_pair {
	size_t series;
	unsigned build[SIDES];
	double base, d;
};

struct cut {
	cJSON *gate; /* gate.json */
	struct cut_series *series;
	size_t n_series, n_gates;
	struct cut_sample *samples; /* [n_gates][n_series]: whole gates only */
	struct cut_pair *pairs;	    /* of the whole log */
	size_t n_pairs, lines, discarded;
	size_t unjudged;  /* gates in which no cell got the pairs that a verdict takes: no trials */
	unsigned skipped; /* cells that this machine cannot run */
	char failed[256]; /* the first run that failed: cell and reason; "" */
};

/* -ENOENT: there is no log; -EBADMSG with file and line; -EINVAL as gate_new. */
int cut_read(const char *dir, struct cut **ret, struct err *err);
void cut_free(struct cut *c); /* accepts NULL */

/* SPDX-License-Identifier: MIT */
/* The state of a gate that is being measured; shared by the files that do it. */
#pragma once

#include <time.h>

#include "harness/paired/builds.h"
#include "harness/paired/folder.h"
#include "harness/paired/judge.h"
#include "harness/paired/paired.h"
#include "harness/session/runner.h"
#include "harness/util/rng.h"

struct live {
	const struct paired_options *opt;
	const struct paired_log *log; /* NULL: a gate */
	struct plan *plan;
	struct cell **cells;		 /* the matrix's, those that --only left */
	struct cell **side_cells[SIDES]; /* as they are sent to that side's children */
	size_t n;
	struct builds builds;
	struct runner *runner;
	struct folder *folder;
	cJSON *cells_json; /* of gate.json, until it is made */
	cJSON *gate;	   /* gate.json */
	struct judge *judge;
	struct rng rng;
	double pad_iters_per_ns;
	uint64_t runs;	       /* made so far: numbers their folders */
	unsigned pairs;	       /* written so far */
	unsigned control_done; /* control pairs, discarded ones too */
	unsigned round;
	uint64_t began_ns;
	bool stopped; /* by a signal */
	struct err *err;
};

/* Cells, sides and gate.json's part of them: everything that can be refused without a run. */
int live_prepare(struct live *l);
void live_free(struct live *l);
/* Pairs of the control that the gate wants. */
unsigned live_control_pairs(const struct live *l);
/* gate.json as the gate begins; takes cells_json. NULL: no memory. */
cJSON *live_describe(struct live *l);

/* Is what differs between the sides the user's program, and not the uhbench that runs the cell? */
bool live_takes_program(const struct live *l, size_t cell);

/* Measures one pair and writes it down; the judge has it then. Nothing is written when a signal
 * came in between. -errno: the gate cannot go on. */
int live_pair(struct live *l, size_t cell, bool control);

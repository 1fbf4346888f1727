/* SPDX-License-Identifier: MIT */
/*
 * What throughput and latency of a workload's cells are made of: the metrics of its own, latency by
 * kind of operation, the small bars and the stages that targets tell. Two cells that are as slow
 * for different reasons differ here.
 *
 * A figure stands out when it is twice as bad as the best of its cell's twins, those that differ
 * from it in one axis or knob (and in what follows from that), and matters: where lower is better
 * it is also a tenth of the worst at least, and not next to nothing (EVIDENCE_LEAST). Cells of
 * different work are not compared. Rates do not: they are results, and no causes.
 *
 * Of a figure that some repeats could not tell the others' median is shown, with their number.
 */
#pragma once

#include "reports/detail.h"
#include "reports/group.h"

#define EVIDENCE_MAX	  32
#define EVIDENCE_TWICE	  2.0
#define EVIDENCE_OF_WORST 0.1
#define EVIDENCE_LEAST	  0.01 /* of unit 1: once in a hundred */
#define EVIDENCE_LEAST_NS 100.0

struct evidence_column {
	const char *name, *unit, *better; /* interned */
	double most, worst;		  /* over the cells; NAN: none has it */
};

struct evidence_kind { /* "read": the metrics read_p50 and read_p99, where there are both */
	char name[32];
	const struct evidence_column *p50, *p99;
};

struct evidence {
	const struct group *group;
	struct evidence_column columns[EVIDENCE_MAX];
	struct evidence_kind kinds[EVIDENCE_MAX / 2];
	unsigned n_columns, n_kinds; /* columns that are in a kind come last: */
	unsigned n_plain;	     /* so many are in none */
	double most_throughput;
	bool bars, stages; /* Does some cell have them? */
};

void evidence_make(const struct group *g, struct evidence *ret);
/* The median of the repeats that have it; *ret_missing: how many have not. NAN: none has. */
double evidence_value(const struct cell_sum *cell, const char *name, unsigned *ret_missing);
/* `twin`: the best value among its twins; NAN: there is none. */
bool evidence_stands_out(const struct evidence_column *c, double v, double twin);
/* The same for a cell of the group. */
bool evidence_is_marked(const struct evidence *e, const struct evidence_column *c, size_t cell);
/* The first table of a cell with bars, or stages; NULL if it has none. */
const cJSON *evidence_bars(const struct cell_sum *cell, struct detail_bars *ret);
const cJSON *evidence_stages(const struct cell_sum *cell, struct stage_split *ret);

/* SPDX-License-Identifier: MIT */
/*
 * The order in which the cells of a matrix are run. `interleaved`: one round over all cells for
 * each repeat, each round shuffled by the seed, so that a machine that warms up or gets busy hurts
 * all cells alike. `sequential`: cell by cell. Every repeat of a cell with probes is two runs with
 * the same repeat and seed, one of them probed, in the same round.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "harness/matrix/matrix.h"

struct plan_item {
	size_t cell;	 /* index in matrix->cells */
	uint64_t repeat; /* from 0 */
	uint64_t order;	 /* place in the plan, from 0 */
	uint64_t seed;	 /* plan_run_seed(): the same for both of a pair */
	bool probed;
};

struct plan {
	size_t n, n_cells; /* runs; cells that `only` left */
	size_t n_probed;   /* of the runs */
	struct plan_item items[];
};

/*
 * `only` (may be NULL) is a glob (glob(7)) over "workload/target", the cell's identity or its
 * label. 0, -ENOENT when it leaves no cell, -E2BIG above MATRIX_RUNS_MAX runs, -ENOMEM; err says
 * which, and the nearest label when there is one. A label as cell_label writes it matches itself.
 */
int plan_make(const struct matrix *m, uint64_t seed, uint64_t repeats, const char *only,
	      struct plan **ret, struct err *err);
/* {name, matrix_hash, runs: [{order, repeat, seed, probed, probes, cell, label}]}: `seed` as
 * decimal text, `probes` by name, `cell` the identity. NULL: no memory. */
cJSON *plan_json(const struct registry *reg, const struct matrix *m, const struct plan *p);
void plan_free(struct plan *p);

/* Depends on nothing else, so that a run keeps its seed when the matrix around it changes. */
uint64_t plan_run_seed(uint64_t seed, const char *cell_id, uint64_t repeat);

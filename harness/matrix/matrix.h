/* SPDX-License-Identifier: MIT */
/*
 * A matrix: what `uhbench run` is asked to measure, read from matrix.json and multiplied out into
 * cells. matrix_load refuses a file with anything wrong in it and says all of it at once.
 * docs and `uhbench schema` describe the format.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdint.h>

#include "harness/cell.h"
#include "harness/matrix/diag.h"
#include "harness/registry.h"

#define MATRIX_RUNS_MAX 100000
#define MATRIX_NAME_MAX 200 /* bytes: a date and time follow it in a folder's name */

enum matrix_order { ORDER_INTERLEAVED, ORDER_SEQUENTIAL };
extern const char *const matrix_order_names[]; /* indexed by enum matrix_order, ended by NULL */

struct matrix {
	char name[PARAM_STRING_MAX]; /* the file's, without folder and .json, unless given */
	uint64_t seed, repeats;
	uint64_t warmup_ns, duration_ns;
	uint64_t deadline_ns; /* 0: warm-up + duration + 10 s */
	int order;	      /* enum matrix_order */
	struct cell **cells;  /* in the order of the file, each identity once */
	size_t n_cells;
	size_t n_skipped, n_duplicate; /* cells that skip rules dropped; that were there before */
	unsigned probes;	       /* set for cells whose entry has none */
	cJSON *gate; /* names for cells whose entry has none, see matrix_gate.h; NULL: none */
	void *probe_config; /* the prober's config_size bytes; NULL: there is no prober */
	cJSON *source;	    /* the file as it was read */
	char hash[17]; /* of all that decides what is run; not of the name, nor of the text's form
			*/
};

/* The keys of the top level that hold one value (offsets into struct matrix). */
extern const struct param matrix_params[];

/*
 * Reads `path` ("-": stdin). 0, or -EINVAL with at least one error in `diag`; `diag` is started
 * afresh. No look at the machine but at which CPUs there are.
 */
int matrix_load(const struct registry *reg, const char *path, struct diag *diag,
		struct matrix **ret);
void matrix_free(struct matrix *m);

/* Watches every cell with this set, whatever the file says; the hash stays that of the file. */
void matrix_set_probes(struct matrix *m, unsigned set);
/* Runs that cells with probes add, one for each repeat: the probed ones. */
uint64_t matrix_probed_runs(const struct matrix *m, uint64_t repeats);

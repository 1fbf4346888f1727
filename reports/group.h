/* SPDX-License-Identifier: MIT */
/*
 * The cells of one workload as a table: which axes and knobs vary there (its columns; the first one
 * is always the target), and which cell is best along each of them.
 *
 * "Best along a column": among the cells that agree in every other column, the one with the highest
 * median throughput; under a rate, where all do the same work, the one with the lowest p99 from the
 * intended start. None of them is where nothing was completed, where a rate was not kept, or where
 * the best and the next best overlap in what their repeats came to. Not counted as a difference:
 * batch along depth where each depth has one batch (and the other way round), and along the target
 * knobs that some targets lack.
 */
#pragma once

#include "reports/summary.h"

#define GROUP_COLUMNS_MAX 48

struct column {
	const char *name; /* "target", "depth", "flush"; interned, except "target" */
	bool target;
	bool knob;
	bool numeric; /* every value is a number */
	bool partial; /* some cell of the workload lacks it */
};

struct group {
	const char *workload;
	struct cell_sum **cells; /* [n_cells], matrix order; the summary owns the cells */
	size_t n_cells;
	struct column columns[GROUP_COLUMNS_MAX];
	unsigned n_columns;
	const char **targets; /* [n_targets], matrix order */
	unsigned n_targets;
	const struct field *
		*values; /* [n_cells * n_columns]; NULL for the target and where absent */
	bool *best;	 /* [n_cells * n_columns] */
	bool *follows;	 /* [n_columns * n_columns]: the row's value determines the column's */
	bool open_loop;	 /* some cell has intended-time quantiles */
};

struct groups {
	struct group *list;
	size_t n;
};

int groups_make(const struct summary *s, struct groups *ret);
void groups_free(struct groups *g);

const char *group_value(const struct group *g, size_t cell, unsigned column); /* "" if absent */
const char *group_shown(const struct group *g, size_t cell, unsigned column); /* for people */
double group_number(const struct group *g, size_t cell, unsigned column);     /* NAN if not one */
bool group_best(const struct group *g, size_t cell, unsigned column);
bool group_any_best(const struct group *g);
/* Was the cell run under a rate? */
bool group_open_loop(const struct cell_sum *cell);
/* The cell with the highest throughput, closed loop before open loop before overload, of a target
 * (NULL: of any); n_cells if there is none. */
size_t group_top(const struct group *g, const char *target);
/* Does each value of `column` meet only one value of `other`? */
bool group_follows(const struct group *g, unsigned column, unsigned other);
unsigned group_target_index(const struct group *g, const char *target);

/* "uring depth=32 batch=8": the target and what is not at its default, in the words that
 * cell_label() has and `run --only` understands. */
int group_label(const struct group *g, size_t cell, char *buf, size_t size);
/* Shorter, for a row among the others of its workload: what all of them share is left out. */
int group_name(const struct group *g, size_t cell, char *buf, size_t size);
/* A label with the workload in front, for a cell anywhere: "nop/uring depth=32 batch=8". */
int groups_label(const struct groups *groups, const struct cell_sum *cell, char *buf, size_t size);

static inline void cleanup_groups(struct groups *g)
{
	groups_free(g);
}

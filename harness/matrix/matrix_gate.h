/* SPDX-License-Identifier: MIT */
/*
 * "gate": the metrics of a cell that a gate judges beside those that it always does, so that they
 * can fail a build. An item or a list of items, at the top level for all cells, or in an entry. An
 * item is the name of a metric; or, of one that a program tells and nobody knows beforehand, its
 * declaration: {"metric", "better", "unit"}. Belongs to matrix.c.
 */
#pragma once

#include "harness/matrix/matrix.h"
#include "harness/metric.h"

/*
 * Items for the cells of `workload` and `targets`, the names of the entry; NULL, both: of any, as
 * the top level has them. *ret is a list without doubles, NULL and unchanged where something is
 * wrong, which is told at `path`.
 */
void gate_names_read(const struct registry *reg, const struct workload_ops *workload,
		     const cJSON *targets, struct diag *diag, const cJSON *value,
		     struct json_path *path, cJSON **ret);

/*
 * All that is gated of a cell, without doubles and the one that matters most first: what it is
 * gated by unless anything is said, then `listed` (may be NULL). Of a closed loop that is the
 * throughput. Under a rate the throughput is what was asked for as long as the target keeps up, so
 * how long operations take comes first. Of a program that makes its own load all figures are what
 * it tells, and it need not tell a throughput: where a time, rate or size is listed, that is judged
 * instead. A new list that refers to `listed`; NULL: no memory.
 */
cJSON *gate_all(const struct target_ops *target, bool open_loop, const cJSON *listed);

/* Those of `items` that such a cell has, as a new list; NULL: none, or no memory. */
cJSON *gate_names_for(const cJSON *items, const struct cell *cell);

/* Can a ratio of two of its values be judged? Not that of a maximum, which one operation makes. */
bool gate_can_judge(const struct metric *m);

/* A metric by name: of all workloads, of this one and this target (which may be NULL), or a count.
 */
const struct metric *gate_metric(const struct workload_ops *workload,
				 const struct target_ops *target, const char *name,
				 bool *ret_count);

const char *gate_name(const cJSON *item);
/* What an item says; its texts are the item's or constant. False: there is no such metric. */
bool gate_find(const struct workload_ops *workload, const struct target_ops *target,
	       const cJSON *item, struct metric *ret, bool *ret_count);

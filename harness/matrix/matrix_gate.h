/* SPDX-License-Identifier: MIT */
/*
 * "gate": the metrics of a cell that a gate judges beside those that it always does, so that they
 * can fail a build. One name or a list of names, at the top level for all cells, or in an entry.
 * Belongs to matrix.c.
 */
#pragma once

#include "harness/matrix/matrix.h"
#include "harness/metric.h"

/*
 * Names for the cells of `workload`; NULL: of any workload, as the top level has them. *ret is a
 * list without doubles, NULL and unchanged where something is wrong, which is told at `path`.
 */
void gate_names_read(const struct registry *reg, const struct workload_ops *workload,
		     struct diag *diag, const cJSON *value, struct json_path *path, cJSON **ret);

/*
 * All that is gated of a cell, without doubles and the one that matters most first: what it is
 * gated by unless anything is said, then `listed` (may be NULL). Of a closed loop that is the
 * throughput. Under a rate the throughput is what was asked for as long as the target keeps up, so
 * how long operations take comes first. A new list that refers to `listed`; NULL: no memory.
 */
cJSON *gate_all(const struct target_ops *target, bool open_loop, const cJSON *listed);

/* Those of `names` that the workload has, as a new list; NULL: none, or no memory. */
cJSON *gate_names_for(const cJSON *names, const struct workload_ops *workload);

/* Can a ratio of two of its values be judged? Not that of a maximum, which one operation makes. */
bool gate_can_judge(const struct metric *m);

/* A metric by name: of all workloads, of this one (which may be NULL), or a count. */
const struct metric *gate_metric(const struct workload_ops *workload, const char *name,
				 bool *ret_count);

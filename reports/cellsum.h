/* SPDX-License-Identifier: MIT */
/* How one cell's summary grows, record by record. Only summary.c and its test need this. */
#pragma once

#include "reports/summary.h"

/* Describes a cell from {id, workload, target, axes, knobs}. */
int cellsum_new(struct intern *texts, const cJSON *cell, struct cell_sum **ret);
void cellsum_free(struct cell_sum *cell);

/* The part of a cell that takes its probed runs; NULL when out of memory. */
struct cell_sum *cellsum_probed(struct cell_sum *cell);

/* Adds the values of an ok run. -EBADMSG when a histogram names a bucket that does not exist. */
int cellsum_add_metrics(struct cell_sum *cell, struct intern *texts, const cJSON *metrics);
int cellsum_add_hists(struct cell_sum *cell, struct intern *texts, const cJSON *hists);
/* Keeps what an ok run came to under its repeat. -ENOMEM. */
int cellsum_add_figures(struct cell_sum *cell, const cJSON *record);
/* Folds in what probes saw, without the bulk. -ENOMEM. */
int cellsum_add_probes(struct cell_sum *cell, const cJSON *record);
/* Judges what the run did of what was asked for, and its own checks: Little's law, steadiness,
 * steal, foreign load. */
void cellsum_add_warnings(struct cell_sum *cell, const cJSON *record);
/* After the last record: sorts the values. -ENOMEM. */
int cellsum_finish(struct cell_sum *cell);

/* Room for one more item after n: grows at powers of two. NULL when out of memory (array kept). */
void *array_room(void *array, size_t n, size_t item_size);

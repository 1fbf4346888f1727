/* SPDX-License-Identifier: MIT */
/*
 * The `probes` of the repeats of a cell, folded into one object of the same shape: counts and times
 * are sums, maxima the largest, histograms and stacks merged, ratios made anew from the sums. Each
 * probe also gets `runs: {ok, unsupported, failed}`: of the repeats that were folded. `share` of
 * its `sampling` is the smallest, beside `partly_runs`: how many were not watched to their end.
 *
 * What a repeat could not tell (null) is null in the whole, with its reason: a sum of some would be
 * too small.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "reports/probes_view.h"

struct probes_sum {
	cJSON *probes; /* NULL until the first one */
	double ops, window_ns;
	unsigned runs;
	bool whole; /* with histograms and stacks: summary_load_whole */
};

/* Adds one record's `probes`. `whole`: with histograms and stacks; otherwise without, and of each
 * table the first rows, so that thousands of cells fit into memory. -ENOMEM. */
int probes_fold(struct probes_sum *sum, const cJSON *probes, bool whole);
/* The same for a whole record: operations and window too. */
int probes_fold_record(struct probes_sum *sum, const cJSON *record, bool whole);
/* Which share of the window was watched, from its begin; where it is below 1 the throughput of that
 * part, too (NAN: not known). */
double probes_watched(const cJSON *record, double *ret_rate);
struct probes_view probes_sum_view(const struct probes_sum *sum);
void probes_sum_free(struct probes_sum *sum); /* frees what it holds, not sum */

/* Adds one probe's object to another; `from` is left in pieces. For probes_sum.c. -ENOMEM. */
int probes_fold_object(cJSON *into, cJSON *from);

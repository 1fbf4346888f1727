/* SPDX-License-Identifier: MIT */
/* Which metrics of a cell are judged and by what, and their values in a run. */
#pragma once

#include <cjson/cJSON.h>

#include "harness/paired/paired.h"

struct cell;

/*
 * `metrics` of a cell in gate.json: those that are gated (gate_all of harness/matrix/), and,
 * without a vote, median and 99th percentile of the latency and the counts that can be known.
 * -EINVAL: a gated count needs a probe that the cell has not got.
 */
int metrics_describe(const struct paired_options *opt, const struct cell *cell, cJSON **ret,
		     struct err *err);

/* {start, operations, metrics, counts, reasons, host} of one side's run; `metrics` as above. */
cJSON *metrics_of_run(const cJSON *metrics, const cJSON *response, const char *start);
/* Adds the counts that need a probe, from a run that was watched. */
void metrics_add_watched(const cJSON *metrics, const cJSON *response, const cJSON *probes,
			 cJSON *side);

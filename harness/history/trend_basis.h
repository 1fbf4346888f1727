/* SPDX-License-Identifier: MIT */
/* What of a series is analysed, and the analysis. */
#pragma once

#include "harness/history/trend.h"

/* Which yardstick a workload names. */
const char *trend_yardstick(const struct registry *reg, const char *workload);
/* Fills yardstick, basis, values, scan and change of a series whose points are there. */
int trend_analyse(struct trend *t, const struct registry *reg);

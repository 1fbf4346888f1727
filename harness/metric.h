/* SPDX-License-Identifier: MIT */
/*
 * Metrics are declared before they are reported: name, unit, which direction is better, one line of
 * help. A result refuses a metric that nobody declared. Units: "1/s", "ns", "1", "bytes", "%".
 */
#pragma once

#include <stdbool.h>

#define METRIC_NAME_MAX 64 /* of one that a program declares; with the end */
#define METRIC_UNIT_MAX 16

enum better { BETTER_HIGHER, BETTER_LOWER, BETTER_NONE };

struct metric {
	const char *name;
	const char *unit;
	enum better better;
	const char *help;
};

#define METRIC_END        \
	{                 \
		.name = 0 \
	}

extern const struct metric common_metrics[]; /* what every workload reports */
/* What the kernel did for one operation: no metric of a record, but made from its `usage` and
 * `probes` (harness/session/counts.h). Names of both tables differ. */
extern const struct metric count_metrics[];
/* Of what a program declares: such that any report can print them as they stand. */
bool metric_name_is_good(const char *name);
bool metric_unit_is_good(const char *unit);
extern const char *const better_names[]; /* "higher", "lower", "none", indexed by enum better */

/* SPDX-License-Identifier: MIT */
/*
 * Metrics are declared before they are reported: name, unit, which direction is better, one line of
 * help. A result refuses a metric that nobody declared. Units: "1/s", "ns", "1", "bytes", "%".
 */
#pragma once

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
extern const char *const better_names[]; /* "higher", "lower", "none", indexed by enum better */

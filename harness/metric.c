// SPDX-License-Identifier: MIT
/* The metrics that every workload reports, and how others may be named. */
#include "harness/metric.h"

#include <stddef.h>
#include <string.h>

const char *const better_names[] = {
	[BETTER_HIGHER] = "higher",
	[BETTER_LOWER] = "lower",
	[BETTER_NONE] = "none",
};

const struct metric common_metrics[] = {
	{"throughput", "1/s", BETTER_HIGHER,
	 "operations completed without error per second of the window"},
	{"latency_mean", "ns", BETTER_LOWER, "mean service time, submit to completion"},
	{"latency_p50", "ns", BETTER_LOWER, "median service time"},
	{"latency_p99", "ns", BETTER_LOWER, "99th percentile of the service time"},
	{"latency_p999", "ns", BETTER_LOWER, "99.9th percentile of the service time"},
	{"latency_max", "ns", BETTER_LOWER, "longest service time"},
	{"intended_p50", "ns", BETTER_LOWER, "median time from the intended start, under a rate"},
	{"intended_p99", "ns", BETTER_LOWER, "99th percentile from the intended start"},
	{"intended_p999", "ns", BETTER_LOWER, "99.9th percentile from the intended start"},
	{"intended_max", "ns", BETTER_LOWER, "longest time from the intended start"},
	{"lateness_p99", "ns", BETTER_LOWER,
	 "99th percentile of how late the generator itself was, under a rate"},
	{"lateness_max", "ns", BETTER_LOWER, "how late the generator was at worst, under a rate"},
	{"errors", "1", BETTER_LOWER, "operations that completed with an error in the window"},
	{"cpu_per_op", "ns", BETTER_LOWER,
	 "CPU time of all threads of the run per completed operation"},
	METRIC_END,
};

const struct metric count_metrics[] = {
	{"switches", "1", BETTER_LOWER, "voluntary context switches per operation"},
	{"syscalls", "1", BETTER_LOWER, "system calls per operation (probe syscalls)"},
	{"futex_waits", "1", BETTER_LOWER, "futex calls that slept, per operation (probe lock)"},
	{"punts", "1", BETTER_LOWER,
	 "requests handed to an io_uring worker, per operation (probe cqe)"},
	{"fsyncs", "1", BETTER_LOWER,
	 "fsync and fdatasync per operation, as calls (probe syscalls) or requests (probe cqe)"},
	{"bytes", "bytes", BETTER_LOWER,
	 "read from and written to block devices, per operation "
	 "(probe block)"},
	METRIC_END,
};

bool metric_name_is_good(const char *name)
{
	size_t len = strlen(name);

	return len && len < METRIC_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/") ==
		       len;
}

bool metric_unit_is_good(const char *unit)
{
	size_t len = strlen(unit);

	for (const char *p = unit; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"<>&|`", *p))
			return false;
	return len && len < METRIC_UNIT_MAX;
}

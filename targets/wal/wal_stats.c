// SPDX-License-Identifier: MIT
/* The figures of the wal targets; see the header. */
#include "targets/wal/wal_stats.h"

#include <stdlib.h>

const struct metric wal_target_metrics[] = {
	{"fsyncs", "1", BETTER_NONE, "flushes in the window: fdatasync, or writes with RWF_DSYNC"},
	{"records_per_fsync", "1", BETTER_HIGHER, "records that one flush made durable, mean"},
	{"fsync_p50", "ns", BETTER_LOWER, "time of the flushing call alone, median"},
	{"fsync_p99", "ns", BETTER_LOWER, "time of the flushing call alone, 99th percentile"},
	{"durable_p50", "ns", BETTER_LOWER, "time from the start of the write to durable, median"},
	{"durable_p99", "ns", BETTER_LOWER,
	 "time from the start of the write to durable, 99th percentile"},
	{"queue_p50", "ns", BETTER_LOWER, "time from submission to the start of the write, median"},
	{"queue_p99", "ns", BETTER_LOWER,
	 "time from submission to the start of the write, 99th percentile"},
	METRIC_END,
};

struct wal_stats *wal_stats_new(void)
{
	struct wal_stats *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	hist_init(&s->fsync);
	hist_init(&s->durable);
	hist_init(&s->queue);
	return s;
}

void wal_stats_merge(struct wal_stats *into, const struct wal_stats *from)
{
	into->fsyncs += from->fsyncs;
	into->records += from->records;
	hist_merge(&into->fsync, &from->fsync);
	hist_merge(&into->durable, &from->durable);
	hist_merge(&into->queue, &from->queue);
}

static const char *const no_fsync[] = {
	[WAL_FSYNC_IN_WRITE] = "the write itself flushes (RWF_DSYNC); see durable_p50",
	[WAL_FSYNC_LINKED] = "the flush is linked to the write in one submission: when it starts "
			     "cannot be seen; see durable_p50",
};

static void report_fsync(struct result *result, const struct wal_stats *s, enum wal_fsync how)
{
	if (how == WAL_FSYNC_CALLED) {
		result_quantile(result, "fsync_p50", &s->fsync, 0.5);
		result_quantile(result, "fsync_p99", &s->fsync, 0.99);
		result_hist(result, "fsync", &s->fsync);
		return;
	}
	result_metric_none(result, "fsync_p50", no_fsync[how]);
	result_metric_none(result, "fsync_p99", no_fsync[how]);
}

void wal_stats_report(struct result *result, const struct wal_stats *s, enum wal_fsync how)
{
	result_metric(result, "fsyncs", (double)s->fsyncs);
	if (s->fsyncs)
		result_metric(result, "records_per_fsync", (double)s->records / (double)s->fsyncs);
	else
		result_metric_none(result, "records_per_fsync", "no flush ended in the window");
	report_fsync(result, s, how);
	result_quantile(result, "durable_p50", &s->durable, 0.5);
	result_quantile(result, "durable_p99", &s->durable, 0.99);
	result_quantile(result, "queue_p50", &s->queue, 0.5);
	result_quantile(result, "queue_p99", &s->queue, 0.99);
	result_hist(result, "durable", &s->durable);
}

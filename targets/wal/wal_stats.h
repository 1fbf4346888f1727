/* SPDX-License-Identifier: MIT */
/*
 * What the wal targets count, each thread that flushes for itself, inside the measured window only
 * (wal_world.measuring).
 */
#pragma once

#include <stdint.h>

#include "harness/hist.h"
#include "harness/metric.h"
#include "harness/op.h"
#include "harness/param.h"
#include "harness/result.h"
#include "harness/world/wal.h"

extern const struct metric wal_target_metrics[];

struct wal_stats {
	uint64_t fsyncs, records;
	struct hist fsync; /* from the start of the flushing call to its end */
	struct hist queue; /* from submission to the start of the write */
};

struct wal_stats *wal_stats_new(void); /* NULL when out of memory; free() */
void wal_stats_merge(struct wal_stats *into, const struct wal_stats *from);
void wal_stats_report(struct result *result, const struct wal_stats *s);

static inline void wal_stats_queued(struct wal_stats *s, const struct wal_world *world,
				    const struct op *op, uint64_t now_ns)
{
	if (world->measuring)
		hist_record(&s->queue, now_ns - op->submitted_ns);
}

static inline void wal_stats_flushed(struct wal_stats *s, const struct wal_world *world,
				     uint64_t records, uint64_t took_ns)
{
	if (!world->measuring)
		return;
	s->fsyncs++;
	s->records += records;
	hist_record(&s->fsync, took_ns);
}

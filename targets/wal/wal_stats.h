/* SPDX-License-Identifier: MIT */
/*
 * What the wal targets count, each thread that flushes for itself, inside the measured window only
 * (wal_world.measuring).
 */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "harness/hist.h"
#include "harness/metric.h"
#include "harness/op.h"
#include "harness/param.h"
#include "harness/result.h"
#include "harness/util/nsec.h"
#include "harness/world/wal.h"

extern const struct metric wal_target_metrics[];

/* What a target can know of the flush alone. */
enum wal_fsync {
	WAL_FSYNC_CALLED,   /* a call of its own, timed */
	WAL_FSYNC_IN_WRITE, /* RWF_DSYNC */
	WAL_FSYNC_LINKED,   /* by io_uring, linked behind the write */
};

struct wal_stats {
	uint64_t fsyncs, records;
	struct hist fsync;   /* from the start of the flushing call to its end */
	struct hist durable; /* from the start of the write to the end of its flush */
	struct hist queue;   /* from submission to the start of the write */
};

struct wal_stats *wal_stats_new(void); /* NULL when out of memory; free() */
void wal_stats_merge(struct wal_stats *into, const struct wal_stats *from);
void wal_stats_report(struct result *result, const struct wal_stats *s, enum wal_fsync how);

static inline void wal_stats_queued(struct wal_stats *s, const struct wal_world *world,
				    const struct op *op, uint64_t now_ns)
{
	if (world->measuring)
		hist_record(&s->queue, now_ns - op->submitted_ns);
}

/* Flushes by a call that does nothing else: fdatasync. 0 or -errno. */
static inline int wal_stats_flush(struct wal_stats *s, const struct wal_world *world, int fd)
{
	uint64_t start = nsec_now();
	int r = fdatasync(fd) < 0 ? -errno : 0;

	if (world->measuring)
		hist_record(&s->fsync, nsec_now() - start);
	return r;
}

/* Records are durable, by so many flushes, and so long after their write began. */
static inline void wal_stats_durable(struct wal_stats *s, const struct wal_world *world,
				     uint64_t records, uint64_t flushes, uint64_t took_ns)
{
	if (!world->measuring)
		return;
	s->fsyncs += flushes;
	s->records += records;
	hist_record(&s->durable, took_ns);
}

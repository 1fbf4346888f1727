// SPDX-License-Identifier: MIT
/*
 * wal/sync and wal/dsync: every record is written and flushed by its own producer, by
 * pwrite + fdatasync or by one pwritev2 with RWF_DSYNC. Lanes share nothing but the append
 * position, which one atomic addition moves (wal_claim.h keeps them off each other's last lap); the
 * kernel and the disk see as many flushes as there
 * are records.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/syncport.h"
#include "harness/util/nsec.h"
#include "targets/targets.h"
#include "targets/wal/wal_claim.h"
#include "targets/wal/wal_knobs.h"
#include "targets/wal/wal_log.h"
#include "targets/wal/wal_stats.h"

struct single {
	struct wal_log *logs;
	struct wal_claims claims;
	struct wal_stats **stats; /* [threads], each its lane's */
};

static int sync_setup(struct run *run)
{
	const struct wal_world *world = run->world;
	const struct wal_single_config *c = run->target_config;
	struct single *t = run->target = calloc(1, sizeof(*t));

	if (!t)
		return err_sys(&run->err, -ENOMEM, "wal target");
	t->stats = calloc(run->axes->threads, sizeof(*t->stats));
	if (!t->stats)
		return err_sys(&run->err, -ENOMEM, "wal target");
	if (wal_claims_init(&t->claims, (uint32_t)run->axes->threads, world->partitions) < 0)
		return err_sys(&run->err, -ENOMEM, "wal target");
	return wal_logs_open(run, c->direct, &t->logs);
}

static int dsync_setup(struct run *run)
{
	const struct wal_single_config *c = run->target_config;
	struct wal_world *world = run->world;

	world->writes_through = c->direct;
	return sync_setup(run);
}

/* Writes all of a record at its place; with flags RWF_DSYNC it is then durable. */
static int write_record(const struct wal_log *log, const struct op *op, uint64_t offset, int flags)
{
	for (uint32_t at = 0; at < op->len;) {
		struct iovec iov = {.iov_base = (char *)op->data + at, .iov_len = op->len - at};
		ssize_t n = pwritev2(log->fd, &iov, 1, (off_t)(offset + at), flags);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO;
		at += n < 0 ? 0 : (uint32_t)n;
	}
	return 0;
}

static int single_serve(struct lane *lane, struct op *op, bool dsync)
{
	const struct wal_world *world = lane->run->world;
	struct single *t = lane->run->target;
	struct wal_stats *stats = t->stats[lane->index];
	struct wal_log *log = &t->logs[op->addr];
	uint32_t partition = (uint32_t)op->addr;
	uint64_t offset = wal_claim(&t->claims, lane->index, log, partition, op->len);
	uint64_t start = nsec_now(), flush_start;
	int r;

	wal_stats_queued(stats, world, op, start);
	r = write_record(log, op, offset, dsync ? RWF_DSYNC : 0);
	if (r == 0 && !dsync) {
		flush_start = nsec_now();
		r = fdatasync(log->fd) < 0 ? -errno : 0;
		wal_stats_fsync(stats, world, nsec_now() - flush_start);
	}
	wal_claim_end(&t->claims, lane->index, partition);
	wal_stats_durable(stats, world, 1, 1, nsec_now() - start);
	op->result = r < 0 ? r : (int32_t)op->len;
	return 0;
}

static int serve_sync(struct lane *lane, struct op *op, void *priv)
{
	(void)priv;
	return single_serve(lane, op, false);
}

static int serve_dsync(struct lane *lane, struct op *op, void *priv)
{
	(void)priv;
	return single_serve(lane, op, true);
}

static int single_lane_open(struct lane *lane, syncport_serve serve)
{
	struct single *t = lane->run->target;

	t->stats[lane->index] = wal_stats_new();
	if (!t->stats[lane->index])
		return err_sys(&lane->err, -ENOMEM, "wal lane");
	return syncport_open(lane, serve, NULL);
}

static int sync_lane_open(struct lane *lane)
{
	return single_lane_open(lane, serve_sync);
}

static int dsync_lane_open(struct lane *lane)
{
	return single_lane_open(lane, serve_dsync);
}

static void single_report(struct run *run, struct result *result, enum wal_fsync how)
{
	struct single *t = run->target;

	for (uint64_t i = 1; i < run->axes->threads; i++)
		wal_stats_merge(t->stats[0], t->stats[i]);
	wal_stats_report(result, t->stats[0], how);
}

static void sync_report(struct run *run, struct result *result)
{
	single_report(run, result, WAL_FSYNC_CALLED);
}

static void dsync_report(struct run *run, struct result *result)
{
	single_report(run, result, WAL_FSYNC_IN_WRITE);
}

static void single_teardown(struct run *run)
{
	struct single *t = run->target;

	if (!t)
		return;
	wal_logs_close(run, t->logs);
	wal_claims_free(&t->claims);
	for (uint64_t i = 0; t->stats && i < run->axes->threads; i++)
		free(t->stats[i]);
	free(t->stats);
	free(t);
	run->target = NULL;
}

const struct target_ops target_wal_sync = {
	.workload = "wal",
	.name = "sync",
	.help = "each producer writes and flushes its own record: pwrite, fdatasync",
	.params = wal_single_params,
	.config_size = sizeof(struct wal_single_config),
	.metrics = wal_target_metrics,
	.check_cell = wal_single_check,
	.setup = sync_setup,
	.lane_open = sync_lane_open,
	.submit = syncport_submit,
	.reap = syncport_reap,
	.lane_close = syncport_close,
	.report = sync_report,
	.teardown = single_teardown,
};

const struct target_ops target_wal_dsync = {
	.workload = "wal",
	.name = "dsync",
	.help = "each producer writes its own record with RWF_DSYNC",
	.params = wal_single_params,
	.config_size = sizeof(struct wal_single_config),
	.metrics = wal_target_metrics,
	.check_cell = wal_single_check,
	.setup = dsync_setup,
	.lane_open = dsync_lane_open,
	.submit = syncport_submit,
	.reap = syncport_reap,
	.lane_close = syncport_close,
	.report = dsync_report,
	.teardown = single_teardown,
};

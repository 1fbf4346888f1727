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
	struct wal_steps steps;
};

static int single_setup(struct run *run, bool dsync)
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
	t->steps = wal_steps(dsync, (enum wal_fault)c->fault);
	return wal_logs_open(run, c->direct, &t->steps, &t->logs);
}

static int sync_setup(struct run *run)
{
	return single_setup(run, false);
}

static int dsync_setup(struct run *run)
{
	const struct wal_single_config *c = run->target_config;
	struct wal_world *world = run->world;

	world->writes_through = c->direct;
	return single_setup(run, true);
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

static int single_serve(struct lane *lane, struct op *op, void *priv)
{
	const struct wal_world *world = lane->run->world;
	struct single *t = lane->run->target;
	struct wal_stats *stats = t->stats[lane->index];
	struct wal_log *log = &t->logs[op->addr];
	uint32_t partition = (uint32_t)op->addr;
	uint64_t offset = wal_claim(&t->claims, lane->index, log, partition, op->len);
	uint64_t start = nsec_now();
	int r = 0;

	(void)priv;
	wal_stats_queued(stats, world, op, start);
	if (t->steps.flush_before)
		r = wal_stats_flush(stats, world, log->flush_fd);
	if (r == 0)
		r = write_record(log, op, offset, t->steps.write_flags);
	if (r == 0 && t->steps.flush_after)
		r = wal_stats_flush(stats, world, log->flush_fd);
	wal_claim_end(&t->claims, lane->index, partition);
	wal_stats_durable(stats, world, 1, wal_steps_flushes(&t->steps, 1), nsec_now() - start);
	op->result = r < 0 ? r : (int32_t)op->len;
	return 0;
}

static int single_lane_open(struct lane *lane)
{
	struct single *t = lane->run->target;

	t->stats[lane->index] = wal_stats_new();
	if (!t->stats[lane->index])
		return err_sys(&lane->err, -ENOMEM, "wal lane");
	return syncport_open(lane, single_serve, NULL);
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
	.check_cell = wal_sync_check,
	.setup = sync_setup,
	.lane_open = single_lane_open,
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
	.check_cell = wal_dsync_check,
	.setup = dsync_setup,
	.lane_open = single_lane_open,
	.submit = syncport_submit,
	.reap = syncport_reap,
	.lane_close = syncport_close,
	.report = dsync_report,
	.teardown = single_teardown,
};

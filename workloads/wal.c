// SPDX-License-Identifier: MIT
/*
 * wal: producers that append records to a log and go on when they are durable.
 *
 * The record with sequence s of lane l goes to partition (l + s) % partitions, so lanes spread over
 * all partitions at any moment; within a partition a lane counts its records anew. A lane's slots
 * are filled once; next() then only stamps and sums (wal_record.c). What was acknowledged is
 * counted here, by the lanes, and the oracle (wal_replay.c) reads the files back and compares.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "harness/result.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "harness/world/wal.h"
#include "workloads/wal_acks.h"
#include "workloads/wal_disk.h"
#include "workloads/wal_files.h"
#include "workloads/wal_record.h"
#include "workloads/wal_replay.h"
#include "workloads/workloads.h"

#define FILL_RATE 50e6 /* bytes per second */
#define READ_RATE 100e6

struct wal_config {
	uint64_t partitions;
	uint64_t log_bytes;
	int preallocate;
	bool may_be_volatile;
	char dir[PARAM_STRING_MAX];
	char acks[PARAM_STRING_MAX];
};

static const char *const preallocate_choices[] = {"none", "fallocate", "zero", NULL};

static const struct param wal_params[] = {
	{"partitions", PARAM_INT, offsetof(struct wal_config, partitions), "1", 1, 1024,
	 .help = "logs that records are spread over, each with a file and an order of its own"},
	{"log_bytes", PARAM_SIZE, offsetof(struct wal_config, log_bytes), "64M", 4096, 1ull << 40,
	 .unit = "bytes",
	 .help = "size of a partition's log, overwritten from the start when full"},
	{"preallocate", PARAM_ENUM, offsetof(struct wal_config, preallocate), "zero",
	 .choices = preallocate_choices,
	 .help = "zero: a filled file that the session recycles; the others start afresh each run, "
		 "and mean what they say for the first log_bytes: then the file is filled"},
	{"dir", PARAM_STRING, offsetof(struct wal_config, dir), "", .unit = "path",
	 .help = "folder for the logs instead of the one for results"},
	{"acks", PARAM_STRING, offsetof(struct wal_config, acks), "", .unit = "path",
	 .help = "file or device that is told of every acknowledgement before its lane goes on, for "
		 "`uhbench replay` after a crash; the logs then stay in `dir`"},
	{"volatile", PARAM_BOOL, offsetof(struct wal_config, may_be_volatile), "false",
	 .help = "permit a log on tmpfs or ramfs, where nothing is durable"},
	PARAM_END,
};

static const struct metric wal_metrics[] = {
	{"device_flushes", "1", BETTER_NONE, "cache flushes that the log's disk did in the window"},
	{"bytes_per_acked_byte", "1", BETTER_LOWER,
	 "bytes written to the log's disk, by whomever, per byte acknowledged"},
	METRIC_END,
};

struct wal {
	struct wal_world world;
	struct wal_files files;
	uint64_t nonce;
	int acks_fd; /* -1: nobody is told */
	char filesystem[512];
	struct wal_disk disk;
	struct wal_disk_stats at[2];  /* by enum mark */
	struct wal_disk_stats before; /* at the end of setup */
	struct err no_disk;	      /* why the disk's figures are not known; "" if they are */
};

static int wal_check_cell(const struct cell *cell, struct err *err)
{
	const struct wal_config *c = cell->workload_config;
	const struct axes *a = &cell->axes;
	uint64_t ring = c->log_bytes / a->payload;

	if (c->acks[0] && !c->dir[0])
		return err_set(err, -EINVAL,
			       "acks: the logs must outlive the run, which takes a `dir`");
	if (ring / 2 / a->threads < a->depth)
		return err_set(
			err, -EINVAL,
			"log_bytes: %llu bytes hold %llu records of %llu, fewer than twice the "
			"%llu x %llu in flight",
			(unsigned long long)c->log_bytes, (unsigned long long)ring,
			(unsigned long long)a->payload, (unsigned long long)a->threads,
			(unsigned long long)a->depth);
	return 0;
}

/* Slow disks fill at FILL_RATE and read back at READ_RATE; fast ones are done long before. */
static uint64_t wal_extra_ns(const struct cell *cell)
{
	const struct wal_config *c = cell->workload_config;
	double bytes = (double)c->log_bytes * (double)c->partitions;
	double fill = c->preallocate == WAL_PREALLOCATE_ZERO ? bytes / FILL_RATE : 0;

	return (uint64_t)((fill + bytes / READ_RATE) * (double)NSEC_PER_SEC);
}

static int wal_look_at_dir(struct run *run, struct wal *w)
{
	const struct wal_config *c = run->workload_config;
	const char *dir = wal_files_dir(run, c->dir, (enum wal_preallocate)c->preallocate);
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_sys(&run->err, -errno, "log folder %s", dir);
	r = wal_disk_describe(fd, w->filesystem, sizeof(w->filesystem), &run->err);
	if (r < 0)
		return err_wrap(&run->err, r, "log folder %s", dir);
	if (wal_disk_is_memory(fd) && !c->may_be_volatile)
		return err_set(&run->err, -EOPNOTSUPP,
			       "log folder %s is %s: nothing is durable there (knob `dir` names "
			       "another, `volatile` permits it)",
			       dir, w->filesystem);
	if (wal_disk_find(fd, &w->disk, &w->no_disk) == 0)
		w->no_disk.text[0] = '\0';
	return 0;
}

/* The log is made, and whoever is told of acknowledgements learns where it lies. */
static int wal_open_files(struct run *run, struct wal *w)
{
	const struct wal_config *c = run->workload_config;
	uint64_t payload = run->axes->payload;
	char stay[17];
	int r;

	snprintf(stay, sizeof(stay), "%016llx", (unsigned long long)w->nonce);
	r = wal_files_open(run, c->dir, (enum wal_preallocate)c->preallocate, c->log_bytes,
			   (uint32_t)c->partitions, c->acks[0] ? stay : NULL, &w->files);
	if (r < 0)
		return r;
	for (uint32_t p = 0; p < w->files.n; p++)
		w->files.partition[p].ring_bytes = c->log_bytes / payload * payload;
	w->world.partitions = w->files.n;
	w->world.record_bytes = (uint32_t)payload;
	w->world.partition = w->files.partition;
	if (!c->acks[0])
		return 0;
	w->acks_fd = wal_acks_open(run, c->acks, w->nonce, &w->world);
	return min_of(w->acks_fd, 0);
}

static int wal_setup(struct run *run)
{
	struct wal *w = run->workload = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return err_sys(&run->err, -ENOMEM, "wal");
	w->acks_fd = -1;
	if (getrandom(&w->nonce, sizeof(w->nonce), 0) != sizeof(w->nonce))
		return err_sys(&run->err, -errno, "getrandom");
	r = wal_look_at_dir(run, w);
	if (r < 0)
		return r;
	r = wal_open_files(run, w);
	if (r < 0)
		return r;
	run->world = &w->world;
	if (!w->no_disk.text[0])
		wal_disk_read(&w->disk, &w->before, &w->no_disk);
	return 0;
}

/* lane->workload: one entry per partition, on cache lines of the lane's own. */
static int wal_lane_open(struct lane *lane)
{
	const struct wal *w = lane->run->workload;
	size_t bytes = w->world.partitions * sizeof(struct wal_replay_lane);

	lane->workload = aligned_alloc(64, (bytes + 63) / 64 * 64);
	if (!lane->workload)
		return err_sys(&lane->err, -ENOMEM, "wal lane");
	memset(lane->workload, 0, bytes);
	for (unsigned i = 0; i < lane->depth; i++)
		wal_record_fill(lane->ops[i].data, w->world.record_bytes, w->nonce);
	return 0;
}

static void wal_next(struct lane *lane, struct op **ops, unsigned n)
{
	const struct wal *w = lane->run->workload;
	struct wal_replay_lane *count = lane->workload;

	for (unsigned i = 0; i < n; i++) {
		uint32_t partition = (uint32_t)((lane->index + ops[i]->seq) % w->world.partitions);
		struct wal_header h = {
			.length = w->world.record_bytes,
			.partition = partition,
			.nonce = w->nonce,
			.seq = count[partition].issued++,
			.lane = lane->index,
		};

		ops[i]->addr = partition;
		ops[i]->len = h.length;
		wal_record_seal(ops[i]->data, &h);
	}
}

/* Nothing that fails to be written is legal. Operations may complete in any order, but all of them
 * do before the oracle looks, so counting is enough to know which were acknowledged. With the knob
 * `acks` the lane also tells them, by a system call, which no run that measures may do. */
static int wal_check(struct lane *lane, struct op **ops, unsigned n)
{
	const struct wal *w = lane->run->workload;
	struct wal_replay_lane *count = lane->workload;
	int r;

	for (unsigned i = 0; i < n; i++) {
		const struct wal_header *h = ops[i]->data;
		int code = ops[i]->result < 0 ? ops[i]->result : -EIO;

		if (ops[i]->result != (int32_t)ops[i]->len)
			return err_sys(&lane->err, code,
				       "append to partition %u, lane %u sequence %llu (result %d)",
				       h->partition, lane->index, (unsigned long long)h->seq,
				       ops[i]->result);
		count[ops[i]->addr].acked++;
	}
	r = w->acks_fd >= 0 ? wal_acks_tell(w->acks_fd, lane->index, ops, n) : 0;
	return r < 0 ? err_sys(&lane->err, r, "acks: write") : 0;
}

static void wal_mark(struct run *run, enum mark mark)
{
	struct wal *w = run->workload;

	w->world.measuring = mark == WINDOW_BEGIN;
	if (!w->no_disk.text[0])
		wal_disk_read(&w->disk, &w->at[mark], &w->no_disk);
}

static int wal_verify_partition(struct run *run, uint32_t p, struct wal_replay_counts *counts)
{
	const struct wal *w = run->workload;
	uint32_t n = (uint32_t)run->axes->threads;
	_cleanup_free_ struct wal_replay_lane *lanes = calloc(n, sizeof(*lanes));
	struct wal_replay log = {
		.path = w->files.partition[p].path,
		.label = w->files.partition[p].label,
		.nonce = w->nonce,
		.ring_bytes = w->files.partition[p].ring_bytes,
		.record_bytes = w->world.record_bytes,
		.partition = p,
		.lanes = lanes,
		.n_lanes = n,
	};

	if (!lanes)
		return err_sys(&run->err, -ENOMEM, "replay of %s", log.label);
	for (uint32_t i = 0; i < n; i++)
		lanes[i] = ((struct wal_replay_lane *)run->lanes[i].workload)[p];
	return wal_replay(&log, counts, &run->err);
}

/* Did the disk flush as often as it must have for what was acknowledged? The replay cannot tell: it
 * finds also what only lay in a cache. */
static int wal_verify_flushes(struct run *run, uint64_t acked, struct err *why_not)
{
	const struct wal *w = run->workload;
	uint64_t in_flight = run->axes->threads * run->axes->depth;
	uint64_t need = wal_disk_flushes_needed(acked, in_flight), done;
	struct wal_disk_stats now;
	int r;

	*why_not = w->no_disk;
	if (why_not->text[0])
		return 0;
	if (wal_disk_testifies(w->files.fds[0], &w->disk, w->world.writes_through, why_not) < 0)
		return 0;
	r = wal_disk_read(&w->disk, &now, &run->err);
	if (r < 0)
		return r;
	done = now.flushes - w->before.flushes;
	if (done >= need)
		return 0;
	return err_set(
		&run->err, -EBADMSG,
		"the log's disk did %llu flushes, and %llu acknowledged records, of which "
		"%llu can share one, need %llu: some were acknowledged before they were durable",
		(unsigned long long)done, (unsigned long long)acked, (unsigned long long)in_flight,
		(unsigned long long)need);
}

/* All partitions are replayed, so that the counts are whole; the first fault is the one told. */
static int wal_verify(struct run *run, struct result *result)
{
	struct wal *w = run->workload;
	struct wal_replay_counts c = {0};
	struct err first, unchecked;
	int r, ret = 0;

	for (uint32_t p = 0; p < w->files.n; p++) {
		r = wal_verify_partition(run, p, &c);

		if (r < 0 && ret == 0) {
			ret = r;
			first = run->err;
		}
	}
	r = wal_verify_flushes(run, c.acknowledged, &unchecked);
	result_verify_text(result, "flush_check",
			   unchecked.text[0] ? unchecked.text
			   : r < 0	     ? "failed"
					     : "ok");
	if (ret < 0)
		run->err = first;
	else
		ret = r;
	result_verify(result, "acknowledged", c.acknowledged);
	result_verify(result, "checked", c.checked);
	result_verify(result, "replayed", c.replayed);
	result_verify(result, "corrupt", c.corrupt);
	result_verify(result, "missing", c.missing);
	result_verify(result, "duplicate", c.duplicate);
	result_verify(result, "reordered", c.reordered);
	result_verify(result, "torn", c.torn);
	result_verify_text(result, "filesystem", w->filesystem);
	return ret;
}

static void wal_report_disk(const struct wal *w, const struct window *window, struct result *result)
{
	const struct wal_disk_stats *b = &w->at[WINDOW_BEGIN], *e = &w->at[WINDOW_END];
	double acked = (double)window->ops * w->world.record_bytes;

	if (w->no_disk.text[0]) {
		result_metric_none(result, "device_flushes", w->no_disk.text);
		result_metric_none(result, "bytes_per_acked_byte", w->no_disk.text);
		return;
	}
	result_metric(result, "device_flushes", (double)(e->flushes - b->flushes));
	if (window->ops)
		result_metric(result, "bytes_per_acked_byte",
			      (double)(e->written_bytes - b->written_bytes) / acked);
	else
		result_metric_none(result, "bytes_per_acked_byte", "nothing was acknowledged");
}

/* How often the ring of partition p was overwritten from the start. */
static uint64_t wal_laps(const struct run *run, uint32_t p)
{
	const struct wal *w = run->workload;
	uint64_t issued = 0;

	for (uint64_t i = 0; i < run->axes->threads; i++)
		issued += ((struct wal_replay_lane *)run->lanes[i].workload)[p].issued;
	return issued * w->world.record_bytes / w->files.partition[p].ring_bytes;
}

static void wal_report(struct run *run, const struct window *window, struct result *result)
{
	const struct wal_config *c = run->workload_config;
	const struct wal *w = run->workload;
	uint64_t laps = 0;

	for (uint32_t p = 0; p < w->files.n; p++)
		laps = max_of(laps, wal_laps(run, p));
	result_verify(result, "laps", laps);
	if (laps && c->preallocate != WAL_PREALLOCATE_ZERO)
		result_note(result,
			    "the log went round %llu time(s): only its first lap was written to a "
			    "file of `preallocate` %s, the others overwrote (raise log_bytes)",
			    (unsigned long long)laps, preallocate_choices[c->preallocate]);
	wal_report_disk(w, window, result);
	if (w->files.reused)
		result_note(result, "%u zero-filled log file(s) reused from an earlier run",
			    w->files.reused);
	if (c->acks[0])
		result_note(result,
			    "every acknowledgement was told to %s before its lane went on: "
			    "a test of crashes, whose figures are not the target's",
			    c->acks);
	if (c->may_be_volatile)
		result_note(result, "the log may be volatile: it lies on %s", w->filesystem);
}

static void wal_lane_close(struct lane *lane)
{
	free(lane->workload);
	lane->workload = NULL;
}

static void wal_teardown(struct run *run)
{
	struct wal *w = run->workload;

	if (!w)
		return;
	wal_files_close(&w->files);
	cleanup_close(&w->acks_fd);
	free(w);
	run->workload = NULL;
}

const struct workload_ops workload_wal = {
	.name = "wal",
	.help = "records appended to a log, complete when durable, replayed after every run",
	.op_name = "commit",
	.yardstick = "sync4k",
	.params = wal_params,
	.config_size = sizeof(struct wal_config),
	.metrics = wal_metrics,
	.payload_default = 4096,
	.payload_min = sizeof(struct wal_header),
	.payload_max = 1 << 20,
	.check_cell = wal_check_cell,
	.extra_ns = wal_extra_ns,
	.setup = wal_setup,
	.lane_open = wal_lane_open,
	.next = wal_next,
	.check = wal_check,
	.mark = wal_mark,
	.verify = wal_verify,
	.report = wal_report,
	.replay = wal_acks_replay,
	.lane_close = wal_lane_close,
	.teardown = wal_teardown,
};

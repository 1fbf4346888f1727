// SPDX-License-Identifier: MIT
/*
 * The port's half that is not measured: what the kernel and the device can do is found out before
 * the lanes start, and what a cell asks beyond that is refused by name.
 */
#include "targets/block/block_port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "harness/detail_table.h"
#include "harness/result.h"
#include "harness/util/cleanup.h"
#include "harness/workload.h"
#include "targets/block/block_port_impl.h"
#include "targets/uring_port.h"

#define BUFFERS_MAX 16384 /* IORING_MAX_REG_BUFFERS, io_uring/rsrc.c */

/* The port knows the names, not the config. */
uint64_t block_knob(const struct cell *cell, const char *name)
{
	const void *config;
	const struct param *row = cell_find(cell, name, &config);

	if (!row)
		return 0;
	if (row->type == PARAM_BOOL)
		return *(const bool *)((const char *)config + row->offset);
	return *(const uint64_t *)((const char *)config + row->offset);
}

int block_port_check(const struct cell *cell, const struct block_port_config *config,
		     bool keeps_data, uint64_t size_bytes, struct err *err)
{
	uint64_t bytes = block_knob(cell, "bytes");

	if (config->poll &&
	    (block_knob(cell, "flush_every") || block_knob(cell, "discard_percent") ||
	     block_knob(cell, "write_zeroes_percent")))
		return err_set(err, -EINVAL,
			       "poll: only reads and writes can be polled (flush_every, "
			       "discard_percent and write_zeroes_percent must be 0)");
	if (config->fixed_buffers && cell->axes.depth > BUFFERS_MAX)
		return err_set(err, -EINVAL,
			       "fixed_buffers: io_uring registers at most %d, fewer than the depth "
			       "of %llu",
			       BUFFERS_MAX, (unsigned long long)cell->axes.depth);
	if (!keeps_data && block_knob(cell, "verify"))
		return err_set(err, -EINVAL,
			       "verify: %s/%s does not keep what is written here, so there is "
			       "nothing to compare",
			       cell->workload->name, cell->target->name);
	if (size_bytes && bytes > size_bytes)
		return err_set(err, -EINVAL,
			       "bytes: the working set of %llu is larger than the device of %llu",
			       (unsigned long long)bytes, (unsigned long long)size_bytes);
	return 0;
}

int block_port_supported(struct run *run, const struct block_port_config *config)
{
	return uring_port_supported(run, config->defer_taskrun, IORING_OP_READ_FIXED, "READ_FIXED");
}

/* Asks for a discard of nothing: who has it finds fault with the range, who has not says so. */
static int probe_discard(struct run *run, int fd)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	int r = io_uring_queue_init(2, &ring, 0);

	if (r < 0)
		return err_sys(&run->err, r, "io_uring_setup");
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = BLOCK_URING_CMD_DISCARD_NR;
	r = io_uring_submit_and_wait(&ring, 1);
	if (r >= 0)
		r = io_uring_wait_cqe(&ring, &cqe);
	if (r >= 0)
		r = cqe->res;
	io_uring_queue_exit(&ring);
	return r == -EOPNOTSUPP ? err_set(&run->err, r,
					  "this kernel's io_uring cannot discard on a block device "
					  "(Linux 6.12 can)")
				: 0;
}

static int check_kinds(struct run *run, const struct block_port *p, const struct block_world *w)
{
	static const char *const what[BLOCK_KINDS] = {
		[BLOCK_DISCARD] = "discard", [BLOCK_WRITE_ZEROES] = "command to write zeroes"};
	enum block_kind lacks = BLOCK_KINDS;

	if (w->kinds & 1u << BLOCK_DISCARD && !w->max_discard_bytes)
		lacks = BLOCK_DISCARD;
	if (w->kinds & 1u << BLOCK_WRITE_ZEROES && !w->max_write_zeroes_bytes)
		lacks = BLOCK_WRITE_ZEROES;
	if (lacks != BLOCK_KINDS)
		return err_set(&run->err, -EOPNOTSUPP, "%s has no %s", w->path, what[lacks]);
	return w->kinds & 1u << BLOCK_DISCARD ? probe_discard(run, p->fd) : 0;
}

/* Without poll queues every polled operation fails. */
static int check_poll(struct run *run, const struct block_port *p, const struct block_world *w)
{
	uint64_t io_poll = 0;

	if (!p->config->poll)
		return 0;
	if (block_device_attribute(w->device, "queue/io_poll", &io_poll) == 0 && io_poll)
		return 0;
	return err_set(&run->err, -EOPNOTSUPP, "poll: %s has no poll queues", w->path);
}

/* What only the device itself could tell. */
static int check_world(struct run *run, const struct block_port *p)
{
	const struct block_world *w = run->world;
	int r;

	if (!w->capacity_bytes)
		return err_set(&run->err, -EOPNOTSUPP, "%s has no medium: its size is 0", w->path);
	if (w->block_bytes % w->logical_block_bytes)
		return err_set(&run->err, -EINVAL,
			       "payload: %u is no multiple of the %u-byte logical block of %s",
			       w->block_bytes, w->logical_block_bytes, w->path);
	if (w->wanted_bytes > w->capacity_bytes)
		return err_set(&run->err, -EINVAL,
			       "bytes: the working set of %llu is larger than %s, which has %llu",
			       (unsigned long long)w->wanted_bytes, w->path,
			       (unsigned long long)w->capacity_bytes);
	if (w->verify && !w->keeps_data)
		return err_set(&run->err, -EINVAL, "verify: %s does not keep what is written",
			       w->path);
	r = check_poll(run, p, w);
	return r < 0 ? r : check_kinds(run, p, w);
}

static struct block_port *port_new(const struct run *run, const struct block_port_config *config)
{
	struct block_port *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->config = config;
	p->fd = -1;
	p->n_lanes = (unsigned)run->axes->threads;
	p->lane = aligned_alloc(_Alignof(struct block_port_lane), p->n_lanes * sizeof(*p->lane));
	if (!p->lane) {
		free(p);
		return NULL;
	}
	memset(p->lane, 0, p->n_lanes * sizeof(*p->lane));
	for (unsigned i = 0; i < p->n_lanes; i++)
		p->lane[i].fd = -1;
	return p;
}

int block_port_attach(struct run *run, const struct block_port_config *config, const char *path)
{
	struct block_world *w = run->world;
	struct block_port *p = w->port = port_new(run, config);
	int r;

	if (!p)
		return err_sys(&run->err, -ENOMEM, "block port");
	snprintf(w->path, sizeof(w->path), "%s", path);
	p->fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (p->fd < 0)
		return err_sys(&run->err, -errno, "%s", path);
	r = block_device_limits(p->fd, &p->limits, &run->err);
	if (r < 0)
		return err_wrap(&run->err, r, "%s", path);
	w->device = p->limits.device;
	w->capacity_bytes = p->limits.capacity_bytes;
	w->logical_block_bytes = p->limits.logical_block_bytes;
	w->max_discard_bytes = p->limits.max_discard_bytes;
	w->max_write_zeroes_bytes = p->limits.max_write_zeroes_bytes;
	return check_world(run, p);
}

void block_port_detach(struct run *run)
{
	struct block_world *w = run->world;
	struct block_port *p = w ? w->port : NULL;

	if (!p)
		return;
	for (unsigned i = 0; i < p->n_lanes; i++)
		free(p->lane[i].joined);
	cleanup_close(&p->fd);
	free(p->lane);
	free(p);
	w->port = NULL;
}

void block_port_join(struct run *run, const struct block_stages *stages)
{
	const struct block_world *w = run->world;

	w->port->stages = stages;
}

/* The moments between which a stage lies: `from` of one is `to` of the one before. */
static const struct {
	const char *name, *histogram, *to, *says;
} stage_rows[STAGE_COUNT] = {
	[STAGE_SUBMIT] = {"submit", "stage_submit", "arrived",
			  "from the lane's submission until the server took the request"},
	[STAGE_WAIT] = {"wait", "stage_wait", "started",
			"until the server's handler began with it"},
	[STAGE_HANDLE] = {"handle", "stage_handle", "ended", "the handler, the backend included"},
	[STAGE_COMMIT] = {"commit", "stage_commit", "committed",
			  "done, until the system call that commits it began"},
	[STAGE_COMPLETE] = {"complete", "stage_complete", "reaped",
			    "from there until the lane had its completion"},
};

static cJSON *describe_stages(const struct block_joined *sum)
{
	cJSON *o = cJSON_CreateObject(), *of, *stages;

	cJSON_AddStringToObject(o, "title", "stages");
	cJSON_AddStringToObject(o, "says", "where the time of a read or write went");
	of = cJSON_AddArrayToObject(o, "of");
	cJSON_AddItemToArray(of, cJSON_CreateString("service_read"));
	cJSON_AddItemToArray(of, cJSON_CreateString("service_write"));
	stages = cJSON_AddArrayToObject(o, "stages");
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		cJSON *row = cJSON_CreateObject();

		cJSON_AddStringToObject(row, "name", stage_rows[i].name);
		cJSON_AddStringToObject(row, "from", i ? stage_rows[i - 1].to : "submitted");
		cJSON_AddStringToObject(row, "to", stage_rows[i].to);
		cJSON_AddStringToObject(row, "says", stage_rows[i].says);
		cJSON_AddStringToObject(row, "histogram", stage_rows[i].histogram);
		cJSON_AddItemToArray(stages, row);
	}
	cJSON_AddNumberToObject(o, "joined", (double)sum->joined);
	cJSON_AddNumberToObject(o, "missed", (double)sum->missed);
	return o;
}

static void report_stages(const struct block_port *p, struct result *result)
{
	struct block_joined *sum = p->lane[0].joined;

	for (unsigned i = 1; i < p->n_lanes; i++) {
		for (unsigned s = 0; s < STAGE_COUNT; s++)
			hist_merge(&sum->stage[s], &p->lane[i].joined->stage[s]);
		sum->joined += p->lane[i].joined->joined;
		sum->missed += p->lane[i].joined->missed;
	}
	for (unsigned s = 0; s < STAGE_COUNT; s++)
		result_hist(result, stage_rows[s].histogram, &sum->stage[s]);
	result_detail(result, "stages", describe_stages(sum));
}

static cJSON *describe_device(const struct block_world *w, const struct block_port *p)
{
	cJSON *table = detail_table("device", NULL), *row = detail_row(table);

	detail_column(table, "path", NULL, NULL);
	detail_column(table, "capacity", "bytes", NULL);
	detail_column(table, "logical block", "bytes", NULL);
	detail_column(table, "hardware queues", "1", NULL);
	detail_column(table, "scheduler", NULL, NULL);
	cJSON_AddItemToArray(row, cJSON_CreateString(w->path));
	cJSON_AddItemToArray(row, cJSON_CreateNumber((double)w->capacity_bytes));
	cJSON_AddItemToArray(row, cJSON_CreateNumber(w->logical_block_bytes));
	cJSON_AddItemToArray(row, cJSON_CreateNumber(p->limits.hardware_queues));
	cJSON_AddItemToArray(row, cJSON_CreateString(p->limits.scheduler));
	return table;
}

void block_port_report(struct run *run, struct result *result)
{
	const struct block_world *w = run->world;
	const struct block_port *p = w->port;
	uint64_t enters = 0, ops = 0;

	for (unsigned i = 0; i < p->n_lanes; i++) {
		enters += p->lane[i].enters;
		ops += p->lane[i].ops;
	}
	if (enters)
		result_metric(result, "ops_per_enter", (double)ops / (double)enters);
	else
		result_metric_none(result, "ops_per_enter", "no operation was submitted");
	result_detail(result, "device", describe_device(w, p));
	if (p->stages)
		report_stages(p, result);
}

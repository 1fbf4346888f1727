// SPDX-License-Identifier: MIT
/*
 * The measured half of the port. submit only prepares: its entries go to the kernel with the next
 * submit, or with the wait of reap, so that every batch is one io_uring_enter and the last one is
 * none of its own. Completions that are there already are taken without a call, unless something
 * must be submitted. The ring holds the lane's depth, so neither queue can overflow.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "targets/block/block_port_impl.h"

/* By a worker from the start: one that finds no free tag is tried again by a worker, and Linux 6.12
 * (io_uring_cmd_issue_blocking) then reads an entry that by now may be another operation's. */
static void prep_discard(struct io_uring_sqe *sqe, int fd, const struct op *op)
{
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, (const void *)(uintptr_t)op->addr, 0, 0);
	sqe->cmd_op = BLOCK_URING_CMD_DISCARD_NR;
	sqe->addr3 = op->len;
	sqe->flags |= IOSQE_ASYNC;
}

static void prep(const struct block_port_lane *l, struct io_uring_sqe *sqe, const struct op *op)
{
	switch ((enum block_kind)op->kind) {
	case BLOCK_READ:
		if (l->fixed_buffers)
			io_uring_prep_read_fixed(sqe, l->file, op->data, op->len, op->addr,
						 op->slot);
		else
			io_uring_prep_read(sqe, l->file, op->data, op->len, op->addr);
		break;
	case BLOCK_WRITE:
		if (l->fixed_buffers)
			io_uring_prep_write_fixed(sqe, l->file, op->data, op->len, op->addr,
						  op->slot);
		else
			io_uring_prep_write(sqe, l->file, op->data, op->len, op->addr);
		break;
	case BLOCK_FLUSH:
		io_uring_prep_fsync(sqe, l->file, 0);
		break;
	case BLOCK_DISCARD:
		prep_discard(sqe, l->file, op);
		break;
	case BLOCK_WRITE_ZEROES:
		/* Of the modes, the one that never falls back to writing pages of zeroes. */
		io_uring_prep_fallocate(sqe, l->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					(off_t)op->addr, op->len);
		break;
	case BLOCK_KINDS:
		__builtin_unreachable();
	}
	sqe->flags |= (uint8_t)l->sqe_flags;
	sqe->user_data = (uintptr_t)op;
}

/* The kernel took `r` entries, or did not. */
static int entered(struct lane *lane, struct block_port_lane *l, int r)
{
	if (r < 0)
		return err_sys(&lane->err, r, "io_uring_enter");
	if ((unsigned)r != l->pending)
		return err_set(&lane->err, -EPROTO, "io_uring took %d of %u operations", r,
			       l->pending);
	l->pending = 0;
	return 0;
}

static int flush_pending(struct lane *lane, struct block_port_lane *l)
{
	int r;

	do
		r = io_uring_submit(&l->ring);
	while (r == -EINTR);
	l->enters++;
	return entered(lane, l, r);
}

int block_port_submit(struct lane *lane, struct op **ops, unsigned n)
{
	struct block_port_lane *l = lane->target;
	int r = l->pending ? flush_pending(lane, l) : 0;

	if (r < 0)
		return r;
	for (unsigned i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&l->ring);

		if (!sqe)
			return err_set(&lane->err, -EPROTO, "the submission queue is full");
		prep(l, sqe, ops[i]);
	}
	l->pending = n;
	l->ops += n;
	return (int)n;
}

/* Submits what is pending and waits for `min` completions, in one call. */
static int submit_and_wait(struct lane *lane, struct block_port_lane *l, unsigned min)
{
	int r;

	do
		r = min ? io_uring_submit_and_wait(&l->ring, min)
			: io_uring_submit_and_get_events(&l->ring);
	while (r == -EINTR);
	l->enters++;
	return entered(lane, l, r);
}

static int wait_until_time(struct lane *lane, struct block_port_lane *l, unsigned min,
			   uint64_t timeout_ns)
{
	struct __kernel_timespec ts = {.tv_sec = (long long)(timeout_ns / NSEC_PER_SEC),
				       .tv_nsec = (long long)(timeout_ns % NSEC_PER_SEC)};
	struct io_uring_cqe *cqe;
	int r = l->pending ? flush_pending(lane, l) : 0;

	if (r < 0)
		return r;
	do
		r = io_uring_wait_cqes(&l->ring, &cqe, min, &ts, NULL);
	while (r == -EINTR);
	l->enters++;
	return r && r != -ETIME ? err_sys(&lane->err, r, "io_uring_enter") : 0;
}

/* IOPOLL knows no time-out, and needs none: what is in flight comes back by itself. */
static int advance(struct lane *lane, struct block_port_lane *l, unsigned min, uint64_t timeout_ns)
{
	if (!timeout_ns)
		min = 0;
	if (!min || timeout_ns == REAP_FOREVER || l->poll)
		return submit_and_wait(lane, l, min);
	return wait_until_time(lane, l, min, timeout_ns);
}

static bool stage_is_inside(const struct op *op, const struct block_stage *s, uint64_t now)
{
	return op->submitted_ns <= s->arrived_ns && s->arrived_ns <= s->started_ns &&
	       s->started_ns <= s->ended_ns && s->ended_ns <= s->committed_ns &&
	       s->committed_ns <= now;
}

/* Those that are reaped in the window by the clock, as the histogram that they split has them: a
 * mark would come late where the thread that makes it waits for a CPU. */
static void join(const struct lane *lane, struct block_joined *j, struct op *const *done,
		 unsigned n)
{
	const struct block_world *w = lane->run->world;
	uint64_t now = nsec_now();

	if (now < lane->begin_ns || now >= lane->end_ns)
		return;
	for (unsigned i = 0; i < n; i++) {
		const struct op *op = done[i];
		struct block_stage s;

		if (op->kind > BLOCK_WRITE)
			continue;
		if (!block_stages_get(w->port->stages, op->addr, &s) ||
		    !stage_is_inside(op, &s, now)) {
			j->missed++;
			continue;
		}
		j->joined++;
		hist_record(&j->stage[STAGE_SUBMIT], s.arrived_ns - op->submitted_ns);
		hist_record(&j->stage[STAGE_WAIT], s.started_ns - s.arrived_ns);
		hist_record(&j->stage[STAGE_HANDLE], s.ended_ns - s.started_ns);
		hist_record(&j->stage[STAGE_COMMIT], s.committed_ns - s.ended_ns);
		hist_record(&j->stage[STAGE_COMPLETE], now - s.committed_ns);
	}
}

static unsigned take(struct block_port_lane *l, struct op **done, unsigned max)
{
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	io_uring_for_each_cqe (&l->ring, head, cqe) {
		if (n == max)
			break;
		done[n] = (struct op *)(uintptr_t)cqe->user_data;
		done[n++]->result = cqe->res;
	}
	io_uring_cq_advance(&l->ring, n);
	return n;
}

int block_port_reap(struct lane *lane, struct op **done, unsigned min, unsigned max,
		    uint64_t timeout_ns)
{
	struct block_port_lane *l = lane->target;
	unsigned n;

	/* With min 0 somebody asks, and deferred completions are made only then. */
	if (l->pending || !min || io_uring_cq_ready(&l->ring) < min) {
		int r = advance(lane, l, min, timeout_ns);

		if (r < 0)
			return r;
	}
	n = take(l, done, max);
	if (l->joined)
		join(lane, l->joined, done, n);
	return (int)n;
}

static int register_buffers(struct lane *lane, struct block_port_lane *l)
{
	struct iovec *iov = calloc(lane->depth, sizeof(*iov));
	int r;

	if (!iov)
		return err_sys(&lane->err, -ENOMEM, "lane %u", lane->index);
	for (unsigned i = 0; i < lane->depth; i++)
		iov[i] = (struct iovec){lane->ops[i].data, lane->ops[i].cap};
	r = io_uring_register_buffers(&l->ring, iov, lane->depth);
	free(iov);
	return r < 0 ? err_sys(&lane->err, r,
			       "registering %u buffers of %u bytes (knob "
			       "`fixed_buffers`)",
			       lane->depth, lane->ops[0].cap)
		     : 0;
}

static int register_file(struct lane *lane, struct block_port_lane *l)
{
	int r = io_uring_register_files(&l->ring, &l->fd, 1);

	l->file = 0;
	l->sqe_flags = IOSQE_FIXED_FILE;
	return r < 0 ? err_sys(&lane->err, r, "registering the device (knob `fixed_files`)") : 0;
}

/* The very device that the target set up, and nothing that took its name. */
static int open_device(struct lane *lane, struct block_port_lane *l)
{
	const struct block_world *w = lane->run->world;
	int flags = block_world_writes(w) ? O_RDWR : O_RDONLY;
	struct stat st;

	l->fd = open(w->path, flags | O_DIRECT | O_CLOEXEC);
	if (l->fd < 0 || fstat(l->fd, &st) < 0)
		return err_sys(&lane->err, -errno, "%s", w->path);
	if (!S_ISBLK(st.st_mode) || st.st_rdev != w->device)
		return err_set(&lane->err, -ENODEV, "%s is no longer the device that it was",
			       w->path);
	return 0;
}

static int open_ring(struct lane *lane, struct block_port_lane *l,
		     const struct block_port_config *c)
{
	unsigned flags = (c->poll ? IORING_SETUP_IOPOLL : 0) |
			 (c->defer_taskrun ? IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN
					   : IORING_SETUP_COOP_TASKRUN);
	int r = io_uring_queue_init(lane->depth, &l->ring, flags);

	if (r < 0)
		return err_sys(&lane->err, r, "io_uring_setup with %u entries", lane->depth);
	l->open = true;
	/* Saves the look-up of the descriptor in every call; 1 when it was done (Linux 5.18). */
	r = io_uring_register_ring_fd(&l->ring);
	if (r < 0)
		return err_sys(&lane->err, r, "registering the ring");
	l->file = l->fd;
	r = c->fixed_files ? register_file(lane, l) : 0;
	if (r == 0 && c->fixed_buffers)
		r = register_buffers(lane, l);
	return r;
}

int block_port_lane_open(struct lane *lane)
{
	const struct block_world *w = lane->run->world;
	struct block_port_lane *l = &w->port->lane[lane->index];
	int r;

	lane->target = l;
	l->fixed_buffers = w->port->config->fixed_buffers;
	l->poll = w->port->config->poll;
	if (w->port->stages) {
		l->joined = calloc(1, sizeof(*l->joined));
		if (!l->joined)
			return err_sys(&lane->err, -ENOMEM, "lane %u", lane->index);
		for (unsigned i = 0; i < STAGE_COUNT; i++)
			hist_init(&l->joined->stage[i]);
	}
	r = open_device(lane, l);
	return r < 0 ? r : open_ring(lane, l, w->port->config);
}

void block_port_lane_close(struct lane *lane)
{
	struct block_port_lane *l = lane->target;

	if (!l)
		return;
	if (l->open)
		io_uring_queue_exit(&l->ring);
	l->open = false;
	cleanup_close(&l->fd);
	lane->target = NULL;
}

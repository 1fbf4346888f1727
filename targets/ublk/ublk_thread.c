// SPDX-License-Identifier: MIT
/*
 * The measured path of the ublk server: a thread with one ring for all of its queues. Each turn of
 * the loop is one system call, which hands in the commits of the last turn, lets the driver deliver
 * what has gathered (DEFER_TASKRUN: nothing interrupts a handler for that), and waits if there is
 * nothing. What comes is served in order.
 *
 * The driver wants a queue's commands from one and the same thread, so the ring is made by it. The
 * commands fit into plain 64-byte entries. Exact clocks are read only where stages are told, once
 * for each system call and once for each request; otherwise the one that is as old as the last
 * tick says whether this is the window.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "harness/pad.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "targets/ublk/ublk_serve.h"
#include "targets/ublk/ublk_sick.h"

#define RING_ENTRIES_MAX 16384u

/* Makes the system call; waits for a completion if `wait`. */
static int enter(struct ublk_thread *t, bool wait)
{
	int r;

	t->counts[t->measured].enters++;
	do
		r = wait ? io_uring_submit_and_wait(&t->ring, 1) : io_uring_submit(&t->ring);
	while (r == -EINTR);
	return r < 0 ? err_sys(&t->err, r, "io_uring_enter") : 0;
}

/* Hands in what there is, and asks for requests until one comes or the time is up. */
static int spin(struct ublk_thread *t)
{
	uint64_t until = nsec_now() + t->setup->config->spin_ns;
	int r;

	do {
		t->counts[t->measured].enters++;
		r = io_uring_submit_and_get_events(&t->ring);
		if (r < 0 && r != -EINTR)
			return err_sys(&t->err, r, "io_uring_enter");
	} while (!io_uring_cq_ready(&t->ring) && nsec_now() < until);
	return 0;
}

static void tell_commits(struct ublk_thread *t)
{
	uint64_t now;

	if (!t->n_commits)
		return;
	now = nsec_now();
	for (unsigned i = 0; i < t->n_commits; i++) {
		const struct ublk_tag *tag = t->commits[i];
		struct block_stage times = {.arrived_ns = tag->arrived_ns,
					    .started_ns = tag->started_ns,
					    .ended_ns = tag->ended_ns,
					    .committed_ns = now};

		ublk_request_tell(&tag->request, t->setup->stages, times, t->setup->stage_bytes);
	}
	t->n_commits = 0;
}

bool ublk_sqe_room(struct ublk_thread *t, unsigned n)
{
	while (io_uring_sq_space_left(&t->ring) < n && !t->error) {
		tell_commits(t);
		t->error = enter(t, false);
	}
	return !t->error;
}

struct io_uring_sqe *ublk_sqe(struct ublk_thread *t)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&t->ring);

	return sqe || !ublk_sqe_room(t, 1) ? sqe : io_uring_get_sqe(&t->ring);
}

static void command(struct ublk_thread *t, struct ublk_tag *tag, uint32_t op, int32_t result)
{
	const int copy = t->setup->config->copy;
	struct ublksrv_io_cmd cmd = {.q_id = (uint16_t)tag->slice->queue,
				     .tag = tag->tag,
				     .result = result,
				     .addr = copy == UBLK_COPY_KERNEL ? (uintptr_t)tag->buf : 0};
	struct io_uring_sqe *sqe = ublk_sqe(t);

	if (!sqe)
		return;
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->fd = UBLK_FIXED_CHAR;
	sqe->cmd_op = op;
	if (copy == UBLK_COPY_AUTO)
		sqe->addr = ublk_auto_buf_addr(tag->buffer, 0);
	memcpy(sqe->cmd, &cmd, sizeof(cmd));
	ublk_sqe_data(sqe, tag, UBLK_CQE_DRIVER);
}

void ublk_done(struct ublk_thread *t, struct ublk_tag *tag, int32_t result)
{
	struct ublk_queue_counts *c = &tag->slice->counts[t->measured];

	if (__builtin_expect(t->setup->config->fault, 0))
		result = ublk_sick_end(t, tag, result);
	c->ops[tag->request.op]++;
	if (result >= 0)
		c->bytes += (uint32_t)result;
	else
		c->errors++;
	if (t->setup->stages) {
		tag->ended_ns = t->now_ns = nsec_now();
		t->commits[t->n_commits++] = tag;
	}
	command(t, tag, t->commit_op, result);
}

static void serve(struct ublk_thread *t, struct ublk_tag *tag)
{
	int32_t result;

	tag->started_ns = t->now_ns;
	result = tag->legal ? t->backend->serve(t, tag) : -EOPNOTSUPP;
	if (result != UBLK_PENDING)
		ublk_done(t, tag, result);
}

static void take_request(struct ublk_thread *t, struct ublk_tag *tag, uint64_t arrived_ns)
{
	tag->legal = ublk_request_read(&tag->request, tag->desc, t->setup->config->bytes);
	tag->arrived_ns = arrived_ns;
	if (__builtin_expect(t->setup->config->fault, 0) && ublk_sick_begin(t, tag))
		return;
	serve(t, tag);
}

/* The driver ends a tag (the device stops, or it refused the command). */
static void end_tag(struct ublk_thread *t, const struct ublk_tag *tag, int res)
{
	t->live--;
	if (res == UBLK_IO_RES_ABORT || t->error)
		return;
	t->error = err_sys(&t->err, res, "queue %u, tag %u: the driver refused the command",
			   tag->slice->queue, tag->tag);
}

static void on_cqe(struct ublk_thread *t, const struct io_uring_cqe *cqe, uint64_t arrived_ns)
{
	uint64_t data = cqe->user_data;
	struct ublk_tag *tag = (struct ublk_tag *)(uintptr_t)(data & ~UBLK_CQE_MASK);
	int32_t result;

	switch ((enum ublk_cqe)(data & UBLK_CQE_MASK)) {
	case UBLK_CQE_DRIVER:
		if (cqe->res == UBLK_IO_RES_OK)
			take_request(t, tag, arrived_ns);
		else
			end_tag(t, tag, cqe->res);
		break;
	case UBLK_CQE_DELAY:
		serve(t, tag);
		break;
	case UBLK_CQE_BACKEND:
	case UBLK_CQE_BUFFER:
		result = t->backend->completed(t, tag, cqe->res);
		if (result != UBLK_PENDING)
			ublk_done(t, tag, result);
		break;
	}
}

static void drain(struct ublk_thread *t)
{
	uint64_t arrived_ns = t->setup->stages ? nsec_now() : nsec_coarse();
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	t->measured = block_window_has(t->setup->window, arrived_ns);
	t->now_ns = arrived_ns;
	io_uring_for_each_cqe (&t->ring, head, cqe) {
		on_cqe(t, cqe, arrived_ns);
		n++;
	}
	io_uring_cq_advance(&t->ring, n);
}

static int pin(struct ublk_thread *t)
{
	const int affinity = t->setup->config->affinity;
	cpu_set_t may, one;
	int n, cpu = -1;

	if (affinity == UBLK_AFFINITY_NONE)
		return 0;
	if (sched_getaffinity(0, sizeof(may), &may))
		return err_sys(&t->err, -errno, "sched_getaffinity");
	n = affinity == UBLK_AFFINITY_ONE ? 0 : (int)t->index % CPU_COUNT(&may);
	do
		while (!CPU_ISSET(++cpu, &may))
			;
	while (n--);
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return err_sys(&t->err, -errno, "sched_setaffinity to CPU %d", cpu);
	return 0;
}

static int make_ring(struct ublk_thread *t)
{
	const int copy = t->setup->config->copy;
	bool fixed_buffers = copy == UBLK_COPY_ZERO || copy == UBLK_COPY_AUTO;
	/* Zero copy takes three entries for a request, and every tag may need them at once. */
	unsigned entries = t->n_tags * (copy == UBLK_COPY_ZERO ? 4 : 1);
	struct io_uring_params p = {.flags = IORING_SETUP_SINGLE_ISSUER |
					     IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CLAMP |
					     IORING_SETUP_CQSIZE,
				    .cq_entries = 2 * entries};
	int files[UBLK_FIXED_FILES] = {ublk_server_char_fd(t->server), t->setup->file_fd};
	int r = io_uring_queue_init_params(min_of(entries, RING_ENTRIES_MAX), &t->ring, &p);

	if (r)
		return err_sys(&t->err, r, "io_uring_setup with %u entries", entries);
	t->ring_made = true;
	r = io_uring_register_files(&t->ring, files, UBLK_FIXED_FILES);
	if (r)
		return err_sys(&t->err, r, "registering files");
	if (fixed_buffers)
		r = io_uring_register_buffers_sparse(&t->ring, t->n_tags);
	if (r)
		return err_sys(&t->err, r, "registering a table of %u buffers", t->n_tags);
	r = io_uring_register_ring_fd(&t->ring);
	return r < 0 ? err_sys(&t->err, r, "registering the ring") : 0;
}

static int fetch_all(struct ublk_thread *t, uint32_t fetch_op)
{
	for (unsigned i = 0; i < t->n_tags && !t->error; i++)
		command(t, &t->tags[i], fetch_op, -1);
	t->live = t->n_tags;
	return t->error ? t->error : enter(t, false);
}

/* A command that the driver refuses has ended by the time that the system call returns. */
static int begin(struct ublk_thread *t)
{
	bool ioctl = t->setup->encoding == UBLK_ENCODING_IOCTL;
	int r = pin(t);

	t->commit_op =
		ioctl ? UBLK_IO_U(UBLK_IO_COMMIT_AND_FETCH_REQ) : UBLK_IO_COMMIT_AND_FETCH_REQ;
	if (!r)
		r = make_ring(t);
	if (!r)
		r = fetch_all(t, ioctl ? UBLK_IO_U(UBLK_IO_FETCH_REQ) : UBLK_IO_FETCH_REQ);
	if (!r) {
		drain(t);
		r = t->error;
	}
	return r;
}

void *ublk_thread_main(void *thread)
{
	struct ublk_thread *t = thread;

	t->error = begin(t);
	if (t->error)
		ublk_server_failed(t->server, t->error, &t->err);
	ublk_server_ready(t->server);
	while (!t->error && t->live) {
		tell_commits(t);
		if (t->setup->config->spin_ns)
			t->error = spin(t);
		if (!t->error && !io_uring_cq_ready(&t->ring))
			t->error = enter(t, true);
		if (!t->error)
			drain(t);
	}
	if (t->ring_made)
		io_uring_queue_exit(&t->ring);
	if (t->error)
		ublk_server_failed(t->server, t->error, &t->err);
	ublk_server_ended(t->server);
	return NULL;
}

// SPDX-License-Identifier: MIT
/*
 * One group at a time on one ring. A short write breaks the chain (the kernel cancels what is
 * linked behind it), so when all completions are in, whatever is left is submitted again: the rest
 * of the extents, and the fdatasync unless it has been done.
 *
 * io_uring_enter may take fewer entries than it was offered, and ends the chain where it stops: the
 * rest is a chain of its own, whose fdatasync may overtake writes of the first. Such a flush counts
 * for nothing: another one follows when all writes are done.
 */
#include "targets/wal/wal_ring.h"

#include <errno.h>
#include <sched.h>

#include "harness/target.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"

enum { LOG_FILE, FLUSHED_FILE }; /* registered */

#define RING_FLAGS (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

int wal_ring_supported(struct err *err)
{
	struct io_uring uring;
	int r = io_uring_queue_init(2, &uring, RING_FLAGS);

	if (r == 0)
		io_uring_queue_exit(&uring);
	if (r == -EINVAL)
		return err_set(err, -EOPNOTSUPP,
			       "this kernel's io_uring has no SINGLE_ISSUER and DEFER_TASKRUN "
			       "(Linux 6.1)");
	return r < 0 ? err_sys(err, -EOPNOTSUPP, "io_uring_setup (%d)", r) : 0;
}

int wal_ring_init(struct wal_ring *r, const struct wal_log *log, unsigned max_records,
		  const struct wal_steps *steps, struct err *err)
{
	int ret, fds[] = {[LOG_FILE] = log->fd, [FLUSHED_FILE] = log->flush_fd};

	*r = (struct wal_ring){.steps = *steps};
	ret = wal_group_init(&r->group, max_records);
	if (ret < 0)
		return err_sys(err, ret, "%s", log->label);
	ret = io_uring_queue_init(r->group.max_extents + 1, &r->uring,
				  RING_FLAGS | IORING_SETUP_R_DISABLED);
	if (ret < 0)
		return err_sys(err, ret, "%s: io_uring_setup", log->label);
	r->open = true;
	ret = io_uring_register_files(&r->uring, fds, array_size(fds));
	return ret < 0 ? err_sys(err, ret, "%s: registering the files", log->label) : 0;
}

void wal_ring_exit(struct wal_ring *r)
{
	if (r->open)
		io_uring_queue_exit(&r->uring);
	r->open = false;
	wal_group_free(&r->group);
}

int wal_ring_enable(struct wal_ring *r)
{
	/* liburing 2.3 declares io_uring_enable_rings() but does not export it. */
	return io_uring_register((unsigned)r->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

static void prep_write(struct wal_ring *r, struct wal_extent *e)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);

	io_uring_prep_writev2(sqe, LOG_FILE, e->iov, e->n_iov, e->offset, r->steps.write_flags);
	sqe->flags = IOSQE_FIXED_FILE | (r->steps.flush_after ? IOSQE_IO_LINK : 0);
	io_uring_sqe_set_data(sqe, e);
	r->outstanding++;
}

static void prep_flush(struct wal_ring *r)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);

	io_uring_prep_fsync(sqe, FLUSHED_FILE, IORING_FSYNC_DATASYNC);
	sqe->flags = IOSQE_FIXED_FILE | (r->steps.flush_before ? IOSQE_IO_LINK : 0);
	io_uring_sqe_set_data(sqe, NULL);
	r->outstanding++;
}

/* Submits what is left of the group. The queue has room for all of it. */
static void push(struct wal_ring *r)
{
	unsigned submitted = 0;

	r->split = false;
	if (r->steps.flush_before && !r->flushed)
		prep_flush(r);
	for (unsigned i = 0; i < r->group.n_extents; i++)
		if (r->group.extents[i].bytes)
			prep_write(r, &r->group.extents[i]);
	if (r->steps.flush_after && !r->flushed)
		prep_flush(r);
	while (submitted < r->outstanding) {
		int n = io_uring_submit(&r->uring);

		if (n < 0 && n != -EINTR && n != -EAGAIN) {
			r->stuck = true;
			r->error = n;
			r->outstanding = submitted;
			return;
		}
		submitted += n < 0 ? 0 : (unsigned)n;
		r->split |= submitted && submitted < r->outstanding;
	}
}

void wal_ring_start(struct wal_ring *r)
{
	r->error = r->stuck ? -EIO : 0;
	r->flushed = false;
	if (!r->stuck)
		push(r);
}

/* -ECANCELED follows a short or failed write, -EINTR and -EAGAIN ask for another try. */
static bool is_retried(int res)
{
	return res == -ECANCELED || res == -EINTR || res == -EAGAIN;
}

static void complete(struct wal_ring *r, const struct io_uring_cqe *cqe)
{
	struct wal_extent *e = io_uring_cqe_get_data(cqe);

	r->outstanding--;
	if (cqe->res < 0 && !is_retried(cqe->res))
		r->error = cqe->res;
	else if (e && cqe->res == 0)
		r->error = -EIO;
	else if (e && cqe->res > 0)
		wal_extent_advance(e, (uint64_t)cqe->res);
	else if (!e && cqe->res == 0)
		r->flushed = !r->split;
}

static bool is_durable(const struct wal_ring *r)
{
	for (unsigned i = 0; i < r->group.n_extents; i++)
		if (r->group.extents[i].bytes)
			return false;
	return r->flushed || !(r->steps.flush_before || r->steps.flush_after);
}

static void drain(struct wal_ring *r)
{
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	io_uring_for_each_cqe (&r->uring, head, cqe) {
		complete(r, cqe);
		n++;
	}
	io_uring_cq_advance(&r->uring, n);
}

/* Takes in what has completed; submits the rest if that was not all. True when the group is done.
 */
static bool settle(struct wal_ring *r)
{
	drain(r);
	if (r->outstanding)
		return false;
	if (!r->error && !is_durable(r))
		push(r);
	return !r->outstanding;
}

/* 0 when woken, -ETIME at the deadline. */
static int wait_once(struct wal_ring *r, uint64_t deadline_ns)
{
	bool forever = deadline_ns == REAP_FOREVER;
	uint64_t now = forever ? 0 : nsec_now();
	uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
	struct __kernel_timespec ts = {.tv_sec = (long long)(left / NSEC_PER_SEC),
				       .tv_nsec = (long long)(left % NSEC_PER_SEC)};
	struct io_uring_cqe *cqe;

	return io_uring_wait_cqes(&r->uring, &cqe, r->outstanding, forever ? NULL : &ts, NULL);
}

bool wal_ring_poll(struct wal_ring *r, uint64_t deadline_ns)
{
	while (!settle(r)) {
		if (nsec_now() >= deadline_ns)
			return false;
		io_uring_get_events(&r->uring);
		if (!io_uring_cq_ready(&r->uring))
			sched_yield();
	}
	return true;
}

bool wal_ring_wait(struct wal_ring *r, uint64_t deadline_ns)
{
	while (!settle(r)) {
		int ret = wait_once(r, deadline_ns);

		if (ret == -ETIME)
			return settle(r);
		if (ret < 0 && ret != -EINTR) {
			r->stuck = true;
			r->error = ret;
			return true;
		}
	}
	return true;
}

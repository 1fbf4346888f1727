// SPDX-License-Identifier: MIT
/*
 * nop/uring: IORING_OP_NOP on one ring for each lane: the bare cost of io_uring's submission and
 * completion path. The ring holds the lane's depth, so neither queue can overflow.
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

#include "harness/util/nsec.h"
#include "targets/targets.h"

struct uring_config {
	bool defer_taskrun;
};

static const struct param uring_params[] = {
	{.name = "defer_taskrun",
	 .type = PARAM_BOOL,
	 .offset = offsetof(struct uring_config, defer_taskrun),
	 .def = "false",
	 .help = "SINGLE_ISSUER and DEFER_TASKRUN rings (Linux 6.1)"},
	PARAM_END,
};

static unsigned setup_flags(const struct run *run)
{
	const struct uring_config *c = run->target_config;

	return c->defer_taskrun ? IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN : 0;
}

static int uring_supported(struct run *run)
{
	struct io_uring ring;
	int r = io_uring_queue_init(2, &ring, setup_flags(run));

	if (!r) {
		io_uring_queue_exit(&ring);
		return 0;
	}
	if (r == -EINVAL)
		return err_set(&run->err, -EOPNOTSUPP,
			       "this kernel's io_uring has no SINGLE_ISSUER + DEFER_TASKRUN (6.1)");
	if (r == -ENOSYS)
		return err_set(&run->err, -EOPNOTSUPP, "this kernel has no io_uring");
	return err_sys(&run->err, r == -EPERM ? -EPERM : r, "io_uring_setup");
}

static int uring_lane_open(struct lane *lane)
{
	struct io_uring *ring = calloc(1, sizeof(*ring));
	int r;

	if (!ring)
		return err_sys(&lane->err, -ENOMEM, "lane %u", lane->index);
	r = io_uring_queue_init(lane->depth, ring, setup_flags(lane->run));
	if (r) {
		free(ring);
		return err_sys(&lane->err, r, "io_uring_setup with %u entries", lane->depth);
	}
	lane->target = ring;
	return 0;
}

static int uring_submit(struct lane *lane, struct op **ops, unsigned n)
{
	struct io_uring *ring = lane->target;
	int r;

	for (unsigned i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

		if (!sqe)
			return err_set(&lane->err, -EPROTO, "the submission queue is full");
		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data(sqe, ops[i]);
	}
	r = io_uring_submit(ring);
	if (r < 0)
		return err_sys(&lane->err, r, "io_uring_enter");
	if ((unsigned)r != n)
		return err_set(&lane->err, -EPROTO, "io_uring took %d of %u operations", r, n);
	return (int)n;
}

/* Waits for `min` completions or the time-out, whichever is first. */
static int wait_for(struct lane *lane, struct io_uring *ring, unsigned min, uint64_t timeout_ns)
{
	struct __kernel_timespec ts = {.tv_sec = (long long)(timeout_ns / NSEC_PER_SEC),
				       .tv_nsec = (long long)(timeout_ns % NSEC_PER_SEC)};
	struct io_uring_cqe *cqe;
	int r;

	do
		r = io_uring_wait_cqes(ring, &cqe, min, timeout_ns == REAP_FOREVER ? NULL : &ts,
				       NULL);
	while (r == -EINTR);
	return r && r != -ETIME ? err_sys(&lane->err, r, "io_uring_enter") : 0;
}

static int uring_reap(struct lane *lane, struct op **done, unsigned min, unsigned max,
		      uint64_t timeout_ns)
{
	struct io_uring *ring = lane->target;
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	if (min && io_uring_cq_ready(ring) < min) {
		int r = wait_for(lane, ring, min, timeout_ns);

		if (r)
			return r;
	}
	io_uring_for_each_cqe (ring, head, cqe) {
		if (n == max)
			break;
		done[n] = io_uring_cqe_get_data(cqe);
		done[n++]->result = cqe->res;
	}
	io_uring_cq_advance(ring, n);
	return (int)n;
}

static void uring_lane_close(struct lane *lane)
{
	if (!lane->target)
		return;
	io_uring_queue_exit(lane->target);
	free(lane->target);
	lane->target = NULL;
}

const struct target_ops target_nop_uring = {
	.workload = "nop",
	.name = "uring",
	.help = "IORING_OP_NOP, one ring for each lane",
	.params = uring_params,
	.config_size = sizeof(struct uring_config),
	.supported = uring_supported,
	.lane_open = uring_lane_open,
	.submit = uring_submit,
	.reap = uring_reap,
	.lane_close = uring_lane_close,
};

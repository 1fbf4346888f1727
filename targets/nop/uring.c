// SPDX-License-Identifier: MIT
/*
 * nop/uring: IORING_OP_NOP on one ring for each lane: the bare cost of io_uring's submission and
 * completion path. The ring holds the lane's depth, so neither queue can overflow.
 */
#include <errno.h>
#include <stdlib.h>

#include "targets/targets.h"
#include "targets/uring_port.h"

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

static int uring_supported(struct run *run)
{
	const struct uring_config *c = run->target_config;

	return uring_port_supported(run, c->defer_taskrun, IORING_OP_NOP, "NOP");
}

static int uring_lane_open(struct lane *lane)
{
	const struct uring_config *c = lane->run->target_config;
	struct io_uring *ring = calloc(1, sizeof(*ring));
	int r;

	if (!ring)
		return err_sys(&lane->err, -ENOMEM, "lane %u", lane->index);
	r = uring_port_init(lane, ring, c->defer_taskrun);
	if (r) {
		free(ring);
		return r;
	}
	lane->target = ring;
	return 0;
}

static int uring_submit(struct lane *lane, struct op **ops, unsigned n)
{
	struct io_uring *ring = lane->target;

	for (unsigned i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

		if (!sqe)
			return err_set(&lane->err, -EPROTO, "the submission queue is full");
		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data(sqe, ops[i]);
	}
	return uring_port_submit(lane, ring, n);
}

static int uring_reap(struct lane *lane, struct op **done, unsigned min, unsigned max,
		      uint64_t timeout_ns)
{
	return uring_port_reap(lane, lane->target, done, min, max, timeout_ns);
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

// SPDX-License-Identifier: MIT
/*
 * nop/null: completes everything at once, in order: the floor of the measured loop. `work_ns` makes
 * it a target of a known speed; `fault` makes it sick in the ways that a harness must survive.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/opqueue.h"
#include "harness/pad.h"
#include "targets/targets.h"

enum fault { FAULT_NONE, FAULT_HANG, FAULT_CRASH, FAULT_ERROR, FAULT_LEAK_FD };

static const char *const fault_names[] = {"none", "hang", "crash", "error", "leak-fd", NULL};

struct null_config {
	uint64_t work_ns;
	int fault;
};

static const struct param null_params[] = {
	{.name = "work_ns",
	 .type = PARAM_INT,
	 .offset = offsetof(struct null_config, work_ns),
	 .def = "0",
	 .max = 1000000000,
	 .unit = "ns",
	 .help = "busy work for each operation"},
	{.name = "fault",
	 .type = PARAM_ENUM,
	 .offset = offsetof(struct null_config, fault),
	 .def = "none",
	 .choices = fault_names,
	 .fault = true,
	 .help = "hang: never complete; crash: write to address 0; error: every operation fails with "
		 "EIO; leak-fd: open descriptors until there are none"},
	PARAM_END,
};

struct null_lane {
	uint64_t pad;
	int fault;
	struct opqueue queue;
};

static int null_lane_open(struct lane *lane)
{
	const struct null_config *c = lane->run->target_config;
	struct null_lane *n = calloc(1, sizeof(*n));

	if (!n || opqueue_init(&n->queue, lane->depth)) {
		free(n);
		return err_sys(&lane->err, -ENOMEM, "lane %u", lane->index);
	}
	n->pad = (uint64_t)((double)c->work_ns * lane->run->pad_iters_per_ns);
	n->fault = c->fault;
	lane->target = n;
	return 0;
}

static int null_submit(struct lane *lane, struct op **ops, unsigned n)
{
	struct null_lane *l = lane->target;

	opqueue_push(&l->queue, ops, n);
	return (int)n;
}

static int be_sick(struct lane *lane, const struct null_lane *l)
{
	switch (l->fault) {
	case FAULT_HANG:
		for (;;)
			pause();
	case FAULT_CRASH:
		*(volatile int *)NULL = 0;
		return -EFAULT;
	case FAULT_LEAK_FD:
		while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
			;
		return err_sys(&lane->err, -errno, "opening /dev/null");
	default:
		return 0;
	}
}

static int null_reap(struct lane *lane, struct op **done, unsigned min, unsigned max,
		     uint64_t timeout_ns)
{
	struct null_lane *l = lane->target;
	unsigned n = l->queue.count < max ? l->queue.count : max;
	int result = l->fault == FAULT_ERROR ? -EIO : 0;

	(void)min;
	(void)timeout_ns;
	if (__builtin_expect(l->fault, 0)) {
		int r = be_sick(lane, l);

		if (r)
			return r;
	}
	for (unsigned i = 0; i < n; i++) {
		pad_spin(l->pad);
		done[i] = opqueue_pop(&l->queue);
		done[i]->result = result;
	}
	return (int)n;
}

static void null_lane_close(struct lane *lane)
{
	struct null_lane *l = lane->target;

	if (!l)
		return;
	opqueue_free(&l->queue);
	free(l);
	lane->target = NULL;
}

const struct target_ops target_nop_null = {
	.workload = "nop",
	.name = "null",
	.help = "completes every operation at once, in the lane's own thread",
	.params = null_params,
	.config_size = sizeof(struct null_config),
	.lane_open = null_lane_open,
	.submit = null_submit,
	.reap = null_reap,
	.lane_close = null_lane_close,
};

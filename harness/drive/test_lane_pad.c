// SPDX-License-Identifier: MIT
/*
 * The pad that a lane burns, in front of a target that takes no time: each operation of a batch
 * then takes as long as the pads of the whole batch. The shortest one is looked at, since others
 * can take the CPU away, but can make nothing shorter.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "harness/drive/drive.h"
#include "harness/drive/life.h"
#include "harness/pad.h"
#include "harness/syncport.h"
#include "harness/target.h"
#include "harness/util/nsec.h"

#define PAD_NS	  20000.0
#define WINDOW_NS (200 * NSEC_PER_MSEC)

static int serve(struct lane *lane, struct op *op, void *priv)
{
	(void)lane;
	(void)priv;
	op->result = 0;
	return 0;
}

static int open_lane(struct lane *lane)
{
	return syncport_open(lane, serve, NULL);
}

static const struct workload_ops workload = {.name = "fake"};
static const struct target_ops target = {.workload = "fake",
					 .name = "at once",
					 .lane_open = open_lane,
					 .submit = syncport_submit,
					 .reap = syncport_reap,
					 .lane_close = syncport_close};

/* Of a run with such a pad for each operation; *ret_ops: what came through the window. */
static double shortest_ns(double pad_ns, struct axes axes, uint64_t *ret_ops)
{
	struct cell cell = {.workload = &workload, .target = &target, .axes = axes};
	struct drive_result *res = NULL;
	struct run run = {.cell = &cell,
			  .axes = &cell.axes,
			  .seed = 1,
			  .warmup_ns = 5 * NSEC_PER_MSEC,
			  .duration_ns = WINDOW_NS,
			  .pad_iters_per_op = pad_ns * pad_calibrate()};
	double shortest;

	assert_int_equal(life_make_lanes(&run), 0);
	assert_int_equal(drive_run(&run, &res), 0);
	shortest = (double)res->service.min;
	*ret_ops = res->window.ops;
	drive_result_free(res);
	life_free_lanes(&run);
	return shortest;
}

/* Each try calibrates anew: a CPU that shares its core with a busy neighbour while the one or the
 * other is measured, and only then, is faster or slower by half. A wrong pad is wrong every time.
 */
static void check_pad(struct axes axes)
{
	double expected = PAD_NS * (double)axes.batch, got = 0;
	uint64_t ops = 0;

	for (int tries = 0; tries < 5; tries++) {
		got = shortest_ns(PAD_NS, axes, &ops);
		if (got > 0.8 * expected && got < 1.5 * expected &&
		    (double)ops < (double)WINDOW_NS / (0.8 * PAD_NS))
			return;
	}
	fail_msg("batch %llu, rate %llu: %g ns instead of %g, %llu operations",
		 (unsigned long long)axes.batch, (unsigned long long)axes.rate, got, expected,
		 (unsigned long long)ops);
}

static void takes_its_time(void **state)
{
	static const struct axes rows[] = {
		{.threads = 1, .depth = 1, .batch = 1},
		{.threads = 1, .depth = 4, .batch = 4},
		{.threads = 1, .depth = 1, .batch = 1, .rate = 2000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_pad(rows[i]);
}

static void nothing_by_itself(void **state)
{
	struct axes one = {.threads = 1, .depth = 1, .batch = 1};
	uint64_t ops;

	(void)state;
	assert_true(shortest_ns(0, one, &ops) < PAD_NS / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_its_time),
		cmocka_unit_test(nothing_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

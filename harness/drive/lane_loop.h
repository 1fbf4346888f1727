/* SPDX-License-Identifier: MIT */
/*
 * The measured loop of one lane, and what it counts. Everything a lane writes lies in its own
 * struct lane_loop; the drive reads it after the join.
 *
 * Closed loop: while `batch` slots are free they are filled, stamped and submitted together; then
 * the lane reaps as many as it needs for the next batch. Open loop: what is due is submitted, at
 * most `batch` at a time, and the time until the next start is spent reaping or asleep.
 *
 * The clock is read once for each submitted and each reaped batch. A completion counts when it was
 * reaped inside the window; the histograms of an open loop hold what should have started in it.
 * Equal latencies of neighbours of a kind are recorded together, so that a batch costs one
 * histogram update.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "harness/hist.h"
#include "harness/drive/pace.h"
#include "harness/run.h"

#define SERIES_POINTS 50
#define ERRNO_SLOTS   134 /* 0 .. EHWPOISON (133), asm-generic/errno.h; others share slot 0 */

struct lane_loop {
	struct lane *lane;
	const struct workload_ops *workload;
	const struct target_ops *target;

	/* The window, and what of it has passed. */
	uint64_t start_ns, begin_ns, end_ns, interval_ns;
	uint64_t left_target_ns; /* when the target last gave control back */
	uint64_t area_until_ns;
	double area; /* integral of in_flight over the window, ns */

	struct op **free_slots, **pending, **done; /* [depth] each */
	unsigned n_free, n_pending, in_flight;
	uint64_t next_seq;

	uint64_t ops, errors, errors_sum_ns, errnos[ERRNO_SLOTS];
	uint64_t series_ops[SERIES_POINTS];
	double series_sum_ns[SERIES_POINTS];
	struct hist service, intended, lateness;
	struct hist *by_kind; /* [kinds of the workload], service times; NULL: it has none */

	bool open_loop, may_spin;
	struct pace pace;
	double pad_iters_per_op; /* burnt in front of each submission, for a calibration */
	double pad_owed;	 /* less than one iteration */
	uint64_t backlog;	 /* starts that were due before the end and never made */
};

/* A histogram for each kind of the workload's operations, NULL where it has none. -ENOMEM. */
int kinds_hist(const struct workload_ops *workload, struct hist **ret);

struct lane_loop *lane_loop_new(struct lane *lane, bool may_spin, struct err *err);
void lane_loop_free(struct lane_loop *l);
/* Places the window; before the first operation. */
void lane_loop_window(struct lane_loop *l, uint64_t start_ns, uint64_t begin_ns, uint64_t end_ns);
/* Runs until the end of the window or run->stop, then reaps what is in flight. Returns 0 or -errno
 * with lane->err filled; operations may then still be with the target. */
int lane_loop_run(struct lane_loop *l);

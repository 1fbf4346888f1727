/* SPDX-License-Identifier: MIT */
/*
 * One run, seen from inside its child process: what plugins are given. Life of a run:
 *
 *   target->supported   can this machine do it at all?          (unsupported + reason if not)
 *   workload->setup     files, namespaces, sinks; publishes run->world for the targets
 *   target->setup
 *   per lane, on the lane's own thread:  workload->lane_open, target->lane_open
 *   workload->window    the window's times are known
 *   drive               next -> submit -> reap -> check, until the window is over and all is reaped
 *   workload->mark      WINDOW_BEGIN and WINDOW_END, on the main thread
 *   per lane:           target->lane_close
 *   target->stop        nothing is in flight any more: settle what runs behind
 *   workload->verify    the oracle
 *   target->report, workload->report
 *   per lane:           workload->lane_close, then target->teardown, workload->teardown
 *
 * Teardowns run on every path and accept a half-finished setup. Everything a plugin leaves in
 * `workdir` is removed by the parent; `sessiondir` lives as long as the session.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "harness/cell.h"
#include "harness/op.h"
#include "harness/role.h"
#include "harness/util/err.h"

struct roles;
struct drive_lane;
struct probe_window;

struct lane {
	unsigned index; /* 0 .. threads - 1 */
	unsigned depth, batch;
	struct run *run;
	struct op *ops; /* [depth] */
	void *bufs; /* one mapping: slot i at bufs + i * buf_stride, 4096-aligned; NULL if no buffer
		     */
	size_t buf_stride;	   /* op->cap rounded up to 4096 */
	uint64_t begin_ns, end_ns; /* the measured window; set before the first operation */
	void *workload;		   /* the workload's own, from lane_open */
	void *target;		   /* the target's own, from lane_open */
	struct err err;		   /* filled by whoever ends the lane with an error */
};

struct run {
	const struct cell *cell;
	const struct axes *axes; /* = &cell->axes */
	const void *workload_config, *target_config;
	uint64_t seed; /* of this run: differs from repeat to repeat, same for both sides of a pair
			*/
	uint64_t warmup_ns, duration_ns;
	const char *workdir;	/* absolute, exists, empty */
	const char *sessiondir; /* absolute, exists; shared by the runs of a session, one after
				   another */
	bool serving; /* for programs of others, without a load: what they write is theirs */
	double pad_iters_per_ns; /* busy pad, calibrated once by the parent: see pad.h */

	struct lane *lanes; /* [axes->threads] */
	void *world; /* published by the workload for its targets: harness/world/<workload>.h */
	void *workload, *target; /* private state of each plugin */
	struct roles *roles;
	struct probe_window *window; /* where drive says when the window is; NULL: not probed */
	_Atomic bool stop;	     /* set when the run must end early */
	struct err err;		     /* filled by whoever fails outside a lane */
};

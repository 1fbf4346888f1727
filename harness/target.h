/* SPDX-License-Identifier: MIT */
/*
 * A target is a system under test: it takes operations and completes them.
 *
 * The port (lane_open, submit, reap, lane_close) runs on the lane's own thread; no two threads ever
 * use the same lane. An operation is the target's from submit until reap hands it back, exactly
 * once, with `result` set. Operations may complete in any order unless the workload's world header
 * asks for more.
 *
 * A target that works one operation at a time inside a system call uses harness/syncport.h and
 * writes a single function.
 */
#pragma once

#include "harness/metric.h"
#include "harness/offer.h"
#include "harness/param.h"
#include "harness/run.h"

struct result;

#define REAP_FOREVER UINT64_MAX

struct target_ops {
	const char *workload; /* which workload's operations it understands */
	const char *name;
	const char *help;
	const struct param *params;
	size_t config_size;
	const struct metric *metrics; /* ended by METRIC_END */

	/* Refuses a cell that makes no sense for this target (matrix time, no system calls). */
	int (*check_cell)(const struct cell *cell, struct err *err);
	/* 0, or -EOPNOTSUPP with run->err saying what this machine or privilege lacks. */
	int (*supported)(struct run *run);
	/* As workload_ops.extra_ns: what set-up may honestly take. NULL: none worth counting. */
	uint64_t (*extra_ns)(const struct cell *cell);
	int (*setup)(struct run *run);

	int (*lane_open)(struct lane *lane);
	/* Takes n <= batch operations. Returns how many were taken (the first ones; fewer than n
	 * only when the target is full: the rest is offered again later), or -errno: the run fails.
	 */
	int (*submit)(struct lane *lane, struct op **ops, unsigned n);
	/* Hands back up to `max` completed operations, waiting until at least `min` are there or
	 * timeout_ns (relative; 0 = do not wait, REAP_FOREVER) has passed. Returns the number or
	 * -errno: the run fails. -EINTR is retried inside. Fewer than `min` may come back at any
	 * time: the lane asks again. */
	int (*reap)(struct lane *lane, struct op **done, unsigned min, unsigned max,
		    uint64_t timeout_ns);
	void (*lane_close)(struct lane *lane);

	/* A target that makes its own load (a whole program) has this: the drive then gives it one
	 * lane with one operation, which it hands back when the window is over and which is in no
	 * figure; the cell's axes are the program's to heed. Returns how many operations the window
	 * had, and sets `series`: the same for each of `points` equal parts of it. Called after
	 * `stop`. NULL for all others. */
	uint64_t (*own_ops)(struct run *run, uint64_t *series, unsigned points);

	/* Names what killed runs of this target left on the machine and what is ours for sure (it
	 * carries our mark, and its owner is dead), and removes it if `fix`. found may be NULL; it
	 * gets one line of text for each (with `fix`: for each that is gone now). Called outside
	 * runs: at the start of a session, after each run, by `uhbench doctor`.
	 * Returns how many there were (0 where this machine cannot have any), or -errno with err
	 * naming what could not be removed. It has a deadline of its own (a driver may be slow to
	 * let go, but seconds are enough). */
	int (*leftovers)(bool fix, void (*found)(void *arg, const char *what), void *arg,
			 struct err *err);
	/* Says what this machine offers to this target, for `uhbench doctor`. */
	void (*offers)(offer_fn say, void *arg);

	int (*stop)(struct run *run);
	void (*report)(struct run *run, struct result *result);
	void (*teardown)(struct run *run);
};

/* SPDX-License-Identifier: MIT */
/*
 * A workload says what is asked for and what the right answer is. It makes the bytes before they
 * are submitted and checks them itself: it never asks the target what happened.
 *
 * Callbacks return 0 or -errno with run->err (or lane->err on a lane's thread) filled; NULL means
 * "not needed". next and check are called for whole batches, from the measured loop: they must not
 * allocate, log, lock or make system calls.
 */
#pragma once

#include "harness/metric.h"
#include "harness/param.h"
#include "harness/run.h"
#include "harness/util/acks.h"

struct result;

#define KINDS_MAX 8

enum mark { WINDOW_BEGIN, WINDOW_END };

struct window {
	uint64_t begin_ns, end_ns;
	uint64_t ops;	 /* operations completed without error inside the window */
	uint64_t errors; /* operations completed with an error inside the window */
};

struct workload_ops {
	const char *name;
	const char *help;
	const char *op_name; /* what one operation is: "commit", "dump", "datagram" */
	/* Kinds of operations whose latencies are told apart, ended by NULL, at most KINDS_MAX:
	 * each has a histogram service_<kind> and the metrics <kind>_p50 and <kind>_p99, which the
	 * workload declares. op->kind is an index. NULL: all are alike. */
	const char *const *kinds;
	const struct param *params;
	/* The loop of harness/host/yardstick.h that the machine's speed of the day is taken from,
	 * when sessions are compared. NULL: "spin". */
	const char *yardstick;
	size_t config_size;
	const struct metric *metrics; /* beside the common ones; ended by METRIC_END */
	bool runs_programs; /* that tell metrics of their own: a matrix may declare and gate them */
	uint64_t payload_default, payload_min, payload_max; /* all 0: operations carry no payload */
	bool payload_told; /* a word to the target: operations have no buffers of that size */

	/* Does the cell run a program that a gate is to give it (run->bin)? Then that is what
	 * differs between base and head, and the uhbench that runs the cell is this one. NULL:
	 * never. */
	bool (*takes_program)(const struct cell *cell);

	/* Refuses combinations that no single row can (payload against direct, ...): called when
	 * the matrix is read and again in the child. `target_config` belongs to cell->target. */
	int (*check_cell)(const struct cell *cell, struct err *err);

	/* Time that set-up and verification may honestly take beyond warm-up and window: added to
	 * the deadline that a matrix does not state. NULL: none worth counting. */
	uint64_t (*extra_ns)(const struct cell *cell);

	int (*setup)(struct run *run);
	int (*lane_open)(struct lane *lane);
	void (*next)(struct lane *lane, struct op **ops, unsigned n);
	/* Called with completed operations, good and failed. An error returned here ends the run as
	 * `failed` with lane->err as the reason; returning 0 for an operation with result < 0 means
	 * that the failure is counted and legal. NULL: an operation that fails ends the run. */
	int (*check)(struct lane *lane, struct op **ops, unsigned n);
	/* Before the first operation: when the window will be. For those who count by the clock: a
	 * mark comes late where the main thread waits for a CPU. */
	void (*window)(struct run *run, uint64_t begin_ns, uint64_t end_ns);
	void (*mark)(struct run *run, enum mark mark);
	/* The oracle, after everything is reaped. -EBADMSG and run->err when the answer is wrong.
	 */
	int (*verify)(struct run *run, struct result *result);
	void (*report)(struct run *run, const struct window *window, struct result *result);
	/* The oracle of a run that died, killed or with its machine: judges what it left by the
	 * acknowledgements that it had sent out, and adds its counts to `verdict`. 0: all of them
	 * were kept. -EBADMSG: err tells which was not. -ENODATA: there were none. Another -errno:
	 * it cannot be told, err says why. NULL: this workload's runs leave nothing. */
	int (*replay)(const struct acks *acks, cJSON *verdict, struct err *err);
	void (*lane_close)(struct lane *lane);
	void (*teardown)(struct run *run);
};

/* How many kinds of operations a workload has. */
static inline unsigned kinds_count(const struct workload_ops *workload)
{
	unsigned n = 0;

	while (workload->kinds && workload->kinds[n])
		n++;
	return n;
}

/* SPDX-License-Identifier: MIT */
/*
 * What a ublk server counts, in memory that it shares with the run. Each block of counters has one
 * writer, a thread of the server; there are two of each, for what was inside the window and what
 * was not, so that the measured path needs no branch.
 */
#pragma once

#include <stdint.h>

#include "targets/ublk/ublk_io_abi.h"

#define UBLK_OPS (UBLK_IO_OP_WRITE_ZEROES + 1)

struct ublk_lock_counts {
	uint64_t taken;
	uint64_t contended; /* taken by another: the first try failed */
	uint64_t wait_ns;   /* from the failed try until it was ours */
};

/* A thread of the server. */
struct ublk_thread_counts {
	_Alignas(64) uint64_t enters; /* io_uring_enter(2) */
	struct ublk_lock_counts lock;
	uint64_t faults; /* requests that a fault has spoilt */
};

/* The part of a queue that one thread serves. */
struct ublk_queue_counts {
	_Alignas(64) uint64_t ops[UBLK_OPS]; /* completed, by UBLK_IO_OP_* */
	uint64_t bytes;			     /* read and written */
	uint64_t errors;
};

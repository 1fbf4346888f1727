/* SPDX-License-Identifier: MIT */
/*
 * The knobs of the wal targets and the checks that go with them.
 *
 * The fault is a cheat that the replay of a living run cannot see, since the kernel's caches answer
 * it: a power cut shows it (`uhbench vm --power-cut`).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "harness/cell.h"
#include "harness/util/err.h"

enum wal_fault {
	WAL_FAULT_NONE,
	WAL_FAULT_ACK_EARLY,  /* flushes before it writes: a record is durable by the next flush */
	WAL_FAULT_NO_FLUSH,   /* O_DIRECT alone: the record lies in the disk's cache */
	WAL_FAULT_WRONG_FILE, /* flushes another file: the record lies in the page cache */
};

/* What makes a write durable, or is to look as if. */
struct wal_steps {
	int write_flags; /* RWF_DSYNC or 0 */
	bool flush_before, flush_after;
	bool other_file; /* that is flushed */
};

struct wal_steps wal_steps(bool dsync, enum wal_fault fault);
/* How many flushes a group that is written in so many extents takes. */
static inline unsigned wal_steps_flushes(const struct wal_steps *s, unsigned n_extents)
{
	return s->write_flags ? n_extents : s->flush_before || s->flush_after;
}

/* sync, dsync */
struct wal_single_config {
	bool direct;
	int fault;
};

extern const struct param wal_single_params[];
int wal_sync_check(const struct cell *cell, struct err *err);
int wal_dsync_check(const struct cell *cell, struct err *err);

enum wal_flush { WAL_FLUSH_FDATASYNC, WAL_FLUSH_DSYNC };

/* group, uring-group */
struct wal_group_config {
	int flush;
	uint64_t window_ns;
	uint64_t batch_limit; /* records; 0 = all that are there */
	bool direct;
	uint64_t spin_ns;
	int fault;
};

struct wal_steps wal_group_steps(const struct wal_group_config *config);

extern const struct param wal_group_params[];
int wal_group_check(const struct cell *cell, struct err *err);

/* SPDX-License-Identifier: MIT */
/*
 * What the wal targets share: an open partition with its append position, and the vectored writes
 * that put a group of records there.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "harness/run.h"
#include "harness/world/wal.h"
#include "targets/wal/wal_knobs.h"

/* Alone on its cache lines: `sync` has all lanes advance the position. */
struct wal_log {
	_Alignas(128) _Atomic uint64_t
		lsn; /* bytes appended or reserved since the start of the run */
	uint64_t ring_bytes;
	int fd;
	int flush_fd; /* what a flush is asked of: fd, unless a fault says otherwise */
	const char *label;
};

/* Opens all partitions of run->world. Buffered, the whole file is read once, direct, it is dropped
 * from the page cache: a run starts in the same state whoever used the file before. */
int wal_logs_open(struct run *run, bool direct, const struct wal_steps *steps,
		  struct wal_log **ret);
void wal_logs_close(struct run *run, struct wal_log *logs); /* NULL is fine */

/* Reserves `bytes` and returns the offset in the file. For a log with one writer at a time; lanes
 * that write by themselves claim their places (wal_claim.h). */
static inline uint64_t wal_log_reserve(struct wal_log *log, uint64_t bytes)
{
	return atomic_fetch_add_explicit(&log->lsn, bytes, memory_order_relaxed) % log->ring_bytes;
}

/* One contiguous piece of the ring and the buffers that go there. */
struct wal_extent {
	uint64_t offset, bytes;
	struct iovec *iov;
	unsigned n_iov;
};

/* A group of records on their way: a new extent begins at the ring's end and every IOV_MAX buffers.
 * Records that are neighbours in memory share a buffer. */
struct wal_group {
	struct iovec *iov;
	struct wal_extent *extents;
	unsigned n_iov, n_extents;
	unsigned max_extents;
};

int wal_group_init(struct wal_group *g, unsigned max_records);
void wal_group_free(struct wal_group *g);
void wal_group_clear(struct wal_group *g);
void wal_group_add(struct wal_group *g, struct wal_log *log, void *data, uint32_t len);
/* Takes `bytes` off the front of an extent: the kernel wrote less than asked. */
void wal_extent_advance(struct wal_extent *e, uint64_t bytes);
/* Writes it all by pwritev2 with these flags; goes on after short writes. 0 or -errno. */
int wal_group_write(struct wal_group *g, const struct wal_log *log, int flags);

/* SPDX-License-Identifier: MIT */
/*
 * What the wal workload publishes for its targets (run->world).
 *
 * Operation: op->addr is the partition, op->data/op->len one finished record of `record_bytes`. It
 * completes, with result = op->len, when the record is durable.
 *
 * Each partition is a ring in a file, as a log over recycled segments is. The target owns the
 * append position: LSNs count bytes from 0 at the start of the run, the record of LSN l lies at
 * offset l % ring_bytes. Records are never split (the ring is a multiple of their size) and lie
 * without a gap. A ring holds at least twice what can be in flight.
 *
 * Asked of every target: the records of one lane reach one partition in the order of submission.
 * They may complete in any order.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct wal_partition {
	const char *path;  /* to open: the file exists; stays valid for the run */
	const char *label; /* for people: where it lies even if the path is of /proc/self/fd */
	uint64_t ring_bytes;
};

struct wal_world {
	uint32_t partitions;
	uint32_t record_bytes;
	const struct wal_partition *partition; /* [partitions] */
	/* Set by a target in setup when it writes by O_DIRECT and RWF_DSYNC, which a disk with FUA
	 * makes durable without a flush. Otherwise the oracle counts the disk's flushes. */
	bool writes_through;
	_Atomic bool measuring; /* true inside the measured window: targets count only then */
};

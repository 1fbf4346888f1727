/* SPDX-License-Identifier: MIT */
/*
 * Reads one partition's log back and compares it with what was acknowledged. Knows nothing of
 * targets or runs: a crash test replays the file of a process that is gone.
 *
 * The rule: of the last lap, that is the newest min(acknowledged, ring) records, each is there
 * once, whole, and each lane's lie in the order of their sequence numbers around the ring, with one
 * wrap point that is the same for all lanes. Records that were issued but never acknowledged may be
 * there, may be missing, and may be torn. (In a full ring such a record overwrites an acknowledged
 * one of the lap before, whose header may outlive its body: that counts as corrupt.)
 *
 * After a crash nobody knows what was issued. Such a log is judged only while its ring is not full,
 * and a damaged record is torn, whatever its header says, since that may be damaged as well: if it
 * had been acknowledged it is told as missing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/util/err.h"

struct wal_replay_lane {
	uint64_t acked;	 /* records 0 .. acked - 1 were acknowledged */
	uint64_t issued; /* records 0 .. issued - 1 may have been written; >= acked */
};

/* An acknowledged record behind one that was not. */
struct wal_replay_extra {
	uint64_t seq;
	uint32_t lane, partition;
};

struct wal_replay {
	const char *path;  /* opened afresh, read past the page cache where the filesystem can */
	const char *label; /* the name that errors use */
	uint64_t nonce;
	uint64_t ring_bytes; /* multiple of record_bytes */
	uint32_t record_bytes;
	uint32_t partition;
	const struct wal_replay_lane *lanes;
	uint32_t n_lanes;
	bool crashed;			       /* lanes[].issued is not known and not looked at */
	const struct wal_replay_extra *extras; /* those of other partitions are passed over */
	size_t n_extras;
};

struct wal_replay_counts {
	uint64_t acknowledged; /* in all */
	uint64_t checked;      /* of these, in the last lap: they had to be there */
	uint64_t replayed;     /* whole records found */
	uint64_t corrupt, missing, duplicate, reordered;
	uint64_t torn; /* damaged, but never acknowledged: tolerated */
};

/* Adds to *counts (also when it finds faults). 0, -EBADMSG with the first fault in err (file,
 * offset, lane, sequence), or another -errno when the log could not be read; -EOVERFLOW: crashed,
 * and the ring is full. */
int wal_replay(const struct wal_replay *log, struct wal_replay_counts *counts, struct err *err);

/* SPDX-License-Identifier: MIT */
/*
 * The wal workload's stream of acknowledgements (harness/util/acks.h), and the judgement of a log
 *by it when its writer is dead. The first line's JSON:
 *
 *	{"cell": label, "nonce": 16 hex digits, "record_bytes", "lanes",
 *	 "logs": [{"path", "ring_bytes"}, ...]}		by partition
 *
 * and then "PARTITION LANE SEQ" for each record, in the order in which its lane was told.
 */
#pragma once

#include "harness/run.h"
#include "harness/util/acks.h"
#include "harness/world/wal.h"

/* Opens the stream at `path` and begins the run there. Returns the descriptor, or -errno with
 * run->err filled. */
int wal_acks_open(struct run *run, const char *path, uint64_t nonce, const struct wal_world *world);
/* Tells the operations of one lane that are durable. 0 or -errno. */
int wal_acks_tell(int fd, unsigned lane, struct op **ops, unsigned n);

/* What workload_ops.replay asks for. */
int wal_acks_replay(const struct acks *acks, cJSON *verdict, struct err *err);

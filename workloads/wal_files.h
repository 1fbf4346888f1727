/* SPDX-License-Identifier: MIT */
/*
 * The log files of one run, one for each partition. Who cleans up: the parent, since they lie in
 * the run's or the session's folder; files in a folder that the user names are unlinked as soon as
 * they are open, so that nothing can be left behind. Files that shall outlive a crash are named
 * after the run and stay: only who replays them knows when they have served.
 */
#pragma once

#include "harness/run.h"
#include "harness/world/wal.h"

enum wal_preallocate { WAL_PREALLOCATE_NONE, WAL_PREALLOCATE_FALLOCATE, WAL_PREALLOCATE_ZERO };

struct wal_files {
	uint32_t n;
	struct wal_partition *partition; /* [n] */
	int *fds;			 /* [n] */
	uint32_t reused;		 /* how many an earlier run of the session had filled */
};

/* Where they lie: the user's folder `dir`, or if that is "" the session's for zero-filled files,
 * else the run's. */
const char *wal_files_dir(const struct run *run, const char *dir, enum wal_preallocate how);
/* `stay`: what names files of `dir` that outlive the run; NULL: none do. 0 or -errno with run->err
 * filled; *ret is then untouched. */
int wal_files_open(struct run *run, const char *dir, enum wal_preallocate how, uint64_t log_bytes,
		   uint32_t n, const char *stay, struct wal_files *ret);
void wal_files_close(struct wal_files *files); /* safe on a zeroed one */

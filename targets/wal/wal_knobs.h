/* SPDX-License-Identifier: MIT */
/* The knobs of the wal targets and the checks that go with them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "harness/cell.h"
#include "harness/util/err.h"

/* sync, dsync */
struct wal_single_config {
	bool direct;
};

extern const struct param wal_single_params[];
int wal_single_check(const struct cell *cell, struct err *err);

enum wal_flush { WAL_FLUSH_FDATASYNC, WAL_FLUSH_DSYNC };

/* group, uring-group */
struct wal_group_config {
	int flush;
	uint64_t window_ns;
	uint64_t batch_limit; /* records; 0 = all that are there */
	bool direct;
	uint64_t spin_ns;
};

extern const struct param wal_group_params[];
int wal_group_check(const struct cell *cell, struct err *err);

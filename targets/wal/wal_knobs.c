// SPDX-License-Identifier: MIT
/* The knobs of the wal targets; see the header. */
#include "targets/wal/wal_knobs.h"

#include <errno.h>

#include "harness/util/nsec.h"

#define SMALLEST_BLOCK 512 /* O_DIRECT moves whole logical blocks; none are smaller */

static const char *const flush_choices[] = {"fdatasync", "dsync", NULL};

const struct param wal_single_params[] = {
	{"direct", PARAM_BOOL, offsetof(struct wal_single_config, direct), "false",
	 .help = "O_DIRECT: past the page cache"},
	PARAM_END,
};

const struct param wal_group_params[] = {
	{"flush", PARAM_ENUM, offsetof(struct wal_group_config, flush), "fdatasync",
	 .choices = flush_choices,
	 .help = "how a group is made durable: fdatasync after the write, or RWF_DSYNC on it"},
	{"window", PARAM_TIME, offsetof(struct wal_group_config, window_ns), "0",
	 .max = 10 * NSEC_PER_SEC,
	 .help = "how long a group waits for more records before it is written"},
	{"batch_limit", PARAM_INT, offsetof(struct wal_group_config, batch_limit), "0",
	 .max = 1 << 20, .unit = "records", .help = "largest group; 0 takes all that are there"},
	{"direct", PARAM_BOOL, offsetof(struct wal_group_config, direct), "false",
	 .help = "O_DIRECT: past the page cache"},
	{"spin", PARAM_TIME, offsetof(struct wal_group_config, spin_ns), "0", .max = NSEC_PER_SEC,
	 .help = "how long a producer that waits yields its CPU to others before it sleeps: faster "
		 "with many producers, and it keeps every CPU busy"},
	PARAM_END,
};

static int check_direct(const struct cell *cell, bool direct, struct err *err)
{
	if (direct && cell->axes.payload % SMALLEST_BLOCK)
		return err_set(
			err, -EINVAL,
			"direct: O_DIRECT writes whole blocks, so the payload must be a multiple of %u (better 4096), not %llu",
			SMALLEST_BLOCK, (unsigned long long)cell->axes.payload);
	return 0;
}

int wal_single_check(const struct cell *cell, struct err *err)
{
	const struct wal_single_config *c = cell->target_config;

	return check_direct(cell, c->direct, err);
}

int wal_group_check(const struct cell *cell, struct err *err)
{
	const struct wal_group_config *c = cell->target_config;

	return check_direct(cell, c->direct, err);
}

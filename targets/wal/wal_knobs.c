// SPDX-License-Identifier: MIT
/* The knobs of the wal targets; see the header. */
#include "targets/wal/wal_knobs.h"

#include <errno.h>
#include <sys/uio.h>

#include "harness/util/nsec.h"

#define SMALLEST_BLOCK 512 /* O_DIRECT moves whole logical blocks; none are smaller */

static const char *const flush_choices[] = {"fdatasync", "dsync", NULL};
static const char *const fault_choices[] = {"none", "ack-early", "no-flush", "wrong-file", NULL};

#define FAULT_HELP                                                                              \
	"lose what was acknowledged when the power fails: ack-early flushes before it writes, " \
	"no-flush relies on O_DIRECT, wrong-file flushes another one"

const struct param wal_single_params[] = {
	{"direct", PARAM_BOOL, offsetof(struct wal_single_config, direct), "false",
	 .help = "O_DIRECT: past the page cache"},
	{"fault", PARAM_ENUM, offsetof(struct wal_single_config, fault), "none",
	 .choices = fault_choices, .help = FAULT_HELP, .fault = true},
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
	{"fault", PARAM_ENUM, offsetof(struct wal_group_config, fault), "none",
	 .choices = fault_choices, .help = FAULT_HELP, .fault = true},
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

/* A fault that changes nothing would be a healthy run under a sick name. */
static int check_fault(enum wal_fault fault, bool dsync, bool direct, struct err *err)
{
	const char *name = fault_choices[fault];

	if (fault == WAL_FAULT_NO_FLUSH && !direct)
		return err_set(err, -EINVAL,
			       "fault: %s is about O_DIRECT, which needs \"direct\": true", name);
	if (fault == WAL_FAULT_WRONG_FILE && direct)
		return err_set(err, -EINVAL,
			       "fault: %s loses nothing with `direct`: flushing any file empties "
			       "the disk's cache",
			       name);
	if (dsync && (fault == WAL_FAULT_ACK_EARLY || fault == WAL_FAULT_WRONG_FILE))
		return err_set(err, -EINVAL,
			       "fault: %s needs a flush of its own, and here the write itself "
			       "flushes (RWF_DSYNC)",
			       name);
	return 0;
}

static int check_single(const struct cell *cell, bool dsync, struct err *err)
{
	const struct wal_single_config *c = cell->target_config;
	int r = check_direct(cell, c->direct, err);

	return r < 0 ? r : check_fault((enum wal_fault)c->fault, dsync, c->direct, err);
}

int wal_sync_check(const struct cell *cell, struct err *err)
{
	return check_single(cell, false, err);
}

int wal_dsync_check(const struct cell *cell, struct err *err)
{
	return check_single(cell, true, err);
}

int wal_group_check(const struct cell *cell, struct err *err)
{
	const struct wal_group_config *c = cell->target_config;
	int r = check_direct(cell, c->direct, err);

	return r < 0 ? r
		     : check_fault((enum wal_fault)c->fault, c->flush == WAL_FLUSH_DSYNC, c->direct,
				   err);
}

struct wal_steps wal_steps(bool dsync, enum wal_fault fault)
{
	struct wal_steps s = {0};

	s.write_flags = dsync && fault != WAL_FAULT_NO_FLUSH ? RWF_DSYNC : 0;
	s.flush_before = fault == WAL_FAULT_ACK_EARLY;
	s.flush_after = !dsync && (fault == WAL_FAULT_NONE || fault == WAL_FAULT_WRONG_FILE);
	s.other_file = fault == WAL_FAULT_WRONG_FILE;
	return s;
}

struct wal_steps wal_group_steps(const struct wal_group_config *config)
{
	return wal_steps(config->flush == WAL_FLUSH_DSYNC, (enum wal_fault)config->fault);
}

/* SPDX-License-Identifier: MIT */
/*
 * The port that every target of the block workload shares: one io_uring for each lane on the
 * device of run->world, O_DIRECT. One io_uring_enter for each batch; that of the last one waits,
 * too, unless the wait has an end (open loop): then it is one more. A target provides the device
 * and hands the lane callbacks below to the harness as they are:
 *
 *   params       BLOCK_PORT_PARAMS(struct my_config, port), in front of its own rows
 *   metrics      BLOCK_PORT_METRICS
 *   check_cell   block_port_check
 *   supported    block_port_supported
 *   setup        world->keeps_data = ...; block_port_attach
 *   lane_open, submit, reap, lane_close      block_port_lane_open, ...
 *   report       block_port_report
 *   teardown     block_port_detach, and only then the device goes away
 */
#pragma once

#include "harness/target.h"
#include "harness/world/block.h"

struct block_stages;

struct block_port_config {
	bool fixed_buffers, fixed_files;
	bool defer_taskrun;
	bool poll;
};

/* clang-format off */
#define BLOCK_PORT_PARAMS(config, member)                                                          \
	{"fixed_buffers", PARAM_BOOL, offsetof(config, member.fixed_buffers), "true",             \
	 .help = "the lanes register their buffers with io_uring"},                               \
	{"fixed_files", PARAM_BOOL, offsetof(config, member.fixed_files), "true",                 \
	 .help = "the lanes register the device with io_uring"},                                  \
	{"defer_taskrun", PARAM_BOOL, offsetof(config, member.defer_taskrun), "true",             \
	 .help = "SINGLE_ISSUER and DEFER_TASKRUN rings (Linux 6.1)"},                            \
	{"poll", PARAM_BOOL, offsetof(config, member.poll), "false",                              \
	 .help = "IOPOLL: the lanes poll the device for completions, without interrupts; reads "  \
		 "and writes of a device with poll queues only"}

#define BLOCK_PORT_METRICS                                                                         \
	{"ops_per_enter", "1", BETTER_HIGHER,                                                     \
	 "operations for each io_uring_enter of the lanes, from first to last operation"}
/* clang-format on */

/* A knob of the cell's workload or target, by its name; 0 when there is none. */
uint64_t block_knob(const struct cell *cell, const char *name);

/*
 * Refuses what no block device can do: IOPOLL with kinds that cannot be polled, `verify` on a
 * device that does not keep data, a working set beyond `size_bytes` (0: not known yet).
 */
int block_port_check(const struct cell *cell, const struct block_port_config *config,
		     bool keeps_data, uint64_t size_bytes, struct err *err);

/* 0, or -EOPNOTSUPP with run->err: what this kernel's io_uring lacks. */
int block_port_supported(struct run *run, const struct block_port_config *config);

/*
 * Reads the device's limits into run->world and refuses, with run->err, a cell that it cannot
 * serve: a block size that is no multiple of its own, a working set beyond its end, operations that
 * it does not have. `config` must stay valid. Until detach the device is kept open (not
 * exclusively).
 */
int block_port_attach(struct run *run, const struct block_port_config *config, const char *path);
/* Lets go of the device. Safe without an attach, and twice. Lanes must be closed. */
void block_port_detach(struct run *run);

/* From here on completed operations are looked up in a server's table (block_stages.h). Between
 * attach and the first lane; `stages` must stay valid until report. */
void block_port_join(struct run *run, const struct block_stages *stages);

int block_port_lane_open(struct lane *lane);
int block_port_submit(struct lane *lane, struct op **ops, unsigned n);
int block_port_reap(struct lane *lane, struct op **done, unsigned min, unsigned max,
		    uint64_t timeout_ns);
void block_port_lane_close(struct lane *lane);

/* The port's metrics, and the histograms of the stages where a table was joined. */
void block_port_report(struct run *run, struct result *result);

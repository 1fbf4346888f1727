/* SPDX-License-Identifier: MIT */
/* The knobs of a ublk server, and which of them go together. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "harness/param.h"
#include "harness/util/err.h"
#include "targets/block/block_backing.h"
#include "targets/block/block_port.h"

enum ublk_backend { UBLK_BACKEND_NULL, UBLK_BACKEND_MEMORY, UBLK_BACKEND_FILE };
enum ublk_locking { UBLK_LOCK_NONE, UBLK_LOCK_GLOBAL, UBLK_LOCK_SHARDED };
enum ublk_affinity { UBLK_AFFINITY_NONE, UBLK_AFFINITY_SPREAD, UBLK_AFFINITY_ONE };
enum ublk_recovery { UBLK_RECOVERY_NONE, UBLK_RECOVERY_FAIL, UBLK_RECOVERY_REISSUE };

/* Who moves the bytes between a request and the server. */
enum ublk_copy {
	UBLK_COPY_KERNEL, /* the driver, to and from a buffer of the tag */
	UBLK_COPY_USER,	  /* the server, by pread and pwrite on /dev/ublkcN */
	UBLK_COPY_ZERO,	  /* nobody: the request's pages are a registered buffer of the ring */
	UBLK_COPY_AUTO	  /* the same, registered by the driver */
};

enum ublk_file_io { UBLK_FILE_AUTO, UBLK_FILE_RING, UBLK_FILE_CALL, UBLK_FILE_MAP };

enum ublk_fault {
	UBLK_FAULT_NONE,
	UBLK_FAULT_SLOW_QUEUE,
	UBLK_FAULT_KILL_SERVER,
	UBLK_FAULT_LOSE_WRITES,
	UBLK_FAULT_CORRUPT_READS,
	UBLK_FAULT_ERRORS
};

struct ublk_config {
	uint64_t queues, queue_depth;
	int backend;
	struct block_backing_config backing;
	uint64_t bytes; /* no knob: the size of the device, when it is known what size 0 stands for
			 */
	uint64_t block_bytes, max_io_bytes;
	char file[PARAM_STRING_MAX];
	bool destroy; /* `file` may be one that was there before */
	bool direct;
	int file_io;
	int lock;
	uint64_t shards;
	uint64_t server_threads; /* 0: as many as there are queues, up to the CPUs */
	uint64_t queue_tasks;
	int affinity;
	uint64_t work_ns;
	uint64_t spin_ns;
	int copy;
	int encoding; /* enum ublk_encoding */
	bool write_cache;
	int recovery;
	bool stages;
	int fault;
	uint64_t slow_ns;
};

struct ublk_target_config {
	struct block_port_config port;
	struct ublk_config server;
};

extern const struct param ublk_params[];

/* 0, or -EINVAL with the knob that does not fit the others. */
int ublk_knobs_check(const struct ublk_config *c, struct err *err);

/* How the file backend moves data: what `auto` stands for. */
static inline enum ublk_file_io ublk_file_io(const struct ublk_config *c)
{
	if (c->file_io != UBLK_FILE_AUTO)
		return (enum ublk_file_io)c->file_io;
	return c->direct || c->copy == UBLK_COPY_ZERO || c->copy == UBLK_COPY_AUTO ? UBLK_FILE_RING
										   : UBLK_FILE_MAP;
}

static inline bool ublk_keeps_data(const struct ublk_config *c)
{
	return c->backend != UBLK_BACKEND_NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * Size, logical block and backing file of the devices that a run makes for itself. The file has no
 * name, so that nothing is left of it when its last user has gone, however the run ends.
 */
#pragma once

#include "harness/run.h"
#include "harness/world/block.h"

struct block_backing_config {
	uint64_t size;
	char dir[PARAM_STRING_MAX];
	bool fill;
};

/* clang-format off */
#define BLOCK_SIZE_PARAM(config, member)                                                           \
	{"size", PARAM_SIZE, offsetof(config, member), "0", .unit = "bytes",                      \
	 .help = "of the device; 0: as large as the working set (256 MiB where that is 0, too)"}

#define BLOCK_BYTES_PARAM(config, member)                                                          \
	{"block_bytes", PARAM_SIZE, offsetof(config, member), "512", 512, 4096, .unit = "bytes",  \
	 .help = "logical block size of the device: 512, 1k, 2k or 4k"}

#define BLOCK_BACKING_PARAMS(config, member)                                                       \
	BLOCK_SIZE_PARAM(config, member.size),                                                    \
	{"dir", PARAM_STRING, offsetof(config, member.dir), "", .unit = "path",                   \
	 .help = "folder for the backing file instead of the one for results"},                   \
	{"fill", PARAM_BOOL, offsetof(config, member.fill), "true",                               \
	 .help = "write the backing file before the run; otherwise it starts as one hole"}
/* clang-format on */

/* Refuses a logical block that is no power of two, or that the payload is no multiple of. */
int block_bytes_check(const struct cell *cell, uint64_t block_bytes, struct err *err);

/* Bytes of the device, whole MiB: the knob `size` or what it stands for. */
uint64_t block_size_bytes(const struct block_world *w, uint64_t size);

/* What filling a device of that knob `size` may honestly take, for target_ops.extra_ns. */
uint64_t block_fill_ns(const struct cell *cell, uint64_t size);

/* Writes the file from byte `from` to `bytes`, and syncs it. */
int block_backing_fill(int fd, uint64_t from, uint64_t bytes);

/* Makes the file and returns its descriptor (read and write, not O_DIRECT), or -errno with
 * run->err. */
int block_backing_open(struct run *run, const struct block_backing_config *c, uint64_t bytes);

/* SPDX-License-Identifier: MIT */
/* What can be known of a block device: where it is, its size, what it can do. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "harness/run.h"
#include "harness/world/block.h"

struct block_limits {
	dev_t device;
	uint64_t capacity_bytes;
	uint32_t logical_block_bytes;
	uint64_t max_discard_bytes, max_write_zeroes_bytes; /* 0: it can not */
	unsigned hardware_queues;			    /* 0: not told */
	char scheduler[32]; /* "none", "mq-deadline"; "": not told */
};

/* -ENOTBLK when the descriptor is of something else; err names what could not be read. */
int block_device_limits(int fd, struct block_limits *ret, struct err *err);

/*
 * A path that opens the device that the kernel calls `name` ("loop9"): /dev/NAME, or a node made in
 * the run's workdir where /dev lacks it, as in containers.
 */
int block_device_node(struct run *run, const char *name, char ret[static BLOCK_PATH_MAX]);

/* MAJOR:MINOR of the device whose folder in sysfs this is. -errno, -EPROTO. */
int block_device_number(const char *folder, dev_t *ret);

/* A file below /sys/dev/block/MAJOR:MINOR, of the whole disk where the device is a partition. */
int block_device_attribute(dev_t device, const char *name, uint64_t *ret);

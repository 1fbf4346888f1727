/* SPDX-License-Identifier: MIT */
/* What lies under a log: its filesystem, and what the block device says it did. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/util/err.h"

struct wal_disk {
	unsigned major, minor; /* the whole disk: partitions count no flushes */
};

struct wal_disk_stats {
	uint64_t flushes;
	uint64_t written_bytes;
};

/* True for tmpfs and ramfs, where nothing is ever durable. */
bool wal_disk_is_memory(int fd);
/* "ext4 on /dev/vda (rw,relatime)", from /proc/self/mountinfo (proc_pid_mountinfo(5)). */
int wal_disk_describe(int fd, char *text, size_t size, struct err *err);
/* The disk of the file's filesystem; -ENODEV where there is none of its own (overlay, btrfs, nfs).
 */
int wal_disk_find(int fd, struct wal_disk *ret, struct err *err);
/* From /proc/diskstats (Documentation/admin-guide/iostats.rst): all that the disk did, ours or not.
 */
int wal_disk_read(const struct wal_disk *disk, struct wal_disk_stats *ret, struct err *err);
/* Can the disk's count of flushes speak for or against durability? 0, or -errno and why not.
 * `writes_through`: the target's writes may be durable by FUA, without a flush. */
int wal_disk_testifies(int fd, const struct wal_disk *disk, bool writes_through, struct err *err);
/* The fewest flushes that can make `acked` records durable. A record is acknowledged only behind a
 * flush that began after its write, so the records whose first flush is the same one were in flight
 * together. Whoever else flushes only adds to the disk's count: the rule accuses no innocent. */
uint64_t wal_disk_flushes_needed(uint64_t acked, uint64_t in_flight);

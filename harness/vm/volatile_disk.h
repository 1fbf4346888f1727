/* SPDX-License-Identifier: MIT */
/*
 * A disk with a volatile write cache, as every disk has one that asks for flushes. What is written
 * can be read at once, but it is durable only after the next flush, or if it was written with FUA
 * (Documentation/block/writeback_cache_control.rst). When the power fails, each write that lay in
 * the cache is lost, kept, or torn: then every sector of it fares for itself. A sector is never
 * torn, as disks promise.
 *
 *	volatile_disk_new()	an empty disk
 *	volatile_disk_fd()	its durable side, for mkfs; only before anything else
 *	read, write, zero, flush
 *	volatile_disk_cut()	what would be left if the power failed now
 *
 * All but new and free may be called from any thread. They return 0 or -errno; ranges are the
 * caller's to check, and are whole sectors.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/util/err.h"
#include "harness/util/rng.h"

#define VOLATILE_SECTOR 512u
/* A cache that is full makes room: its oldest writes become durable by themselves. */
#define VOLATILE_CACHE_BYTES (64ull << 20)

struct volatile_disk;

/* The fates of the writes that lay in the cache. */
struct volatile_cut {
	uint64_t writes, bytes; /* in all */
	uint64_t kept, dropped, torn;
};

struct volatile_stats {
	uint64_t reads, writes, fua, flushes;
};

int volatile_disk_new(uint64_t bytes, struct volatile_disk **ret, struct err *err);
void volatile_disk_free(struct volatile_disk *d); /* accepts NULL */
/* Stays the disk's. */
int volatile_disk_fd(const struct volatile_disk *d);
/* What was written through volatile_disk_fd is what the disk has. */
int volatile_disk_settle(struct volatile_disk *d, struct err *err);

int volatile_disk_read(struct volatile_disk *d, void *buf, size_t len, uint64_t at);
int volatile_disk_write(struct volatile_disk *d, const void *buf, size_t len, uint64_t at,
			bool fua);
int volatile_disk_zero(struct volatile_disk *d, size_t len, uint64_t at, bool fua);
int volatile_disk_flush(struct volatile_disk *d);
struct volatile_stats volatile_disk_stats(struct volatile_disk *d);

/*
 * Writes what survives a power failure to `fd` from offset `at` on, where nothing but a hole is.
 * The disk itself goes on as if nothing had happened. One draw in two loses the whole cache, since
 * most of what goes wrong is seen best then; in the others each write has its own fate, drawn in
 * thirds. *ret tells them.
 */
int volatile_disk_cut(struct volatile_disk *d, struct rng *rng, int fd, uint64_t at,
		      struct volatile_cut *ret);

/* An unlinked file in TMPDIR or /tmp, all hole. -errno with err. */
int volatile_file(uint64_t bytes, struct err *err);
/* Makes a hole, or zeros where the file system has none. */
int volatile_file_zero(int fd, size_t len, uint64_t at);

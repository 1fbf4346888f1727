/* SPDX-License-Identifier: MIT */
/*
 * The data of the memory backend: bytes that are shared by all processes of a server, and the locks
 * of this one around them. A request is done piece by piece, as far as one lock reaches; the lock
 * is held while the piece is copied, and while the work is done that a request costs.
 */
#pragma once

#include <sys/types.h>

#include "targets/ublk/ublk_lock.h"

struct ublk_store {
	char *memory;
	struct ublk_locks *locks;
};

struct ublk_access {
	uint64_t offset;
	uint32_t bytes;
	uint64_t pad; /* iterations of pad_spin for the request, inside its first lock */
	struct ublk_lock_counts *counts;
};

/* One piece: copies (or clears) `bytes` at `data`, which are those from `done` on of the request.
 * 0 or -errno, which ends the request. */
typedef int (*ublk_piece)(void *arg, char *data, uint32_t bytes, uint32_t done);

/* 0, or the error of a piece. */
int ublk_store_each(struct ublk_store *s, const struct ublk_access *a, ublk_piece piece, void *arg);

/* Pieces: `arg` is the buffer of the request. */
int ublk_store_read(void *buf, char *data, uint32_t bytes, uint32_t done);
int ublk_store_write(void *buf, char *data, uint32_t bytes, uint32_t done);
/* Whole pages go back to the system: they read as zeroes. `arg` is not needed. */
int ublk_store_clear(void *arg, char *data, uint32_t bytes, uint32_t done);

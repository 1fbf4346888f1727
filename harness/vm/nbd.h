/* SPDX-License-Identifier: MIT */
/*
 * The serving side of the Network Block Device protocol, as much as an emulator's disk needs: fixed
 * newstyle negotiation, one export by whatever name, simple replies; reads, writes, flushes, FUA,
 * zeroes. From the protocol's text (NetworkBlockDevice/nbd, doc/proto.md).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/util/err.h"

#define NBD_BLOCK     512u
#define NBD_BYTES_MAX (32u << 20) /* of one request: what the protocol lets every client assume */

/* What is served. Calls come one at a time, of whole blocks, inside the size and of at most
 * NBD_BYTES_MAX (a zeroing may be larger); they return 0 or -errno. */
struct nbd_export {
	uint64_t bytes;
	void *arg;
	int (*read)(void *arg, void *buf, size_t len, uint64_t at);
	int (*write)(void *arg, const void *buf, size_t len, uint64_t at, bool fua);
	int (*zero)(void *arg, size_t len, uint64_t at, bool fua);
	int (*flush)(void *arg);
};

/* Serves one client until it leaves. 0 when it said goodbye or just went, -EPROTO with err when it
 * broke the protocol, or another -errno. */
int nbd_serve(int fd, const struct nbd_export *export, struct err *err);

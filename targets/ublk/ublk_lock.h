/* SPDX-License-Identifier: MIT */
/*
 * The lock of the memory backend, none, one for all, or one for each stripe of the device: what a
 * server that grew out of a single queue has around its data. A lock that is free costs one
 * attempt; only one that is not is counted as contended and timed, from the failed attempt until it
 * is ours (spinning, and then the futex wait with the way into it and back).
 */
#pragma once

#include <stdint.h>

#include "targets/ublk/ublk_counts.h"

#define UBLK_STRIPE_BYTES (64u << 10)

struct ublk_locks;

/* n = 0: no lock, 1: one for all, more: one for each stripe in turn. NULL: no memory. */
struct ublk_locks *ublk_locks_new(unsigned n);
void ublk_locks_free(struct ublk_locks *l); /* accepts NULL */

/* Which lock protects the byte at this offset, and how many bytes from there on it does. */
unsigned ublk_locks_index(const struct ublk_locks *l, uint64_t offset);
uint64_t ublk_locks_reach(const struct ublk_locks *l, uint64_t offset);

void ublk_locks_take(struct ublk_locks *l, unsigned index, struct ublk_lock_counts *counts);
void ublk_locks_release(struct ublk_locks *l, unsigned index);

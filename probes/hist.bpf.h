/* SPDX-License-Identifier: MIT */
/* Counting durations in the kernel: into full histograms, and into the short ones of tables. */
#pragma once

#include "probes/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "probes/abi.h"

/* floor(log2 v), 0 for 0. */
static __always_inline u32 log2_floor(u64 v)
{
	u32 slot = 0;

	if (v >> 32) {
		v >>= 32;
		slot += 32;
	}
	if (v >> 16) {
		v >>= 16;
		slot += 16;
	}
	if (v >> 8) {
		v >>= 8;
		slot += 8;
	}
	if (v >> 4) {
		v >>= 4;
		slot += 4;
	}
	if (v >> 2) {
		v >>= 2;
		slot += 2;
	}
	return slot + (u32)(v >> 1);
}

/* The same, at most SLOTS32 - 1. */
static __always_inline u32 log2_slot(u64 v)
{
	return v >> 31 ? SLOTS32 - 1 : log2_floor(v);
}

/* hist_index of the C side; clang 14 runs out of memory over its count of leading zeros. */
static __always_inline u32 bpf_hist_index(u64 v)
{
	u32 shift;

	if (v < HIST_SUB)
		return (u32)v;
	if (v > HIST_MAX)
		v = HIST_MAX;
	shift = log2_floor(v) - HIST_SUB_BITS;
	return (shift << HIST_SUB_BITS) + (u32)(v >> shift);
}

/* For tables that several CPUs write. */
static __always_inline void tally_add_shared(struct tally *t, u64 ns)
{
	__sync_fetch_and_add(&t->count, 1);
	__sync_fetch_and_add(&t->sum, ns);
	__sync_fetch_and_add(&t->slots[log2_slot(ns)], 1);
	if (ns > t->max)
		t->max = ns;
}

/* For per-CPU tables. */
static __always_inline void tally_add(struct tally *t, u64 ns)
{
	t->count++;
	t->sum += ns;
	t->slots[log2_slot(ns)]++;
	if (ns > t->max)
		t->max = ns;
}

/* For per-CPU maps. */
static __always_inline void bpf_hist_add(struct bpf_hist *h, u64 ns)
{
	u32 i = bpf_hist_index(ns);

	if (i < HIST_BUCKETS)
		h->buckets[i]++;
	h->count++;
	h->sum += ns;
	if (ns > h->max)
		h->max = ns;
	if (UINT64_MAX - ns > h->min)
		h->min = UINT64_MAX - ns;
}

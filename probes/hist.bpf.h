/* SPDX-License-Identifier: MIT */
/* Counting durations in the kernel: into full histograms, and into the short ones of tables. */
#pragma once

#include "probes/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "probes/abi.h"

/* floor(log2 v), 0 for 0, at most SLOTS32 - 1. */
static __always_inline u32 log2_slot(u64 v)
{
	u32 slot = 0;

	if (v >> 31)
		return SLOTS32 - 1;
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

/* For per-CPU maps. The bucket is the C side's own function. */
static __always_inline void bpf_hist_add(struct bpf_hist *h, u64 ns)
{
	u32 i = hist_index(ns);

	if (i < HIST_BUCKETS)
		h->buckets[i]++;
	h->count++;
	h->sum += ns;
	if (ns > h->max)
		h->max = ns;
	if (UINT64_MAX - ns > h->min)
		h->min = UINT64_MAX - ns;
}

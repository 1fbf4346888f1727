/* SPDX-License-Identifier: MIT */
/*
 * Requests between issue and completion, in a set-associative array: four places for each hash of
 * the key, taken and given back by compare-and-swap, since completions come in interrupts. What
 * finds no place is counted and not timed.
 */
#pragma once

#include "probes/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "probes/block/block.h"

#define KEY_BUSY 1 /* being written or read */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BLOCK_SETS);
	__type(key, u32);
	__type(value, struct block_set);
} inflight SEC(".maps");

uint64_t map_full;

static __always_inline struct block_set *set_of(u64 key)
{
	u32 i = (u32)((key * 0x9e3779b97f4a7c15ull) >> 32) % BLOCK_SETS;

	return bpf_map_lookup_elem(&inflight, &i);
}

/* Takes the place of the same request, if it was issued before. */
static __always_inline void inflight_put(u64 key, const struct block_inflight *request, bool unique)
{
	struct block_set *set = set_of(key);

	if (!set)
		return;
	for (u32 i = 0; unique && i < BLOCK_WAYS; i++)
		if (set->ways[i].key == key)
			__sync_val_compare_and_swap(&set->ways[i].key, key, 0);
	for (u32 i = 0; i < BLOCK_WAYS; i++) {
		struct block_inflight *way = &set->ways[i];

		if (way->key || __sync_val_compare_and_swap(&way->key, 0, KEY_BUSY))
			continue;
		way->issued_ns = request->issued_ns;
		way->bytes = request->bytes;
		way->left = request->left;
		way->dev = request->dev;
		way->op = request->op;
		way->by = request->by;
		__sync_lock_test_and_set(&way->key, key);
		return;
	}
	__sync_fetch_and_add(&map_full, 1);
}

/* Takes out a request of this key. Where keys are not unique it is the one issued last: one whose
 * completion was lost must not make all that follow look long. */
static __always_inline bool inflight_take(u64 key, u32 dev, struct block_inflight *ret)
{
	struct block_inflight *last = NULL;
	struct block_set *set = set_of(key);

	for (u32 i = 0; set && i < BLOCK_WAYS; i++) {
		struct block_inflight *way = &set->ways[i];

		if (way->key == key && way->dev == dev &&
		    (!last || way->issued_ns > last->issued_ns))
			last = way;
	}
	if (!last || __sync_val_compare_and_swap(&last->key, key, KEY_BUSY) != key)
		return false;
	*ret = *last;
	__sync_lock_test_and_set(&last->key, 0);
	return true;
}

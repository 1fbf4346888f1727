/* SPDX-License-Identifier: MIT */
/*
 * What is known of a request when it ends is counted by device, operation and by whom. One that
 * began before the window counts when it ends inside, with all of its time: a device's latency has
 * nothing to do with our window.
 *
 * Not every completion that the kernel tells is one of the device: a write with a flush before it
 * (fsync: one without data) is completed once more when its sequence ends (block/blk-flush.c), with
 * 0 bytes. The flush itself is a request of its own, sent by a kernel worker.
 */
#pragma once

#include "probes/track.bpf.h"

#include "probes/block/block_inflight.bpf.h"
#include "probes/hist.bpf.h"
#include "probes/rows.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BLOCK_ROWS);
	__type(key, u32);
	__type(value, struct block_row);
} rows SEC(".maps");

uint64_t devices[BLOCK_DEVICES]; /* dev + 1; 0: free */
uint32_t row_of[BLOCK_KEYS];	 /* 0: none yet */
uint32_t rows_used;
uint64_t untracked;

static __always_inline u32 device_index(u32 dev)
{
	u64 id = (u64)dev + 1;

	for (u32 i = 0; i < BLOCK_DEVICES; i++) {
		u64 is = devices[i];

		if (!is)
			is = __sync_val_compare_and_swap(&devices[i], 0, id);
		if (!is || is == id)
			return i;
	}
	return BLOCK_DEVICES;
}

static __always_inline struct block_row *row_get(const struct block_inflight *r)
{
	u32 i = device_index(r->dev), row;

	i = (i * BLOCK_OPS + r->op) * BLOCK_BYS + r->by;
	if (i >= BLOCK_KEYS)
		return NULL;
	row = row_number(&row_of[i], &rows_used, BLOCK_ROWS);
	return row ? bpf_map_lookup_elem(&rows, &row) : NULL;
}

static __always_inline void block_count(const struct block_inflight *r, u64 now, bool failed)
{
	struct block_row *row = row_get(r);

	if (!row) {
		__sync_fetch_and_add(&map_full, 1);
		return;
	}
	bpf_hist_add(&row->hist, now - r->issued_ns);
	row->bytes += r->bytes;
	if (failed)
		row->failed++;
}

static __always_inline void block_issue(u64 key, u32 dev, u32 op, u32 bytes, bool unique)
{
	struct block_inflight request = {
		.issued_ns = bpf_ktime_get_ns(),
		.bytes = bytes,
		.left = bytes,
		.dev = dev,
		.op = op,
		.by = thread_self() ? BLOCK_WATCHED : BLOCK_OTHERS,
	};

	inflight_put(key, &request, unique);
}

/* The end of a sequence, see above. */
static __always_inline bool is_echo(u32 op, u32 bytes)
{
	return !bytes && op != BLOCK_FLUSH && op != BLOCK_OTHER;
}

/* request: NULL when it was not seen to be issued. */
static __always_inline void block_done(const struct block_inflight *request, bool failed)
{
	struct probe_window *w = window_get();
	u64 now = bpf_ktime_get_ns();

	if (!w || !in_window(w, now))
		return;
	if (request)
		block_count(request, now, failed);
	else
		__sync_fetch_and_add(&untracked, 1);
}

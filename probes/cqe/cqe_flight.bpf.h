/* SPDX-License-Identifier: MIT */
/*
 * Requests in flight, by address. Hashing them into a map of the kernel's would cost four times as
 * much: here it is one cache line of four places, without a lock (cqe_set.h). When two CPUs meet in
 * a set one of them may lose its request, which then completes untracked and is counted so.
 */
#pragma once

#include "probes/cqe/cqe_set.h"
#include "probes/cqe/cqe_table.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLIGHT_SETS);
	__type(key, u32);
	__type(value, struct cqe_flight_set);
} flight SEC(".maps");

/*
 * Two times in a word: when the request was taken from the submission queue, modulo 2^44 ns (4.8
 * hours), and above it for how long it had been seen there, in steps of 16 ns up to 16 ms.
 */
#define TAKEN_BITS  44
#define TAKEN_MASK  ((1ull << TAKEN_BITS) - 1)
#define QUEUED_MAX  ((1ull << (64 - TAKEN_BITS)) - 1)
#define QUEUED_STEP 4

static __always_inline u64 times_pack(u64 now, u64 queued)
{
	queued >>= QUEUED_STEP;
	if (queued > QUEUED_MAX)
		queued = QUEUED_MAX;
	return (now & TAKEN_MASK) | 1 | queued << TAKEN_BITS;
}

static __always_inline u64 times_taken_ns(u64 times, u64 now)
{
	return now - ((now - times) & TAKEN_MASK);
}

static __always_inline u64 times_queued(u64 times)
{
	return times >> TAKEN_BITS << QUEUED_STEP;
}

/* A request keeps its address until it completes. One that ended unseen (no CQE was asked for) is
 * replaced here when its memory is used again. */
static __always_inline void flight_put(u64 req, u32 opcode, u64 times)
{
	u32 set = address_hash(req, 14);
	struct cqe_flight_set *s = bpf_map_lookup_elem(&flight, &set);

	_Static_assert(FLIGHT_SETS == 1 << 14, "bits of the hash");
	if (s && !flight_set_put(s, req, opcode, times))
		__sync_fetch_and_add(&shared.map_full, 1);
}

static __always_inline struct flown flight_take(u64 req)
{
	struct flown none = {.times = 0, .opcode = OP_UNKNOWN};
	u32 set = address_hash(req, 14);
	struct cqe_flight_set *s = bpf_map_lookup_elem(&flight, &set);

	return s ? flight_set_take(s, req) : none;
}

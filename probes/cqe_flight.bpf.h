/* SPDX-License-Identifier: MIT */
/*
 * Requests in flight, by address. Hashing them into a map of the kernel's would cost four times as
 * much: here it is one cache line of four places, without a lock. When two CPUs meet in a set one
 * of them may lose its request, which then completes untracked and is counted so.
 */
#pragma once

#include "probes/cqe_table.bpf.h"

#define ADDRESS_ONES  (0xffull << 56)
#define FLIGHT_OPCODE 56

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLIGHT_SETS);
	__type(key, u32);
	__type(value, struct cqe_flight_set);
} flight SEC(".maps");

/* A request keeps its address until it completes. One that ended unseen (no CQE was asked for) is
 * replaced here when its memory is used again. */
static __always_inline void flight_put(u64 req, u32 opcode, u64 now)
{
	u64 key = (req & ~ADDRESS_ONES) | (u64)opcode << FLIGHT_OPCODE;
	u32 set = address_hash(req, 14), place = 0;
	struct cqe_flight_set *s = bpf_map_lookup_elem(&flight, &set);
	bool room = false;

	_Static_assert(FLIGHT_SETS == 1 << 14, "bits of the hash");
	if (!s)
		return;
#pragma unroll
	for (u32 i = 0; i < FLIGHT_WAYS; i++) {
		if (((s->way[i].key ^ key) & ~ADDRESS_ONES) == 0) {
			place = i;
			room = true;
			break;
		}
		if (!s->way[i].key && !room) {
			place = i;
			room = true;
		}
	}
	if (!room)
		__sync_fetch_and_add(&shared.map_full, 1);
	s->way[place & (FLIGHT_WAYS - 1)].submit_ns = now;
	s->way[place & (FLIGHT_WAYS - 1)].key = key;
}

struct flown {
	u64 submit_ns; /* 0: not timed */
	u32 opcode;    /* OP_UNKNOWN: was not seen */
};

static __always_inline struct flown flight_take(u64 req)
{
	struct flown f = {.submit_ns = 0, .opcode = OP_UNKNOWN};
	u32 set = address_hash(req, 14);
	struct cqe_flight_set *s = bpf_map_lookup_elem(&flight, &set);

	if (!s)
		return f;
#pragma unroll
	for (u32 i = 0; i < FLIGHT_WAYS; i++) {
		if ((s->way[i].key ^ req) & ~ADDRESS_ONES)
			continue;
		f.submit_ns = s->way[i].submit_ns;
		f.opcode = (u32)(s->way[i].key >> FLIGHT_OPCODE);
		s->way[i].key = 0;
		break;
	}
	if (f.submit_ns < shared.epoch_ns)
		f.submit_ns = 0;
	return f;
}

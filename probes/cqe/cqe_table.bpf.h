/* SPDX-License-Identifier: MIT */
/* What the programs of `cqe` keep: rings and pairs of ring and opcode, by number. */
#pragma once

#include "probes/track.bpf.h"

#include "probes/cqe/cqe.h"
#include "probes/hist.bpf.h"

struct cqe_shared shared;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RING_SETS);
	__type(key, u32);
	__type(value, struct cqe_ring_set);
} ring_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RINGS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct cqe_ring);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OPS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct cqe_op);
} ops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FAILURES_MAX);
	__type(key, struct cqe_failure);
	__type(value, u64);
} failures SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HISTS_MAX);
	__type(key, u32);
	__type(value, struct bpf_hist);
} hists SEC(".maps");

/* Kernel addresses differ in the middle bits: multiplied, the best ones are on top. */
static __always_inline u32 address_hash(u64 address, u32 bits)
{
	return (u32)((address >> 6) * 0x9e3779b97f4a7c15ull >> (64 - bits));
}

static __always_inline struct cqe_ring_set *ring_set_of(u64 ctx)
{
	u32 i = address_hash(ctx, 8);

	_Static_assert(RING_SETS == 1 << 8, "bits of the hash");
	return bpf_map_lookup_elem(&ring_sets, &i);
}

/* NULL: not ours, or nobody has asked whether it is. */
static __always_inline struct cqe_ring *ring_known(u64 ctx)
{
	struct cqe_ring_set *s = ring_set_of(ctx);

	if (!s)
		return NULL;
#pragma unroll
	for (u32 i = 0; i < RING_WAYS; i++)
		if (s->way[i].ctx == ctx)
			return bpf_map_lookup_elem(&rings, &s->way[i].ring);
	return NULL;
}

static __always_inline u32 ring_number(void)
{
	u32 id = __sync_fetch_and_add(&shared.rings, 1) + 1;

	if (id < RINGS_MAX)
		return id;
	__sync_fetch_and_add(&shared.more_rings, 1);
	return RING_BEYOND;
}

/* Gives a ring of a watched thread a number; `fresh`: it has just been made. */
static __noinline struct cqe_ring *ring_claim(u64 ctx, bool fresh, bool ours)
{
	struct cqe_ring_set *s = ring_set_of(ctx);
	struct cqe_ring *r;
	u32 i, id;

	if (!s)
		return NULL;
	for (i = 0; i < RING_WAYS && s->way[i].ctx != ctx; i++)
		;
	if (i < RING_WAYS && !fresh && s->way[i].ring == RING_BEYOND)
		return NULL;
	if (i < RING_WAYS && !ours)
		s->way[i].ring = RING_FOREIGN;
	if (!ours)
		return NULL;
	if (i >= RING_WAYS)
		for (i = 0; i < RING_WAYS; i++)
			if (!__sync_val_compare_and_swap(&s->way[i].ctx, 0, ctx))
				break;
	if (i >= RING_WAYS) {
		__sync_fetch_and_add(&shared.map_full, 1);
		return NULL;
	}
	id = ring_number();
	r = bpf_map_lookup_elem(&rings, &id);
	if (r) {
		r->id = id;
		r->random = (u32)ctx | 1;
	}
	s->way[i].ring = id;
	return r;
}

static __noinline u32 op_new(struct cqe_ring *r, u32 opcode)
{
	u32 id = __sync_fetch_and_add(&shared.ops, 1) + 1;
	struct cqe_op *op = bpf_map_lookup_elem(&ops, &id);

	if (!r || !op || opcode >= OPCODES) {
		__sync_fetch_and_add(&shared.map_full, 1);
		return 0;
	}
	op->ring = r->id;
	op->opcode = opcode;
	r->op[opcode] = id;
	return id;
}

/* The number of a pair; 0: no room. */
static __always_inline u32 op_number(struct cqe_ring *r, u32 opcode)
{
	u32 id = r->op[opcode & (OPCODES - 1)];

	return id ? id : op_new(r, opcode & (OPCODES - 1));
}

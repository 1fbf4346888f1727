/* SPDX-License-Identifier: MIT */
/*
 * Where the time of one request went, told by the server and joined by the port. The server knows
 * queue and tag, the lane knows the operation; what both know is the address. So the server writes
 * when it saw, began and ended a request into a slot chosen by the address, before it commits it;
 * the lane finds it there when its operation has completed.
 *
 *   submit      the lane submitted it             -> it arrived as a CQE of the server
 *   wait        it arrived                        -> the handler started
 *   handle      the handler started               -> it ended
 *   commit      the handler ended                 -> the system call that commits it begins
 *   complete    that call begins                  -> the lane has reaped it
 *
 * A slot that another address has overwritten, or whose times do not lie inside the operation's
 * own, is not joined: the operation is counted as missed. All times are CLOCK_MONOTONIC, the table
 * lies in memory that server and lanes share, and any thread may write any slot.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct block_stage {
	uint64_t addr; /* of the request's first byte */
	uint64_t arrived_ns, started_ns, ended_ns, committed_ns;
};

struct block_stage_slot {
	_Alignas(64) uint32_t version; /* odd while it is written */
	struct block_stage stage;
};

struct block_stages {
	unsigned bits; /* 1 << bits slots */
	struct block_stage_slot slot[];
};

/* A shared mapping for requests of up to in_flight at a time, or NULL with errno. Made before the
 * server is forked; unmapped by block_stages_free, which accepts NULL. */
struct block_stages *block_stages_new(unsigned in_flight);
void block_stages_free(struct block_stages *s);

static inline struct block_stage_slot *block_stages_slot(const struct block_stages *s,
							 uint64_t addr)
{
	/* Fibonacci hashing: Knuth, TAOCP 6.4. */
	uint64_t i = (addr >> 9) * 0x9e3779b97f4a7c15ull >> (64 - s->bits);

	return (struct block_stage_slot *)&s->slot[i];
}

/* Word by word, so that who reads while another writes has no data race, but a version too old. No
 * word is written before the odd version or read after the last look at it: the orders here stand
 * for fences, which ThreadSanitizer does not know. */
static inline void block_stage_copy(struct block_stage *to, const struct block_stage *from)
{
	uint64_t *t = (uint64_t *)to;
	const uint64_t *f = (const uint64_t *)from;

	for (unsigned i = 0; i < sizeof(*to) / sizeof(*t); i++)
		__atomic_store_n(&t[i], __atomic_load_n(&f[i], __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}

/* For the server: what is known of a request, before its commit is submitted. */
static inline void block_stages_put(struct block_stages *s, const struct block_stage *stage)
{
	struct block_stage_slot *slot = block_stages_slot(s, stage->addr);
	uint32_t version = __atomic_load_n(&slot->version, __ATOMIC_RELAXED);

	/* Two at the same slot: one of them is lost, and missed by its lane. */
	if (version & 1 || !__atomic_compare_exchange_n(&slot->version, &version, version + 1,
							false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	block_stage_copy(&slot->stage, stage);
	__atomic_store_n(&slot->version, version + 2, __ATOMIC_RELEASE);
}

/* For the lane: false when the slot has nothing (whole) about this address. */
static inline bool block_stages_get(const struct block_stages *s, uint64_t addr,
				    struct block_stage *ret)
{
	const struct block_stage_slot *slot = block_stages_slot(s, addr);
	uint32_t version = __atomic_load_n(&slot->version, __ATOMIC_ACQUIRE);

	block_stage_copy(ret, &slot->stage);
	return !(version & 1) && version == __atomic_load_n(&slot->version, __ATOMIC_RELAXED) &&
	       ret->addr == addr;
}

/* SPDX-License-Identifier: MIT */
/*
 * One cache line of requests in flight, by address: what programs on several CPUs do with it at
 * once, without a lock. A place belongs to who has changed its key, so times never go to another
 * request than theirs: where two meet, one of them loses its request or its times. Also compiled
 * for the C side, where a test lets threads meet.
 */
#pragma once

#include <stdbool.h>

#include "probes/cqe/cqe.h"

#define ADDRESS_ONES   (0xffull << 56)
#define FLIGHT_OPCODE  56
#define FLIGHT_CLAIMED 1ull /* being written; no request has this address */

struct flown {
	uint64_t times;	 /* 0: not timed */
	uint32_t opcode; /* OP_UNKNOWN: was not seen */
};

/* One access, whatever else goes on; the C side's test says so in words that its checkers know. */
#ifdef __bpf__
#define FLIGHT_WRITE(at, value) (*(volatile uint64_t *)(at) = (value))
#else
#define FLIGHT_WRITE(at, value) __atomic_store_n(at, value, __ATOMIC_RELAXED)
#endif

static inline __attribute__((always_inline)) uint64_t flight_read(const uint64_t *at)
{
#ifdef __bpf__
	return *(const volatile uint64_t *)at;
#else
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
#endif
}

static inline __attribute__((always_inline)) bool flight_is(uint64_t key, uint64_t req)
{
	return ((key ^ req) & ~ADDRESS_ONES) == 0;
}

/* Where a request goes: to its own address if one that ended unseen is there, else where there is
 * room, else where the first one is. */
static inline __attribute__((always_inline)) uint32_t flight_place(const struct cqe_flight_set *s,
								   uint64_t req, bool *ret_room)
{
	uint32_t place = 0;

	*ret_room = false;
	for (uint32_t i = 0; i < FLIGHT_WAYS; i++) {
		uint64_t key = flight_read(&s->way[i].key);

		if (flight_is(key, req)) {
			*ret_room = true;
			return i;
		}
		if (!key && !*ret_room) {
			place = i;
			*ret_room = true;
		}
	}
	return place;
}

/* False: another one had to go, or another CPU was faster. */
static inline __attribute__((always_inline)) bool
flight_set_put(struct cqe_flight_set *s, uint64_t req, uint32_t opcode, uint64_t times)
{
	bool room;
	uint32_t place = flight_place(s, req, &room) & (FLIGHT_WAYS - 1);
	uint64_t *key = &s->way[place].key, was = flight_read(key);

	if (was == FLIGHT_CLAIMED || __sync_val_compare_and_swap(key, was, FLIGHT_CLAIMED) != was)
		return false;
	FLIGHT_WRITE(&s->way[place].times, times);
	/* A whole barrier: the times are there before the key is. */
	(void)__sync_val_compare_and_swap(
		key, FLIGHT_CLAIMED, (req & ~ADDRESS_ONES) | (uint64_t)opcode << FLIGHT_OPCODE);
	return room;
}

/* The times count only if nobody has taken the place since they were read. */
static inline __attribute__((always_inline)) struct flown flight_set_take(struct cqe_flight_set *s,
									  uint64_t req)
{
	struct flown f = {.times = 0, .opcode = OP_UNKNOWN};

	for (uint32_t i = 0; i < FLIGHT_WAYS; i++) {
		uint64_t key = flight_read(&s->way[i].key), times;

		if (!flight_is(key, req))
			continue;
		times = flight_read(&s->way[i].times);
		f.opcode = (uint32_t)(key >> FLIGHT_OPCODE);
		if (__sync_val_compare_and_swap(&s->way[i].key, key, 0) == key)
			f.times = times;
		break;
	}
	return f;
}

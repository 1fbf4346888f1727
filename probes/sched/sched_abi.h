/* SPDX-License-Identifier: MIT */
/* What the programs of `sched` and its C side share. */
#pragma once

#include <stdint.h>

#include "probes/abi.h"

/* By hit number. */
enum {
	SCHED_SWITCH,
	SCHED_WAKING,
	SCHED_WAKEUP,
	SCHED_WAKEUP_NEW,
	SCHED_LOCK_BEGIN,
	SCHED_LOCK_END,
	SCHED_PROGRAMS
};

enum sched_hist { SCHED_OFF_CPU, SCHED_RUN_QUEUE, SCHED_DELIVERY, SCHED_HISTS };
#define sched_hist_index(role, kind) ((role)*SCHED_HISTS + (kind))

struct sched_count {
	uint64_t count, sum;
};
/* `from` may be ROLE_OUTSIDE. */
#define SCHED_WAKERS			 ((PROBE_ROLE_COUNT + 1) * PROBE_ROLE_COUNT * CLASS_COUNT)
#define sched_waker_index(from, to, cls) (((from)*PROBE_ROLE_COUNT + (to)) * CLASS_COUNT + (cls))

/* Waits beyond a thread's own WAIT_ROWS: 512 of 40 bytes. */
#define SCHED_MORE_WAITS 512
struct sched_wait_key {
	uint32_t role, key; /* wait_key() */
};
struct sched_sum {
	uint64_t count, sum, max;
};

/* Kernel stacks of long waits: 4096 of 200 bytes. */
#define SCHED_STACKS 4096
struct sched_stack_key {
	uint32_t role, key; /* wait_key() */
	uint64_t ips[KSTACK_MAX];
};

/* Written without a lock: figures of losses. */
struct sched_losses {
	uint64_t waits_full, stacks_full;
};

/* One CPU takes at most one stack of a class in this time, unless probe_cost asks for fewer. */
#define SCHED_STACK_GAP_NS 200000

/* SPDX-License-Identifier: MIT */
/* What the programs of `lock` and its C side share. */
#pragma once

#include <stdint.h>

#include "probes/abi.h"

/* By the flags of lock/contention_begin (include/trace/events/lock.h). */
enum lock_type {
	LOCK_SPIN,
	LOCK_MUTEX,
	LOCK_RWSEM_READ,
	LOCK_RWSEM_WRITE,
	LOCK_RWLOCK_READ,
	LOCK_RWLOCK_WRITE,
	LOCK_RTMUTEX,
	LOCK_PERCPU_READ,
	LOCK_PERCPU_WRITE,
	LOCK_SEMAPHORE,
	LOCK_TYPES
};

/* futex(2) by its command (uapi/linux/futex.h), then the system calls of their own. */
enum futex_operation {
	FUTEX_OP_WAIT,
	FUTEX_OP_WAKE,
	FUTEX_OP_FD,
	FUTEX_OP_REQUEUE,
	FUTEX_OP_CMP_REQUEUE,
	FUTEX_OP_WAKE_OP,
	FUTEX_OP_LOCK_PI,
	FUTEX_OP_UNLOCK_PI,
	FUTEX_OP_TRYLOCK_PI,
	FUTEX_OP_WAIT_BITSET,
	FUTEX_OP_WAKE_BITSET,
	FUTEX_OP_WAIT_REQUEUE_PI,
	FUTEX_OP_CMP_REQUEUE_PI,
	FUTEX_OP_LOCK_PI2,
	FUTEX_OP_OTHER,
	FUTEX_OP_SYS_WAIT,
	FUTEX_OP_SYS_WAITV,
	FUTEX_OP_SYS_WAKE,
	FUTEX_OP_SYS_REQUEUE,
	FUTEX_OPS
};

#define LOCK_FRAMES	 12    /* of the stack that ends a wait, the tracing's own among them */
#define LOCK_CALLERS	 2048  /* a few hundred callers, in some roles and types: 0.6 MiB */
#define LOCK_ADDRESSES	 16384 /* about 4 MiB; a program has a lock for each object, or a few */
#define LOCK_STACK_NS	 10000 /* waits from here on all tell their caller */
#define LOCK_STACK_EVERY 8     /* the shorter ones 1 in so many, at first */

/* Full histograms: waits for kernel locks, and for futexes that slept. */
enum lock_hist { LOCK_HIST_KERNEL, LOCK_HIST_FUTEX, LOCK_HISTS };
#define lock_hist_index(role, kind) ((role)*LOCK_HISTS + (kind))

struct lock_caller {
	uint32_t role, type;
	uint64_t ips[LOCK_FRAMES]; /* innermost first, 0: none */
};

/* Index: role * FUTEX_OPS + operation. */
struct futex_calls {
	uint64_t calls, slept, again, timed_out, interrupted, woke, failed;
};

struct futex_key {
	uint64_t address; /* of a futex_waitv or futex_requeue: the first of its futexes */
	uint32_t tgid, pad;
};

struct futex_sum {
	uint64_t calls, again, wakes, woke; /* calls: those that may wait */
	struct tally slept;
};

/* Per CPU. */
struct lock_counts {
	uint64_t events, lost, callers_full, addresses_full, untracked;
	uint64_t pad[3]; /* a cache line for each */
};

/* SPDX-License-Identifier: MIT */
/* Maps of the probe `lock` as keys of a record (results/README.md). */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "probes/lock/lock.h"

struct stacks;

/* One row of the table of callers, before rows are folded by function. */
struct lock_wait {
	struct lock_caller key;
	struct tally tally;
};

/* `kernel_types` */
void lock_types_json(cJSON *into, int fd);
/* `histograms`, of roles that waited at all; `sleeps`: as below. */
void lock_hists_json(cJSON *into, int fd, bool kernel, bool sleeps);
/* `kernel`, and `kernel_rest` for what is beyond the rows that are told. */
void lock_callers_json(cJSON *into, int fd, struct stacks *stacks);
/* `futex_calls`; returns how many there were. `sleeps`: somebody counted them (the probe sched). */
uint64_t lock_calls_json(cJSON *into, int fd, bool sleeps);
/* `futex`, and `futex_rest`. */
void lock_futexes_json(cJSON *into, int fd, struct stacks *stacks, bool sleeps);

void lock_tally_merge(struct tally *into, const struct tally *t);
/* `kernel` from rows, by the function that wanted the lock: the first that is not a lock's own.
 * `frames` (may be NULL) names addresses. */
cJSON *lock_fold(const struct lock_wait *waits, unsigned n,
		 cJSON *(*frames)(void *arg, const uint64_t *ips), void *arg);

/* SPDX-License-Identifier: MIT */
/*
 * How the CPU time of a program without a `usage` record divides into user and system: from /proc
 * at both ends of the window, and from the kernel's programs for threads that ended meanwhile. The
 * kernel counts in ticks, so this is a ratio, not a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "probes/track.h"

struct sched_times;

struct sched_times *sched_times_new(void); /* NULL without memory */
void sched_times_free(struct sched_times *t);
/* Before a run. */
void sched_times_reset(struct sched_times *t);
/* At the begin of the window; does nothing for a run of the harness, which has its `usage`, and
 * when it has been called before. */
void sched_times_begin(struct sched_times *t, const struct track *track);
/* Since the begin, of all threads of a role. False when not one tick fell on them. */
bool sched_times_role(const struct sched_times *t, const struct track *track, uint32_t role,
		      uint64_t *ret_user, uint64_t *ret_system);

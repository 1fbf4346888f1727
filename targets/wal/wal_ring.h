/* SPDX-License-Identifier: MIT */
/*
 * An io_uring that makes one group of records durable at a time: its writes linked to one
 * fdatasync, or writes with RWF_DSYNC. Belongs to the thread that enabled it (SINGLE_ISSUER).
 */
#pragma once

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "targets/wal/wal_log.h"

struct wal_ring {
	struct io_uring uring;
	struct wal_group group; /* filled by the owner while nothing is in flight */
	struct wal_steps steps;
	bool open;
	bool flushed;	      /* the fdatasync of this group is done */
	bool split;	      /* this push was taken in parts: the links are broken between them */
	bool stuck;	      /* io_uring_enter refused: the ring is of no more use */
	int error;	      /* of this group: 0 or -errno */
	unsigned outstanding; /* completions to come */
};

/* Can this machine do it? 0, or -EOPNOTSUPP and the reason. */
int wal_ring_supported(struct err *err);
int wal_ring_init(struct wal_ring *r, const struct wal_log *log, unsigned max_records,
		  const struct wal_steps *steps, struct err *err);
void wal_ring_exit(struct wal_ring *r);	 /* safe on a zeroed one */
int wal_ring_enable(struct wal_ring *r); /* by the thread that will use it */

/* Submits r->group. What goes wrong is told by r->error once it has finished. */
void wal_ring_start(struct wal_ring *r);
/* Waits until deadline_ns (REAP_FOREVER: without end). True when the group has finished. */
bool wal_ring_wait(struct wal_ring *r, uint64_t deadline_ns);
/* The same awake: looks again and again, and lets others run in between. */
bool wal_ring_poll(struct wal_ring *r, uint64_t deadline_ns);
/* How many flushes its group takes. */
static inline unsigned wal_ring_flushes(const struct wal_ring *r)
{
	return wal_steps_flushes(&r->steps, r->group.n_extents);
}

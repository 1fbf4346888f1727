/* SPDX-License-Identifier: MIT */
/*
 * The port of a target that serves one operation at a time inside a call (pwrite + fdatasync,
 * sendto, a dump): submit queues, reap serves in order, so that each operation of a batch has its
 * own completion time and waits behind its elders as it would in such a program.
 *
 *	static int my_lane_open(struct lane *lane) { return syncport_open(lane, my_serve, priv); }
 *	... .submit = syncport_submit, .reap = syncport_reap, .lane_close = syncport_close
 */
#pragma once

#include "harness/run.h"

/* Serves one operation and sets op->result. An error returned here (not one in op->result) ends the
 * run: lane->err says why. `priv` is what syncport_open was given. */
typedef int (*syncport_serve)(struct lane *lane, struct op *op, void *priv);

int syncport_open(struct lane *lane, syncport_serve serve, void *priv); /* sets lane->target */
void *syncport_priv(const struct lane *lane);
int syncport_submit(struct lane *lane, struct op **ops, unsigned n);
/* Serves the oldest, if there is one: one for each call, so that every operation has a completion
 * time of its own. min and timeout_ns are not needed: it takes as long as it takes. */
int syncport_reap(struct lane *lane, struct op **done, unsigned min, unsigned max,
		  uint64_t timeout_ns);
void syncport_close(struct lane *lane); /* does not free priv */

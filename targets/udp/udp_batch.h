/* SPDX-License-Identifier: MIT */
/*
 * The port of a target that sends a submitted batch with as few calls as it can: submit sorts the
 * batch by destination (stably, so that each stream keeps its order) and serves it at once, reap
 * hands back what was served.
 */
#pragma once

#include "harness/run.h"
#include "targets/udp/udp_socket.h"

/* Sends n operations through one socket and sets every result. With `by_destination` they all have
 * the same addr. An error returned here ends the run: lane->err says why. */
typedef int (*udp_batch_serve)(struct lane *lane, const struct udp_sockets *sockets,
			       struct op **ops, unsigned n, void *priv);

/* Sets lane->target. `priv` is handed to serve and freed by udp_batch_close; it is freed here when
 * this fails. */
int udp_batch_open(struct lane *lane, bool by_destination, udp_batch_serve serve, void *priv);
int udp_batch_submit(struct lane *lane, struct op **ops, unsigned n);
int udp_batch_reap(struct lane *lane, struct op **done, unsigned min, unsigned max,
		   uint64_t timeout_ns);
void udp_batch_close(struct lane *lane);

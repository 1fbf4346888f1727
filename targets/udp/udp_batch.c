// SPDX-License-Identifier: MIT
/*
 * Groups are chained through op->priv while a batch is sorted: a head and a tail for each
 * destination, and a list of those that occur, so that the cost is that of the batch and not of the
 * number of destinations.
 */
#include "targets/udp/udp_batch.h"

#include <errno.h>
#include <stdlib.h>

#include "harness/opqueue.h"
#include "harness/util/cleanup.h"
#include "harness/world/udp.h"

struct group {
	struct op *head, *tail;
};

struct udp_batch {
	struct udp_sockets *sockets;
	udp_batch_serve serve;
	void *priv;
	bool sorted;
	struct group *groups; /* [destinations] */
	uint64_t *touched;    /* [batch] */
	struct op **order;    /* [batch] */
	struct opqueue done;
};

static void batch_free(struct udp_batch *b)
{
	udp_sockets_close(b->sockets);
	free(b->groups);
	free(b->touched);
	free(b->order);
	opqueue_free(&b->done);
	free(b->priv);
	free(b);
}

int udp_batch_open(struct lane *lane, bool by_destination, udp_batch_serve serve, void *priv)
{
	const struct udp_socket_config *c = lane->run->target_config;
	const struct udp_world *w = lane->run->world;
	struct udp_batch *b = calloc(1, sizeof(*b));
	int r;

	if (!b) {
		free(priv);
		return err_sys(&lane->err, -ENOMEM, "lane %u", lane->index);
	}
	b->serve = serve;
	b->priv = priv;
	b->sorted = w->destinations > 1 && (by_destination || c->connected);
	b->groups = calloc(w->destinations, sizeof(*b->groups));
	b->touched = calloc(lane->batch, sizeof(*b->touched));
	b->order = calloc(lane->batch, sizeof(*b->order));
	r = b->groups && b->touched && b->order && !opqueue_init(&b->done, lane->depth)
		    ? udp_sockets_open(lane, &b->sockets)
		    : err_sys(&lane->err, -ENOMEM, "lane %u", lane->index);
	if (r) {
		batch_free(b);
		return r;
	}
	lane->target = b;
	return 0;
}

/* Chains the batch into groups; returns how many there are. */
static unsigned chain(struct udp_batch *b, struct op **ops, unsigned n)
{
	unsigned groups = 0;

	for (unsigned i = 0; i < n; i++) {
		struct group *g = &b->groups[ops[i]->addr];

		ops[i]->priv = 0;
		if (g->head)
			g->tail->priv = (uintptr_t)ops[i];
		else
			b->touched[groups++] = ops[i]->addr;
		if (!g->head)
			g->head = ops[i];
		g->tail = ops[i];
	}
	return groups;
}

static int serve_sorted(struct lane *lane, struct udp_batch *b, struct op **ops, unsigned n)
{
	unsigned groups = chain(b, ops, n);
	int r = 0;

	for (unsigned i = 0; i < groups; i++) {
		struct group *g = &b->groups[b->touched[i]];
		unsigned len = 0;

		for (struct op *op = g->head; op; op = (struct op *)(uintptr_t)op->priv)
			b->order[len++] = op;
		*g = (struct group){NULL, NULL};
		if (!r)
			r = b->serve(lane, b->sockets, b->order, len, b->priv);
	}
	return r;
}

int udp_batch_submit(struct lane *lane, struct op **ops, unsigned n)
{
	struct udp_batch *b = lane->target;
	int r = b->sorted ? serve_sorted(lane, b, ops, n)
			  : b->serve(lane, b->sockets, ops, n, b->priv);

	if (r < 0)
		return r;
	opqueue_push(&b->done, ops, n);
	return (int)n;
}

int udp_batch_reap(struct lane *lane, struct op **done, unsigned min, unsigned max,
		   uint64_t timeout_ns)
{
	struct udp_batch *b = lane->target;
	unsigned n = min_of(max, b->done.count);

	(void)min;
	(void)timeout_ns; /* what was submitted is served already */
	for (unsigned i = 0; i < n; i++)
		done[i] = opqueue_pop(&b->done);
	return (int)n;
}

void udp_batch_close(struct lane *lane)
{
	if (lane->target)
		batch_free(lane->target);
	lane->target = NULL;
}

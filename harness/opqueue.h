/* SPDX-License-Identifier: MIT */
/*
 * A queue of a lane's operations, for targets that hold some. It has room for the lane's depth and
 * a lane has no more slots than that, so it cannot overflow. One thread; nothing allocates after
 * opqueue_init.
 */
#pragma once

#include <errno.h>
#include <stdlib.h>

#include "harness/op.h"

struct opqueue {
	unsigned head, count, size;
	struct op **slots; /* [size], a ring */
};

static inline int opqueue_init(struct opqueue *q, unsigned depth)
{
	*q = (struct opqueue){.size = depth, .slots = calloc(depth, sizeof(*q->slots))};
	return q->slots ? 0 : -ENOMEM;
}

static inline void opqueue_free(struct opqueue *q)
{
	free(q->slots);
	q->slots = NULL;
}

static inline void opqueue_push(struct opqueue *q, struct op **ops, unsigned n)
{
	unsigned tail = q->head + q->count;

	if (tail >= q->size)
		tail -= q->size;
	for (unsigned i = 0; i < n; i++) {
		q->slots[tail] = ops[i];
		tail = tail + 1 < q->size ? tail + 1 : 0;
	}
	q->count += n;
}

/* The oldest; the queue must not be empty. */
static inline struct op *opqueue_pop(struct opqueue *q)
{
	struct op *op = q->slots[q->head];

	q->head = q->head + 1 < q->size ? q->head + 1 : 0;
	q->count--;
	return op;
}

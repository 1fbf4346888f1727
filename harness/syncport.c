// SPDX-License-Identifier: MIT
/* A queue in front of a function that serves one operation. */
#include "harness/syncport.h"

#include <errno.h>
#include <stdlib.h>

#include "harness/opqueue.h"

struct syncport {
	syncport_serve serve;
	void *priv;
	struct opqueue queue;
};

int syncport_open(struct lane *lane, syncport_serve serve, void *priv)
{
	struct syncport *p = calloc(1, sizeof(*p));

	if (!p || opqueue_init(&p->queue, lane->depth)) {
		free(p);
		return err_sys(&lane->err, -ENOMEM, "lane %u", lane->index);
	}
	p->serve = serve;
	p->priv = priv;
	lane->target = p;
	return 0;
}

void *syncport_priv(const struct lane *lane)
{
	const struct syncport *p = lane->target;

	return p ? p->priv : NULL;
}

int syncport_submit(struct lane *lane, struct op **ops, unsigned n)
{
	struct syncport *p = lane->target;

	opqueue_push(&p->queue, ops, n);
	return (int)n;
}

int syncport_reap(struct lane *lane, struct op **done, unsigned min, unsigned max,
		  uint64_t timeout_ns)
{
	struct syncport *p = lane->target;
	struct op *op;
	int r;

	(void)min;
	(void)max;
	(void)timeout_ns;
	if (!p->queue.count)
		return 0;
	op = opqueue_pop(&p->queue);
	r = p->serve(lane, op, p->priv);
	if (r < 0)
		return r;
	done[0] = op;
	return 1;
}

void syncport_close(struct lane *lane)
{
	struct syncport *p = lane->target;

	if (!p)
		return;
	opqueue_free(&p->queue);
	free(p);
	lane->target = NULL;
}

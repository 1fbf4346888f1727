// SPDX-License-Identifier: MIT
/*
 * A FIFO in front of a function that serves one operation. The ring has room for a lane's depth, so
 * it can never be full: the drive has no more slots than that.
 */
#include "harness/syncport.h"

#include <errno.h>
#include <stdlib.h>

struct syncport {
	syncport_serve serve;
	void *priv;
	unsigned head, count, size;
	struct op *queue[];
};

int syncport_open(struct lane *lane, syncport_serve serve, void *priv)
{
	struct syncport *p = calloc(1, sizeof(*p) + lane->depth * sizeof(p->queue[0]));

	if (!p)
		return err_sys(&lane->err, -ENOMEM, "lane %u", lane->index);
	p->serve = serve;
	p->priv = priv;
	p->size = lane->depth;
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
	unsigned tail = p->head + p->count;

	for (unsigned i = 0; i < n; i++, tail++)
		p->queue[tail < p->size ? tail : tail - p->size] = ops[i];
	p->count += n;
	return (int)n;
}

int syncport_reap(struct lane *lane, struct op **done, unsigned min, unsigned max,
		  uint64_t timeout_ns)
{
	struct syncport *p = lane->target;
	unsigned want = min ? min : 1, n = 0;

	(void)timeout_ns;
	if (want > max)
		want = max;
	while (n < want && p->count) {
		struct op *op = p->queue[p->head];
		int r = p->serve(lane, op, p->priv);

		if (r < 0)
			return r;
		p->head = p->head + 1 < p->size ? p->head + 1 : 0;
		p->count--;
		done[n++] = op;
	}
	return (int)n;
}

void syncport_close(struct lane *lane)
{
	free(lane->target);
	lane->target = NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * From a completion to the moment when the program took it. Taking is a store to memory that the
 * program shares with the kernel: nobody is told. So completions wait in a queue of their ring,
 * and whenever the kernel comes by (a submission, another completion, a wait) it is seen how far
 * the program has come. What is measured is an upper bound.
 */
#pragma once

#include "probes/cqe/cqe_table.bpf.h"

static __always_inline void hist_count(const struct cqe_op *op, u32 kind, u64 ns)
{
	u32 n = shared.hist_of[op->opcode & (OPCODES - 1)], i;
	struct bpf_hist *h;

	if (!n)
		return;
	i = (n - 1) * CQE_HISTS + kind;
	h = bpf_map_lookup_elem(&hists, &i);
	if (h)
		bpf_hist_add(h, ns);
}

struct reaping {
	struct cqe_ring *ring;
	const struct probe_window *window;
	u64 now;
	u32 head; /* of the completion queue, as the program left it */
	u32 pad;
};

/* One of the queue; 1: no further. */
static long reap_one(u64 i, struct reaping *c)
{
	struct cqe_ring *r = c->ring;
	struct cqe_reap *e = &r->reap[r->reap_head & (REAP_MAX - 1)];
	struct cqe_op *op;

	(void)i;
	if (r->reap_head == r->reap_tail || (s32)(c->head - e->index) <= 0)
		return 1;
	r->reap_head++;
	op = bpf_map_lookup_elem(&ops, &e->op);
	if (!op || e->complete_ns < shared.epoch_ns || !shared.gate ||
	    !in_window(c->window, c->now))
		return 0;
	tally_add(&op->reap, c->now - e->complete_ns);
	hist_count(op, CQE_REAP, c->now - e->complete_ns);
	if (e->queued_ns)
		hist_count(op, CQE_TOTAL, c->now - e->queued_ns);
	return 0;
}

static __always_inline bool reap_waiting(const struct cqe_ring *r)
{
	return r->reap_head != r->reap_tail;
}

/* Whoever comes second leaves it to the first: it runs to its end, preemption is off. */
static __always_inline void reap_seen(struct cqe_ring *r, u32 head)
{
	struct reaping c = {.ring = r, .window = window_get(), .head = head};

	if (!c.window || __sync_val_compare_and_swap(&r->reaping, 0, 1))
		return;
	c.now = bpf_ktime_get_ns();
	bpf_loop(REAP_MAX, reap_one, &c, 0);
	__sync_lock_test_and_set(&r->reaping, 0);
}

/* Under the ring's completion lock. The tail moves last, with a barrier. */
static __always_inline void reap_push(struct cqe_ring *r, const struct cqe_reap *done)
{
	if (r->reap_tail - r->reap_head >= REAP_MAX) {
		__sync_fetch_and_add(&shared.map_full, 1);
		r->last_posted = 0;
		return;
	}
	r->reap[r->reap_tail & (REAP_MAX - 1)] = *done;
	r->last_posted = 1;
	__sync_fetch_and_add(&r->reap_tail, 1);
}

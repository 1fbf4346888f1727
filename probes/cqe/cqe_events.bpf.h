/* SPDX-License-Identifier: MIT */
/* What happens to a ring beside submissions and completions. */
#pragma once

#include "probes/cqe/cqe_impl.bpf.h"

/* Where programs come and go, what they count is not what happens: a load is slower while it is
 * watched. The ring counts on, so its counters are followed from slice to slice. */
static __always_inline void cqe_follow(struct cqe_ring *r, u64 now, u32 head, u32 tail)
{
	if (!counted(now))
		return;
	if (r->first_ns) {
		r->taken += head - r->last_head;
		r->posted += tail - r->last_tail;
	} else {
		r->first_ns = now;
	}
	r->last_ns = now;
	r->last_head = head;
	r->last_tail = tail;
}

/* A CQE without room. Whether it has been told of as posted, too, depends on the kernel. */
static __always_inline void cqe_overflow(struct cqe_ring *r, s32 res, bool told)
{
	u32 id = op_number(r, OP_UNKNOWN);
	struct cqe_op *op = bpf_map_lookup_elem(&ops, &id);

	/* Between slices this is seen, and what was posted is not. */
	if (told && r->last_posted && reap_waiting(r))
		__sync_fetch_and_sub(&r->reap_tail, 1);
	r->last_posted = 0;
	if (!counted(0))
		return;
	r->overflows++;
	if (!op || !id || told)
		return;
	op->completed++;
	if (res < 0)
		cqe_fail(id, res);
}

static __always_inline void cqe_punt(struct cqe_ring *r, u32 opcode)
{
	u32 id = op_number(r, opcode < OP_NOTIF ? opcode : OP_UNKNOWN);
	struct cqe_op *op = bpf_map_lookup_elem(&ops, &id);

	if (op && id && counted(0))
		__sync_fetch_and_add(&op->punts, 1);
}

static __always_inline void cqe_wait(struct cqe_ring *r)
{
	if (counted(0))
		__sync_fetch_and_add(&r->waits, 1);
}

static __always_inline void cqe_create(u64 ctx, u32 sq_entries, u32 cq_entries)
{
	struct thread *t = thread_self();
	struct cqe_ring *r = ring_claim(ctx, true, t != NULL);

	if (!r || !t)
		return;
	r->role = role_index(t);
	r->sq_entries = sq_entries;
	r->cq_entries = cq_entries;
}

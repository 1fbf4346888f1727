/* SPDX-License-Identifier: MIT */
/* What happens to a request, whatever kind of tracepoint tells it. */
#pragma once

#include "probes/cqe/cqe_clock.bpf.h"
#include "probes/cqe/cqe_flight.bpf.h"
#include "probes/cqe/cqe_reap.bpf.h"

enum {
	CQE_SUBMIT,
	CQE_SUBMIT_OLD,
	CQE_FAILED,
	CQE_POST,
	CQE_POST_OLD,
	CQE_PUNT,
	CQE_WAIT,
	CQE_OVERFLOW,
	CQE_CREATE
};

#define CQE_F_NOTIF 8 /* IORING_CQE_F_NOTIF */

/* The role of a ring is that of its first submitter; a kernel worker submits for its maker. */
static __always_inline void ring_role(struct cqe_ring *r)
{
	struct thread *t = thread_self();

	r->role_known = 1;
	if (t && t->role != PROBE_ROLE_IOU_SQP)
		r->role = role_index(t);
}

/* The first of `n` entries that are in the submission queue together, up to `end`. The clock is
 * read only if one of them will be timed; returns it, else 0. */
static __always_inline u64 cqe_batch(struct cqe_ring *r, u32 end, u32 n)
{
	r->batch_end = end;
	r->batch_ns = shared.every <= 1 || r->skip < n ? bpf_ktime_get_ns() : 0;
	return r->batch_ns;
}

/* `now`: 0 or the time. Returns the time when this request is timed, else 0. */
static __always_inline u64 cqe_submit(struct cqe_ring *r, u64 req, u32 opcode, u64 now)
{
	struct cqe_op *op;
	u32 id;

	if (!sampled(r))
		now = 0;
	else if (!now)
		now = bpf_ktime_get_ns();

	if (!r->role_known)
		ring_role(r);
	if (opcode >= OP_NOTIF)
		opcode = OP_UNKNOWN;
	flight_put(req, opcode, now ? times_pack(now, r->batch_ns ? now - r->batch_ns : 0) : 0);
	id = op_number(r, opcode);
	op = bpf_map_lookup_elem(&ops, &id);
	if (op && id && counted(now))
		op->submitted++;
	return now;
}

static __noinline void cqe_fail(u32 op, s32 error)
{
	struct cqe_failure key = {.op = op, .error = error};
	u64 one = 1, *n = bpf_map_lookup_elem(&failures, &key);
	struct cqe_op *of = bpf_map_lookup_elem(&ops, &op);

	if (of)
		of->failed++;
	if (n)
		__sync_fetch_and_add(n, 1);
	else if (bpf_map_update_elem(&failures, &key, &one, BPF_NOEXIST))
		__sync_fetch_and_add(&shared.map_full, 1);
}

static __always_inline void hist_give(u32 opcode)
{
	u32 n;

	if (opcode >= OP_NOTIF || shared.hist_of[opcode & (OPCODES - 1)])
		return;
	n = __sync_fetch_and_add(&shared.hists, 1) + 1;
	if (n <= HIST_OPS)
		shared.hist_of[opcode & (OPCODES - 1)] = n;
}

struct posted {
	u64 req;    /* 0: posted beside a request */
	u32 opcode; /* where the tracepoint tells it; OP_UNKNOWN */
	s32 res;
	u32 cflags;
	u32 index; /* of the CQE */
	bool indexed;
};

static __always_inline void cqe_post(struct cqe_ring *r, const struct posted *p)
{
	struct flown f = {.times = 0, .opcode = OP_POSTED};
	u64 now = 0, taken_ns = 0;
	struct cqe_op *op;
	u32 id;

	if (p->cflags & CQE_F_NOTIF)
		f.opcode = OP_NOTIF;
	else if (p->req)
		f = flight_take(p->req);
	if (f.times || shared.every <= 1)
		now = bpf_ktime_get_ns();
	if (f.times)
		taken_ns = times_taken_ns(f.times, now);
	if (taken_ns < shared.epoch_ns)
		taken_ns = 0;
	if (f.opcode == OP_UNKNOWN) {
		f.opcode = p->opcode;
		if (counted(now))
			__sync_fetch_and_add(&shared.untracked, 1);
	}
	id = op_number(r, f.opcode);
	op = bpf_map_lookup_elem(&ops, &id);
	if (!op || !id)
		return;
	if (counted(now)) {
		op->completed++;
		if (p->res < 0)
			cqe_fail(id, p->res);
		if (taken_ns) {
			hist_give(f.opcode);
			tally_add(&op->complete, now - taken_ns);
			hist_count(op, CQE_COMPLETE, now - taken_ns);
		}
	}
	r->last_posted = 0;
	if (now && p->indexed) {
		struct cqe_reap done = {taken_ns, now, p->index, id};

		if (taken_ns)
			done.queued_ns = taken_ns - times_queued(f.times);

		reap_push(r, &done);
	}
}

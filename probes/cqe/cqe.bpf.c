// SPDX-License-Identifier: MIT
/*
 * io_uring, from a request's submission to the taking of its completion. Tracepoints have had
 * other shapes: of the programs `_old` and their likes the C side loads those that fit
 * (Linux 6.1: submit_sqe, and complete with seven arguments; see probes/cqe/cqe.c).
 * Programs here run with preemption off, and never in interrupts: io_uring posts from tasks only.
 */
#include "probes/cqe/cqe_events.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The verifier lets nobody calculate with a typed pointer; once it has been in memory it is a
 * number like others. Nothing else of ours runs on this CPU meanwhile. */
static __always_inline u64 address_of(const void *object)
{
	struct cqe_cpu *own = cpu_own();
	volatile u64 *at;

	if (!own)
		return 0;
	at = &own->address;
	*at = (u64)object;
	return *at;
}

/* `head` is behind the entry that has been taken. Returns the time if it was looked at, else 0. */
static __always_inline u64 batch(struct cqe_ring *r, struct io_ring_ctx *uring, u32 head)
{
	u32 n;

	if ((s32)(head - r->batch_end) <= 0)
		return 0;
	n = uring->rings->sq.tail - (head - 1);
	if (!n || n > r->sq_entries)
		n = 1;
	return cqe_batch(r, head - 1 + n, n);
}

static __always_inline int submit(struct io_kiocb *req, u32 opcode)
{
	struct io_ring_ctx *uring = req->ctx;
	u64 address = address_of(uring);
	struct cqe_ring *r = ring_known(address);
	u32 head = uring->cached_sq_head;
	u64 now;

	if (!r) {
		r = thread_self() ? ring_claim(address, false, true) : NULL;
		if (!r)
			return 0;
		r->sq_entries = uring->sq_entries;
		r->cq_entries = uring->cq_entries;
	}
	now = cqe_submit(r, address_of(req), opcode, batch(r, uring, head));
	if (now && shared.sliced)
		cqe_follow(r, now, head, uring->cached_cq_tail);
	if (reap_waiting(r))
		reap_seen(r, uring->rings->cq.head);
	return 0;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(submit_req, struct io_kiocb *req)
{
	hit(CQE_SUBMIT);
	return submit(req, req->opcode);
}

SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(submit_sqe, struct io_kiocb *req)
{
	hit(CQE_SUBMIT_OLD);
	return submit(req, req->opcode);
}

/* Refused while it was prepared: no other tracepoint tells of its submission, and the request may
 * not have the opcode that was asked for. */
SEC("tp_btf/io_uring_req_failed")
int BPF_PROG(req_failed, const struct io_uring_sqe___kernel *sqe, struct io_kiocb *req)
{
	hit(CQE_FAILED);
	return submit(req, sqe->opcode);
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(complete, struct io_ring_ctx *uring, struct io_kiocb *req,
	     struct io_uring_cqe___kernel *cqe)
{
	struct cqe_ring *r = ring_known(address_of(uring));
	struct posted p = {.req = address_of(req), .opcode = OP_UNKNOWN, .indexed = true};

	hit(CQE_POST);
	if (!r)
		return 0;
	p.res = cqe->res;
	p.cflags = cqe->flags;
	p.index = uring->cached_cq_tail - 1;
	cqe_post(r, &p);
	if (reap_waiting(r))
		reap_seen(r, uring->rings->cq.head);
	return 0;
}

/*
 * Was the tail moved for this CQE already? It is published later than it is moved, so where both
 * are the same it has not been. The first CQE of a batch tells, and the answer stays.
 */
static __always_inline u32 index_old(struct io_ring_ctx *uring)
{
	u32 tail = BPF_CORE_READ(uring, cached_cq_tail);

	if (!shared.before_room && tail == BPF_CORE_READ(uring, rings, cq.tail))
		shared.before_room = 1;
	return shared.before_room ? tail : tail - 1;
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(complete_old, struct io_ring_ctx *uring, struct io_kiocb *req, u64 user_data, int res,
	     unsigned int cflags)
{
	struct cqe_ring *r = ring_known(address_of(uring));
	struct posted p = {.req = address_of(req), .opcode = OP_UNKNOWN, .indexed = true};

	hit(CQE_POST_OLD);
	if (!r)
		return 0;
	p.res = res;
	p.cflags = cflags;
	p.index = index_old(uring);
	cqe_post(r, &p);
	if (reap_waiting(r))
		reap_seen(r, BPF_CORE_READ(uring, rings, cq.head));
	return 0;
}

SEC("tp_btf/io_uring_queue_async_work")
int BPF_PROG(queue_async_work, struct io_kiocb *req)
{
	struct cqe_ring *r = ring_known(address_of(req->ctx));

	hit(CQE_PUNT);
	if (r)
		cqe_punt(r, req->opcode);
	return 0;
}

SEC("tp_btf/io_uring_cqring_wait")
int BPF_PROG(cqring_wait, struct io_ring_ctx *uring)
{
	struct cqe_ring *r = ring_known(address_of(uring));

	hit(CQE_WAIT);
	if (!r)
		return 0;
	cqe_wait(r);
	if (reap_waiting(r))
		reap_seen(r, BPF_CORE_READ(uring, rings, cq.head));
	return 0;
}

SEC("tp_btf/io_uring_cqe_overflow")
int BPF_PROG(overflow, void *uring, u64 user_data, s32 res)
{
	struct cqe_ring *r = ring_known(address_of(uring));

	hit(CQE_OVERFLOW);
	if (r)
		cqe_overflow(r, res, shared.before_room);
	return 0;
}

SEC("tp_btf/io_uring_create")
int BPF_PROG(create, int fd, void *uring, u32 sq_entries, u32 cq_entries)
{
	hit(CQE_CREATE);
	cqe_create(address_of(uring), sq_entries, cq_entries);
	return 0;
}

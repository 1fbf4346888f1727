// SPDX-License-Identifier: MIT
/*
 * The probe on plain tracepoints, for kernels without BTF. The layouts are those of
 * events/io_uring/.../format and are compared before loading (probes/cqe/cqe.c). The completion
 * queue cannot be seen from here, so nothing is known of when a completion was taken.
 */
#define UHBENCH_NO_CORE
#include "probes/cqe/cqe_events.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* submit_req, submit_sqe, req_failed, queue_async_work */
struct request_event {
	u64 common;
	u64 uring, req, user_data;
	u8 opcode;
};

struct complete_event {
	u64 common;
	u64 uring, req, user_data;
	s32 res;
	u32 cflags;
};

struct overflow_event {
	u64 common;
	u64 uring, user_data;
	s32 res;
};

struct ring_event {
	u64 common;
	u64 uring;
};

struct create_event {
	u64 common;
	u64 fd, uring;
	u32 sq_entries, cq_entries;
};

static __always_inline int submit(const struct request_event *e)
{
	struct cqe_ring *r = ring_known(e->uring);

	if (!r)
		r = thread_self() ? ring_claim(e->uring, false, true) : NULL;
	if (r)
		cqe_submit(r, e->req, e->opcode, 0);
	return PASS_ON;
}

SEC("tracepoint/io_uring/io_uring_submit_req")
int submit_req(struct request_event *e)
{
	hit(CQE_SUBMIT);
	return submit(e);
}

SEC("tracepoint/io_uring/io_uring_submit_sqe")
int submit_sqe(struct request_event *e)
{
	hit(CQE_SUBMIT_OLD);
	return submit(e);
}

SEC("tracepoint/io_uring/io_uring_req_failed")
int req_failed(struct request_event *e)
{
	hit(CQE_FAILED);
	return submit(e);
}

SEC("tracepoint/io_uring/io_uring_complete")
int complete(struct complete_event *e)
{
	struct cqe_ring *r = ring_known(e->uring);
	struct posted p = {.req = e->req, .opcode = OP_UNKNOWN, .res = e->res};

	hit(CQE_POST);
	if (!r)
		return PASS_ON;
	p.cflags = e->cflags;
	cqe_post(r, &p);
	return PASS_ON;
}

SEC("tracepoint/io_uring/io_uring_queue_async_work")
int queue_async_work(struct request_event *e)
{
	struct cqe_ring *r = ring_known(e->uring);

	hit(CQE_PUNT);
	if (r)
		cqe_punt(r, e->opcode);
	return PASS_ON;
}

SEC("tracepoint/io_uring/io_uring_cqring_wait")
int cqring_wait(struct ring_event *e)
{
	struct cqe_ring *r = ring_known(e->uring);

	hit(CQE_WAIT);
	if (r)
		cqe_wait(r);
	return PASS_ON;
}

SEC("tracepoint/io_uring/io_uring_cqe_overflow")
int overflow(struct overflow_event *e)
{
	struct cqe_ring *r = ring_known(e->uring);

	hit(CQE_OVERFLOW);
	if (r)
		cqe_overflow(r, e->res, shared.before_room);
	return PASS_ON;
}

SEC("tracepoint/io_uring/io_uring_create")
int create(struct create_event *e)
{
	hit(CQE_CREATE);
	cqe_create(e->uring, e->sq_entries, e->cq_entries);
	return PASS_ON;
}

// SPDX-License-Identifier: MIT
/* What nop/uring and udp/uring share: set-up, one submission call, completions. */
#include "targets/uring_port.h"

#include <errno.h>

#include "harness/target.h"
#include "harness/util/nsec.h"

static unsigned setup_flags(bool defer_taskrun)
{
	return defer_taskrun ? IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN : 0;
}

/* IORING_REGISTER_PROBE (Linux 5.6) answers for this kernel, not for the headers. */
static int probe_opcode(struct run *run, struct io_uring *ring, int opcode, const char *op_name)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	bool there = probe && io_uring_opcode_supported(probe, opcode);

	io_uring_free_probe(probe);
	return there ? 0
		     : err_set(&run->err, -EOPNOTSUPP, "this kernel's io_uring has no %s", op_name);
}

int uring_port_supported(struct run *run, bool defer_taskrun, int opcode, const char *op_name)
{
	struct io_uring ring;
	int r = io_uring_queue_init(2, &ring, setup_flags(defer_taskrun));

	if (!r) {
		r = probe_opcode(run, &ring, opcode, op_name);
		io_uring_queue_exit(&ring);
		return r;
	}
	if (r == -EINVAL && defer_taskrun)
		return err_set(&run->err, -EOPNOTSUPP,
			       "this kernel's io_uring has no SINGLE_ISSUER + DEFER_TASKRUN (6.1)");
	if (r == -ENOSYS)
		return err_set(&run->err, -EOPNOTSUPP, "this kernel has no io_uring");
	return err_sys(&run->err, r, "io_uring_setup");
}

int uring_port_init(struct lane *lane, struct io_uring *ring, bool defer_taskrun)
{
	int r = io_uring_queue_init(lane->depth, ring, setup_flags(defer_taskrun));

	return r ? err_sys(&lane->err, r, "io_uring_setup with %u entries", lane->depth) : 0;
}

int uring_port_submit(struct lane *lane, struct io_uring *ring, unsigned n)
{
	int r;

	do
		r = io_uring_submit(ring);
	while (r == -EINTR);
	if (r < 0)
		return err_sys(&lane->err, r, "io_uring_enter");
	if ((unsigned)r != n)
		return err_set(&lane->err, -EPROTO, "io_uring took %d of %u operations", r, n);
	return (int)n;
}

/* Waits for `min` completions or the time-out, whichever is first. */
static int wait_for(struct lane *lane, struct io_uring *ring, unsigned min, uint64_t timeout_ns)
{
	struct __kernel_timespec ts = {.tv_sec = (long long)(timeout_ns / NSEC_PER_SEC),
				       .tv_nsec = (long long)(timeout_ns % NSEC_PER_SEC)};
	struct io_uring_cqe *cqe;
	int r;

	do
		r = io_uring_wait_cqes(ring, &cqe, min, timeout_ns == REAP_FOREVER ? NULL : &ts,
				       NULL);
	while (r == -EINTR);
	return r && r != -ETIME ? err_sys(&lane->err, r, "io_uring_enter") : 0;
}

int uring_port_reap(struct lane *lane, struct io_uring *ring, struct op **done, unsigned min,
		    unsigned max, uint64_t timeout_ns)
{
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	if (min && io_uring_cq_ready(ring) < min) {
		int r = wait_for(lane, ring, min, timeout_ns);

		if (r)
			return r;
	} else if (!min && ring->flags & IORING_SETUP_DEFER_TASKRUN) {
		io_uring_get_events(ring); /* completions are made only when somebody asks */
	}
	io_uring_for_each_cqe (ring, head, cqe) {
		if (n == max)
			break;
		done[n] = io_uring_cqe_get_data(cqe);
		done[n++]->result = cqe->res;
	}
	io_uring_cq_advance(ring, n);
	return (int)n;
}

// SPDX-License-Identifier: MIT
/*
 * netlink/uring: requests and receives through one ring for each lane (SINGLE_ISSUER,
 * DEFER_TASKRUN: Linux 6.1). One io_uring_enter carries a request and recv_batch receives behind
 * it; the kernel runs them in that order, and since a dump is filled inside send and receive they
 * all complete at once. If the dump has not ended by then, all are posted again.
 *
 * The receives say MSG_DONTWAIT, so those behind the end of the dump complete with EAGAIN. Leaving
 * them posted for the next request instead loses order: every message wakes them all, each arms its
 * poll again, and after 128 rounds (io_uring/poll.c, APOLL_MAX_RETRY) they go to io-wq workers,
 * whose completions overtake one another. The oracle caught it after 250 dumps. Only when none is
 * posted and the dump has not ended does one receive wait for what comes.
 */
#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "targets/netlink/nlsock.h"
#include "targets/targets.h"

#define RING_FLAGS    (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE)
#define RING_REQUESTS 16384 /* in flight at most: half of IORING_MAX_CQ_ENTRIES / 2 */
#define TAG_CANCEL    UINT64_MAX

struct uring_config {
	struct nlsock_config sock; /* first: the shared knobs have its offsets */
	uint64_t recv_batch;
};

struct receive {
	struct msghdr msg;
	struct iovec iov;
	uint32_t slot;
};

struct slot {
	struct op *op; /* NULL: no dump is under way */
	struct msghdr request;
	struct iovec request_iov;
	struct receive **idle; /* stack of receives that are not posted */
	unsigned n_idle, posted;
	bool dry; /* the last receive found nothing */
};

struct uring_lane {
	struct nlsock sock;
	struct io_uring ring;
	bool ring_open;
	unsigned n_receives, posted, batch;
	struct receive *receives;  /* [depth * recv_batch] */
	struct receive **idle_all; /* backing of the slots' stacks */
	struct slot *slots;	   /* [depth] */
};

static const struct param uring_params[] = {
	NLSOCK_PARAMS,
	{.name = "recv_batch",
	 .type = PARAM_INT,
	 .offset = offsetof(struct uring_config, recv_batch),
	 .def = "16",
	 .min = 1,
	 .max = 1024,
	 .unit = "receives",
	 .help = "receives posted behind each request; those that find nothing cost one completion"},
	PARAM_END,
};

static int uring_check_cell(const struct cell *cell, struct err *err)
{
	const struct uring_config *config = cell->target_config;

	if (cell->axes.depth * (config->recv_batch + 1) > RING_REQUESTS)
		return err_set(err, -EINVAL,
			       "recv_batch: depth %llu with %llu receives each is more than the %u "
			       "requests of a ring",
			       (unsigned long long)cell->axes.depth,
			       (unsigned long long)config->recv_batch, RING_REQUESTS);
	return 0;
}

static int init_ring(unsigned requests, struct io_uring *ret)
{
	struct io_uring_params params = {.flags = RING_FLAGS, .cq_entries = 2 * requests};

	return io_uring_queue_init_params(requests, ret, &params);
}

static int uring_supported(struct run *run)
{
	struct io_uring ring;
	int rc = init_ring(8, &ring);

	if (rc == -EINVAL)
		return err_set(&run->err, -EOPNOTSUPP,
			       "io_uring: the kernel knows no IORING_SETUP_SINGLE_ISSUER with "
			       "IORING_SETUP_DEFER_TASKRUN (Linux 6.1)");
	if (rc < 0)
		return err_set(&run->err, -EOPNOTSUPP, "io_uring_setup: %s", strerror(-rc));
	io_uring_queue_exit(&ring);
	return 0;
}

/* The ring has an entry for every request that can be in flight, so a full queue is a bug here. */
static struct io_uring_sqe *get_sqe(struct uring_lane *own)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&own->ring);

	assert(sqe);
	return sqe;
}

static void post_receive(struct uring_lane *own, struct receive *receive, unsigned flags)
{
	struct io_uring_sqe *sqe = get_sqe(own);

	io_uring_prep_recvmsg(sqe, own->sock.fds[receive->slot], &receive->msg, flags);
	io_uring_sqe_set_data(sqe, receive);
	own->slots[receive->slot].posted++;
	own->posted++;
}

/* Completes only when it fails. */
static void post_request(struct lane *lane, struct uring_lane *own, struct op *op)
{
	const struct netlink_world *world = lane->run->world;
	struct slot *slot = &own->slots[op->slot];
	struct io_uring_sqe *sqe = get_sqe(own);

	slot->op = op;
	slot->request_iov = world->request(lane, op);
	io_uring_prep_sendmsg(sqe, own->sock.fds[op->slot], &slot->request, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
	io_uring_sqe_set_data64(sqe, (uint64_t)(uintptr_t)slot | 1);
}

static int enter(struct lane *lane, struct uring_lane *own, unsigned wait, uint64_t timeout_ns)
{
	struct __kernel_timespec ts = {.tv_sec = (long long)(timeout_ns / NSEC_PER_SEC),
				       .tv_nsec = (long long)(timeout_ns % NSEC_PER_SEC)};
	struct io_uring_cqe *cqe;
	int rc;

	own->sock.tally.recv_calls++;
	if (!wait)
		rc = io_uring_submit_and_get_events(&own->ring);
	else
		rc = io_uring_submit_and_wait_timeout(
			&own->ring, &cqe, wait, timeout_ns == REAP_FOREVER ? NULL : &ts, NULL);
	if (rc < 0 && rc != -ETIME && rc != -EINTR)
		return err_sys(&lane->err, rc, "io_uring_enter");
	return 0;
}

static void post_all(struct uring_lane *own, struct slot *slot)
{
	while (slot->n_idle)
		post_receive(own, slot->idle[--slot->n_idle], MSG_DONTWAIT);
}

/* Posts receives for every dump that has not ended. */
static void refill(struct uring_lane *own, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++) {
		struct slot *slot = &own->slots[i];

		if (!slot->op)
			continue;
		if (!slot->dry)
			post_all(own, slot);
		else if (!slot->posted)
			post_receive(own, slot->idle[--slot->n_idle], 0);
	}
}

static int uring_submit(struct lane *lane, struct op **ops, unsigned n)
{
	struct uring_lane *own = lane->target;
	int rc;

	for (unsigned i = 0; i < n; i++) {
		struct slot *slot = &own->slots[ops[i]->slot];

		slot->dry = false;
		post_request(lane, own, ops[i]);
		post_all(own, slot);
	}
	rc = enter(lane, own, 0, 0);
	return rc < 0 ? rc : (int)n;
}

/* Ends the slot's dump. What a failed one left in the socket is thrown away; receives of it that
 * have completed already are told by their sequence number. */
static int finish(struct lane *lane, struct uring_lane *own, struct slot *slot, struct op **ret)
{
	*ret = slot->op;
	slot->op = NULL;
	own->sock.tally.dumps++;
	if ((*ret)->result < 0)
		return nlsock_drain(&own->sock, lane, (*ret)->slot);
	return 0;
}

static enum netlink_verdict judge(struct lane *lane, struct slot *slot,
				  const struct receive *receive, int res)
{
	const struct netlink_world *world = lane->run->world;

	slot->dry = res == -EAGAIN;
	if (res >= 0)
		return world->consume(lane, slot->op, receive->iov.iov_base, (size_t)res,
				      receive->msg.msg_flags);
	if (res == -EAGAIN || res == -EINTR)
		return NETLINK_MORE;
	slot->op->result = res;
	return NETLINK_END;
}

/* One completion of a receive. 1: it ended the dump *ret; 0: it did not; -errno. */
static int complete_receive(struct lane *lane, struct uring_lane *own, struct receive *receive,
			    int res, struct op **ret)
{
	struct slot *slot = &own->slots[receive->slot];
	int rc;

	own->posted--;
	slot->posted--;
	slot->idle[slot->n_idle++] = receive;
	if (!slot->op || judge(lane, slot, receive, res) == NETLINK_MORE)
		return 0;
	rc = finish(lane, own, slot, ret);
	return rc < 0 ? rc : 1;
}

static int complete_request(struct lane *lane, struct uring_lane *own, struct slot *slot, int res,
			    struct op **ret)
{
	int rc;

	slot->op->result = res;
	rc = finish(lane, own, slot, ret);
	return rc < 0 ? rc : 1;
}

/* The request's data is its slot with the low bit set, a receive's is the receive. */
static bool is_request(const struct io_uring_cqe *cqe)
{
	return cqe->user_data & 1;
}

static bool may_end_a_dump(const struct uring_lane *own, const struct io_uring_cqe *cqe)
{
	const struct receive *receive = (const void *)(uintptr_t)cqe->user_data;

	return is_request(cqe) || own->slots[receive->slot].op;
}

/* Takes completions until `max` dumps have ended or the queue is empty; also those behind the end
 * of the last dump, so that its receives are free for the next. */
static int collect(struct lane *lane, struct uring_lane *own, struct op **done, unsigned max)
{
	struct io_uring_cqe *cqe;
	unsigned n = 0;

	while (io_uring_peek_cqe(&own->ring, &cqe) == 0 && (n < max || !may_end_a_dump(own, cqe))) {
		void *data = (void *)(uintptr_t)(cqe->user_data & ~1ull);
		bool request = is_request(cqe);
		int res = cqe->res, rc;
		struct op *op;

		io_uring_cqe_seen(&own->ring, cqe);
		rc = request ? complete_request(lane, own, data, res, &op)
			     : complete_receive(lane, own, data, res, &op);
		if (rc < 0)
			return rc;
		if (rc)
			done[n++] = op;
	}
	return (int)n;
}

static int uring_reap(struct lane *lane, struct op **done, unsigned min, unsigned max,
		      uint64_t timeout_ns)
{
	const uint64_t start_ns = timeout_ns == REAP_FOREVER ? 0 : nsec_now();
	struct uring_lane *own = lane->target;
	unsigned n = 0;

	for (bool entered = false;; entered = true) {
		uint64_t left_ns = timeout_ns;
		int rc = collect(lane, own, done + n, max - n);

		if (rc < 0)
			return rc;
		n += (unsigned)rc;
		if (n && n >= min)
			return (int)n;
		if (timeout_ns != REAP_FOREVER) {
			uint64_t spent_ns = nsec_now() - start_ns;

			if (entered && spent_ns >= timeout_ns)
				return (int)n;
			left_ns = spent_ns < timeout_ns ? timeout_ns - spent_ns : 0;
		}
		refill(own, lane->depth);
		rc = enter(lane, own, min && left_ns ? 1 : 0, left_ns);
		if (rc < 0)
			return rc;
	}
}

static int open_receives(struct uring_lane *own, struct lane *lane)
{
	const unsigned n = own->n_receives;

	own->receives = calloc(n, sizeof(*own->receives));
	own->idle_all = calloc(n, sizeof(struct receive *));
	own->slots = calloc(lane->depth, sizeof(*own->slots));
	if (!own->receives || !own->idle_all || !own->slots)
		return err_sys(&lane->err, -ENOMEM, "%u receives", n);
	for (unsigned i = 0; i < lane->depth; i++) {
		struct slot *slot = &own->slots[i];

		slot->request = (struct msghdr){.msg_iov = &slot->request_iov, .msg_iovlen = 1};
		slot->idle = own->idle_all + i * own->batch;
	}
	for (unsigned i = 0; i < n; i++) {
		struct receive *receive = &own->receives[i];
		struct slot *slot = &own->slots[i / own->batch];

		receive->slot = i / own->batch;
		receive->iov = (struct iovec){own->sock.bufs + i * own->sock.recv_bytes,
					      own->sock.recv_bytes};
		receive->msg = (struct msghdr){.msg_iov = &receive->iov, .msg_iovlen = 1};
		slot->idle[slot->n_idle++] = receive;
	}
	return 0;
}

static int uring_lane_open(struct lane *lane)
{
	const struct uring_config *config = lane->run->target_config;
	struct uring_lane *own = calloc(1, sizeof(*own));
	int rc;

	if (!own)
		return err_sys(&lane->err, -ENOMEM, "netlink lane");
	lane->target = own;
	own->batch = (unsigned)config->recv_batch;
	own->n_receives = lane->depth * own->batch;
	rc = nlsock_open(&own->sock, lane, own->n_receives);
	if (rc < 0)
		return rc;
	rc = open_receives(own, lane);
	if (rc < 0)
		return rc;
	rc = init_ring(own->n_receives + lane->depth, &own->ring);
	if (rc < 0)
		return err_sys(&lane->err, rc, "io_uring_setup for %u requests",
			       own->n_receives + lane->depth);
	own->ring_open = true;
	return 0;
}

/* The kernel writes into our buffers as long as a receive is posted: cancel, and wait for each. */
static void cancel_receives(struct uring_lane *own)
{
	struct io_uring_sqe *sqe = get_sqe(own);
	struct io_uring_cqe *cqe;

	io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY);
	io_uring_sqe_set_data64(sqe, TAG_CANCEL);
	while (own->posted && io_uring_submit_and_wait(&own->ring, 1) >= 0) {
		while (io_uring_peek_cqe(&own->ring, &cqe) == 0) {
			if (!(cqe->user_data & 1))
				own->posted--;
			io_uring_cqe_seen(&own->ring, cqe);
		}
	}
}

static void uring_lane_close(struct lane *lane)
{
	struct uring_lane *own = lane->target;

	if (!own)
		return;
	if (own->ring_open) {
		cancel_receives(own);
		io_uring_queue_exit(&own->ring);
	}
	nlsock_close(&own->sock, lane);
	free(own->receives);
	free(own->idle_all);
	free(own->slots);
	free(own);
	lane->target = NULL;
}

const struct target_ops target_netlink_uring = {
	.workload = "netlink",
	.name = "uring",
	.help = "one ring: SENDMSG with recv_batch RECVMSG behind it in one io_uring_enter",
	.params = uring_params,
	.config_size = sizeof(struct uring_config),
	.metrics = nlsock_metrics,
	.check_cell = uring_check_cell,
	.supported = uring_supported,
	.setup = nlsock_setup,
	.lane_open = uring_lane_open,
	.submit = uring_submit,
	.reap = uring_reap,
	.lane_close = uring_lane_close,
	.report = nlsock_report,
	.teardown = nlsock_teardown,
};

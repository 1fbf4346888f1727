// SPDX-License-Identifier: MIT
/*
 * netlink/recvmmsg: several messages for each system call. MSG_WAITFORONE makes the call return
 * what is there once one message came: a dump's last call would otherwise wait for messages that
 * the kernel never sends. Each message is still filled inside the call (netlink_recvmsg takes one
 * and dumps the next), so the batch saves entries into the kernel and nothing else.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "targets/netlink/nlsock.h"
#include "targets/targets.h"

struct recvmmsg_config {
	struct nlsock_config sock; /* first: the shared knobs have its offsets */
	uint64_t recv_batch;
};

struct recvmmsg_lane {
	struct nlsock sock; /* first: nlsock_sync_open */
	unsigned n;
	struct iovec *iovs;
	struct mmsghdr *msgs;
};

static const struct param recvmmsg_params[] = {
	NLSOCK_PARAMS,
	{.name = "recv_batch",
	 .type = PARAM_INT,
	 .offset = offsetof(struct recvmmsg_config, recv_batch),
	 .def = "16",
	 .min = 1,
	 .max = 1024,
	 .unit = "messages",
	 .help = "most messages that one recvmmsg takes (UIO_MAXIOV is 1024)"},
	PARAM_END,
};

/* Every message is read, also those behind the end of the dump: the workload judges them. */
static enum netlink_verdict consume_all(struct lane *lane, struct recvmmsg_lane *own, struct op *op,
					unsigned n)
{
	const struct netlink_world *world = lane->run->world;
	enum netlink_verdict verdict = NETLINK_MORE;

	for (unsigned i = 0; i < n; i++) {
		verdict = world->consume(lane, op, own->iovs[i].iov_base, own->msgs[i].msg_len,
					 own->msgs[i].msg_hdr.msg_flags);
		if (verdict == NETLINK_END && op->result < 0)
			break;
	}
	return verdict;
}

static enum netlink_verdict receive(struct lane *lane, struct recvmmsg_lane *own, struct op *op)
{
	int n = recvmmsg(own->sock.fds[op->slot], own->msgs, own->n, MSG_WAITFORONE, NULL);

	own->sock.tally.recv_calls++;
	if (n >= 0)
		return consume_all(lane, own, op, (unsigned)n);
	if (errno == EINTR)
		return NETLINK_MORE;
	op->result = -errno;
	return NETLINK_END;
}

static int recvmmsg_serve(struct lane *lane, struct op *op, void *priv)
{
	struct recvmmsg_lane *own = priv;

	if (op->priv) {
		op->result = -(int32_t)op->priv;
		return 0;
	}
	while (receive(lane, own, op) == NETLINK_MORE)
		;
	own->sock.tally.dumps++;
	return op->result < 0 ? nlsock_drain(&own->sock, lane, op->slot) : 0;
}

static int recvmmsg_lane_open(struct lane *lane)
{
	const struct recvmmsg_config *config = lane->run->target_config;
	const unsigned n = (unsigned)config->recv_batch;
	struct recvmmsg_lane *own;
	int rc = nlsock_sync_open(lane, sizeof(*own), n, recvmmsg_serve);

	if (rc < 0)
		return rc;
	own = syncport_priv(lane);
	own->n = n;
	own->iovs = calloc(n, sizeof(*own->iovs));
	own->msgs = calloc(n, sizeof(*own->msgs));
	if (!own->iovs || !own->msgs)
		return err_sys(&lane->err, -ENOMEM, "%u message headers", n);
	for (unsigned i = 0; i < n; i++) {
		own->iovs[i].iov_base = own->sock.bufs + i * own->sock.recv_bytes;
		own->iovs[i].iov_len = own->sock.recv_bytes;
		own->msgs[i].msg_hdr.msg_iov = &own->iovs[i];
		own->msgs[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

static void recvmmsg_lane_close(struct lane *lane)
{
	struct recvmmsg_lane *own = syncport_priv(lane);

	if (!own)
		return;
	free(own->iovs);
	free(own->msgs);
	nlsock_sync_close(lane);
}

const struct target_ops target_netlink_recvmmsg = {
	.workload = "netlink",
	.name = "recvmmsg",
	.help = "send, then up to recv_batch messages for each recvmmsg",
	.params = recvmmsg_params,
	.config_size = sizeof(struct recvmmsg_config),
	.metrics = nlsock_metrics,
	.setup = nlsock_setup,
	.lane_open = recvmmsg_lane_open,
	.submit = nlsock_sync_submit,
	.reap = syncport_reap,
	.lane_close = recvmmsg_lane_close,
	.report = nlsock_report,
	.teardown = nlsock_teardown,
};

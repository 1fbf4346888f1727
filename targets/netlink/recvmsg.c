// SPDX-License-Identifier: MIT
/*
 * netlink/recvmsg: what a plain program does. One send, then one recvmsg for each message of the
 * kernel until the dump ends. A batch is sent whole before its first dump is read, socket by
 * socket; the kernel fills the next message of a dump only inside the recvmsg that takes the last
 * one, so depth adds waiting and no parallel work.
 */
#include <errno.h>
#include <sys/socket.h>

#include "targets/netlink/nlsock.h"
#include "targets/targets.h"

static const struct param recvmsg_params[] = {NLSOCK_PARAMS, PARAM_END};

static enum netlink_verdict receive(struct lane *lane, struct nlsock *sock, struct op *op)
{
	const struct netlink_world *world = lane->run->world;
	struct iovec iov = {sock->bufs, sock->recv_bytes};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n = recvmsg(sock->fds[op->slot], &msg, 0);

	sock->tally.recv_calls++;
	if (n >= 0)
		return world->consume(lane, op, sock->bufs, (size_t)n, msg.msg_flags);
	if (errno == EINTR)
		return NETLINK_MORE;
	op->result = -errno;
	return NETLINK_END;
}

static int recvmsg_serve(struct lane *lane, struct op *op, void *priv)
{
	struct nlsock *sock = priv;

	if (op->priv) {
		op->result = -(int32_t)op->priv;
		return 0;
	}
	while (receive(lane, sock, op) == NETLINK_MORE)
		;
	sock->tally.dumps++;
	return op->result < 0 ? nlsock_drain(sock, lane, op->slot) : 0;
}

static int recvmsg_lane_open(struct lane *lane)
{
	return nlsock_sync_open(lane, sizeof(struct nlsock), 1, recvmsg_serve);
}

const struct target_ops target_netlink_recvmsg = {
	.workload = "netlink",
	.name = "recvmsg",
	.help = "send, then recvmsg until the dump ends",
	.params = recvmsg_params,
	.config_size = sizeof(struct nlsock_config),
	.metrics = nlsock_metrics,
	.setup = nlsock_setup,
	.lane_open = recvmsg_lane_open,
	.submit = nlsock_sync_submit,
	.reap = syncport_reap,
	.lane_close = nlsock_sync_close,
	.report = nlsock_report,
	.teardown = nlsock_teardown,
};

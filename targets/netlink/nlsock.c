// SPDX-License-Identifier: MIT
/*
 * Request sockets of the netlink targets. They are opened by the lane's own thread, which is in the
 * workload's network namespace, and live as long as the lane: the kernel sizes a dump's messages
 * by the largest receive the socket has seen (netlink_recvmsg, max_recvmsg_len), so only the very
 * first dump of a socket comes in small ones.
 */
#include "targets/netlink/nlsock.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "harness/result.h"
#include "harness/util/cleanup.h"

const struct metric nlsock_metrics[] = {
	{"recv_calls_per_dump", "1", BETTER_LOWER,
	 "system calls that received (recvmsg, recvmmsg, io_uring_enter) for one dump of the run"},
	METRIC_END,
};

static int open_socket(const struct nlsock_config *config, int *ret, uint64_t *ret_given)
{
	const int asked = (int)config->rcvbuf;
	int given = 0;
	socklen_t len = sizeof(given);
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0)
		return -errno;
	if (asked && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &asked, sizeof(asked)) < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &given, &len) < 0)
		return -errno;
	*ret_given = (uint64_t)given;
	*ret = take_fd(fd);
	return 0;
}

int nlsock_open(struct nlsock *sock, struct lane *lane, unsigned n_bufs)
{
	const struct nlsock_config *config = lane->run->target_config;
	const size_t bytes = (n_bufs * config->recv_bytes + 4095) & ~(size_t)4095;

	sock->fds = malloc(lane->depth * sizeof(*sock->fds));
	sock->bufs = aligned_alloc(4096, bytes);
	sock->recv_bytes = config->recv_bytes;
	if (!sock->fds || !sock->bufs)
		return err_sys(&lane->err, -ENOMEM, "%u receive buffers of %llu bytes", n_bufs,
			       (unsigned long long)config->recv_bytes);
	memset(sock->bufs, 0, bytes);
	while (sock->depth < lane->depth) {
		int rc = open_socket(config, &sock->fds[sock->depth], &sock->tally.rcvbuf_given);

		if (rc < 0)
			return err_sys(&lane->err, rc, "NETLINK_SOCK_DIAG socket %u of lane %u",
				       sock->depth, lane->index);
		sock->depth++;
	}
	return 0;
}

void nlsock_close(struct nlsock *sock, const struct lane *lane)
{
	struct nlsock_tally *tallies = lane->run->target;

	tallies[lane->index] = sock->tally;
	for (unsigned i = 0; i < sock->depth; i++)
		close(sock->fds[i]);
	free(sock->fds);
	free(sock->bufs);
	*sock = (struct nlsock){0};
}

int nlsock_request(const struct nlsock *sock, const struct lane *lane, const struct op *op)
{
	const struct netlink_world *world = lane->run->world;
	struct iovec iov = world->request(lane, op);
	ssize_t n;

	do {
		n = send(sock->fds[op->slot], iov.iov_base, iov.iov_len, 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int nlsock_drain(const struct nlsock *sock, struct lane *lane, unsigned slot)
{
	char scrap[64]; /* not the buffers: they may hold what was not read yet */
	ssize_t n;

	do {
		n = recv(sock->fds[slot], scrap, sizeof(scrap), MSG_DONTWAIT);
	} while (n >= 0 || errno == EINTR || errno == ENOBUFS);
	if (errno == EAGAIN)
		return 0;
	return err_sys(&lane->err, -errno, "emptying request socket %u after a failed dump", slot);
}

int nlsock_sync_open(struct lane *lane, size_t bytes, unsigned n_bufs, syncport_serve serve)
{
	struct nlsock *sock = calloc(1, bytes);
	int rc;

	if (!sock)
		return err_sys(&lane->err, -ENOMEM, "netlink lane");
	rc = syncport_open(lane, serve, sock);
	if (rc < 0) {
		free(sock);
		return rc;
	}
	return nlsock_open(sock, lane, n_bufs);
}

int nlsock_sync_submit(struct lane *lane, struct op **ops, unsigned n)
{
	const struct nlsock *sock = syncport_priv(lane);

	for (unsigned i = 0; i < n; i++)
		ops[i]->priv = (uint64_t)-nlsock_request(sock, lane, ops[i]);
	return syncport_submit(lane, ops, n);
}

void nlsock_sync_close(struct lane *lane)
{
	struct nlsock *sock = syncport_priv(lane);

	if (!sock)
		return;
	nlsock_close(sock, lane);
	free(sock);
	syncport_close(lane);
}

int nlsock_setup(struct run *run)
{
	run->target = calloc(run->axes->threads, sizeof(struct nlsock_tally));
	return run->target ? 0 : err_sys(&run->err, -ENOMEM, "netlink target");
}

void nlsock_report(struct run *run, struct result *result)
{
	const struct nlsock_config *config = run->target_config;
	const struct nlsock_tally *tallies = run->target;
	uint64_t calls = 0, dumps = 0;

	for (unsigned i = 0; i < run->axes->threads; i++) {
		calls += tallies[i].recv_calls;
		dumps += tallies[i].dumps;
	}
	if (dumps)
		result_metric(result, "recv_calls_per_dump", (double)calls / (double)dumps);
	else
		result_metric_none(result, "recv_calls_per_dump", "no dump was answered");
	if (tallies[0].rcvbuf_given < 2 * config->rcvbuf)
		result_note(result,
			    "rcvbuf: the kernel gave %llu bytes, not %llu (net.core.rmem_max)",
			    (unsigned long long)tallies[0].rcvbuf_given / 2,
			    (unsigned long long)config->rcvbuf);
}

void nlsock_teardown(struct run *run)
{
	free(run->target);
	run->target = NULL;
}

// SPDX-License-Identifier: MIT
/*
 * udp/sendmmsg: a submitted batch in one call. The kernel stops at the first datagram that it
 * refuses and returns how many went before; the error itself comes back only when that datagram is
 * the first of a call (net/socket.c: __sys_sendmmsg), so the rest is offered again until each has
 * an answer. A pending ECONNREFUSED that stops a call in the middle is lost that way: the kernel
 * tells nobody, and the datagram is sent by the next call.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "harness/util/cleanup.h"
#include "targets/targets.h"
#include "targets/udp/udp_batch.h"

static const struct param sendmmsg_params[] = {UDP_SOCKET_PARAMS, PARAM_END};

struct messages {
	struct mmsghdr *msgs; /* [batch], behind the struct, as are: */
	struct iovec *iov;    /* [batch] */
};

static void fill(struct messages *m, const struct udp_sockets *s, struct op **ops, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		m->iov[i] = (struct iovec){ops[i]->data, ops[i]->len};
		m->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = (void *)udp_sockets_name(s, ops[i]),
			.msg_namelen = udp_sockets_namelen(s),
			.msg_iov = &m->iov[i],
			.msg_iovlen = 1,
		};
	}
}

static int sendmmsg_serve(struct lane *lane, const struct udp_sockets *s, struct op **ops,
			  unsigned n, void *priv)
{
	struct messages *m = priv;
	int fd = udp_sockets_fd(s, ops[0]);
	unsigned at = 0;

	(void)lane;
	fill(m, s, ops, n);
	while (at < n) {
		int sent = sendmmsg(fd, m->msgs + at, n - at, s->flags);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			ops[at++]->result = -errno;
		for (int i = 0; i < sent; i++, at++)
			ops[at]->result = (int32_t)m->msgs[at].msg_len;
	}
	return 0;
}

static int sendmmsg_lane_open(struct lane *lane)
{
	size_t each = sizeof(struct mmsghdr) + sizeof(struct iovec);
	struct messages *m = calloc(1, sizeof(*m) + lane->batch * each);

	if (!m)
		return err_sys(&lane->err, -ENOMEM, "lane %u", lane->index);
	m->msgs = (struct mmsghdr *)(m + 1);
	m->iov = (struct iovec *)(m->msgs + lane->batch);
	return udp_batch_open(lane, false, sendmmsg_serve, m);
}

const struct target_ops target_udp_sendmmsg = {
	.workload = "udp",
	.name = "sendmmsg",
	.help = "sendmmsg(2) for each submitted batch",
	.params = sendmmsg_params,
	.config_size = sizeof(struct udp_socket_config),
	.setup = udp_target_setup,
	.lane_open = sendmmsg_lane_open,
	.submit = udp_batch_submit,
	.reap = udp_batch_reap,
	.lane_close = udp_batch_close,
	.report = udp_target_report,
	.teardown = udp_target_teardown,
};

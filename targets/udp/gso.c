// SPDX-License-Identifier: MIT
/*
 * udp/gso: the datagrams of a batch for one destination in one buffer, cut apart by the kernel as
 * late as it can (UDP_SEGMENT, udp(7), Linux 4.18). The slots' buffers are gathered by iovec. A
 * buffer is split where the kernel demands it: UDP_MAX_SEGMENTS, which is 64 or 128 and therefore
 * tried out, and the 65507 bytes of one IPv4 datagram.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "harness/util/cleanup.h"
#include "harness/world/udp.h"
#include "targets/targets.h"
#include "targets/udp/udp_batch.h"

#define SEGMENTS_NEW 128u /* include/linux/udp.h: UDP_MAX_SEGMENTS since 6.9 */
#define SEGMENTS_OLD 64u
#define BYTES_MOST   65507u

static const struct param gso_params[] = {UDP_SOCKET_PARAMS, PARAM_END};

struct gather {
	unsigned most; /* datagrams in one buffer */
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))];
	struct iovec iov[]; /* [most] */
};

static int gso_supported(struct run *run)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int size = 1;

	if (fd < 0)
		return err_sys(&run->err, -errno, "socket");
	if (!setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)))
		return 0;
	if (errno == ENOPROTOOPT)
		return err_set(&run->err, -EOPNOTSUPP, "this kernel has no UDP_SEGMENT (4.18)");
	return err_sys(&run->err, -errno, "UDP_SEGMENT");
}

/* Sends `segments` datagrams of one byte to ourselves in one buffer. */
static int try_segments(unsigned segments)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in self = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(self);
	char bytes[SEGMENTS_NEW] = {0};
	int size = 1;

	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof(self)) ||
	    getsockname(fd, (struct sockaddr *)&self, &len) ||
	    setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) ||
	    sendto(fd, bytes, segments, 0, (struct sockaddr *)&self, sizeof(self)) < 0)
		return -errno;
	return 0;
}

static int gso_setup(struct run *run)
{
	struct udp_world *w = run->world;
	unsigned segments = SEGMENTS_NEW;
	int r = udp_target_setup(run);

	if (r)
		return r;
	r = try_segments(segments);
	if (r == -EINVAL)
		r = try_segments(segments = SEGMENTS_OLD);
	if (r)
		return err_sys(&run->err, r, "%u datagrams in one buffer", segments);
	w->datagrams_per_buffer = min_of(segments, BYTES_MOST / (unsigned)run->axes->payload);
	return 0;
}

static void set_segment_size(struct msghdr *msg, struct gather *g, uint16_t bytes)
{
	struct cmsghdr *c;

	msg->msg_control = g->control;
	msg->msg_controllen = sizeof(g->control);
	c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(bytes));
	*(uint16_t *)(void *)CMSG_DATA(c) = bytes;
}

/* The kernel takes or refuses the buffer as a whole, so its datagrams share the answer. */
static void send_buffer(const struct udp_sockets *s, struct gather *g, struct op **ops, unsigned n)
{
	struct msghdr msg = {.msg_name = (void *)udp_sockets_name(s, ops[0]),
			     .msg_namelen = udp_sockets_namelen(s),
			     .msg_iov = g->iov,
			     .msg_iovlen = n};
	ssize_t sent, total = 0;

	set_segment_size(&msg, g, (uint16_t)ops[0]->len);
	for (unsigned i = 0; i < n; i++) {
		g->iov[i] = (struct iovec){ops[i]->data, ops[i]->len};
		total += ops[i]->len;
	}
	do
		sent = sendmsg(udp_sockets_fd(s, ops[0]), &msg, s->flags);
	while (sent < 0 && errno == EINTR);
	for (unsigned i = 0; i < n; i++)
		ops[i]->result = sent < 0 ? -errno : sent == total ? (int32_t)ops[i]->len : 0;
}

static int gso_serve(struct lane *lane, const struct udp_sockets *s, struct op **ops, unsigned n,
		     void *priv)
{
	struct gather *g = priv;

	(void)lane;
	for (unsigned at = 0, len; at < n; at += len) {
		len = min_of(n - at, g->most);
		send_buffer(s, g, ops + at, len);
	}
	return 0;
}

static int gso_lane_open(struct lane *lane)
{
	const struct udp_world *w = lane->run->world;
	struct gather *g = calloc(1, sizeof(*g) + w->datagrams_per_buffer * sizeof(g->iov[0]));

	if (!g)
		return err_sys(&lane->err, -ENOMEM, "lane %u", lane->index);
	g->most = w->datagrams_per_buffer;
	return udp_batch_open(lane, true, gso_serve, g);
}

const struct target_ops target_udp_gso = {
	.workload = "udp",
	.name = "gso",
	.help = "UDP_SEGMENT: a batch for one destination as one buffer",
	.params = gso_params,
	.config_size = sizeof(struct udp_socket_config),
	.supported = gso_supported,
	.setup = gso_setup,
	.lane_open = gso_lane_open,
	.submit = udp_batch_submit,
	.reap = udp_batch_reap,
	.lane_close = udp_batch_close,
	.report = udp_target_report,
	.teardown = udp_target_teardown,
};

// SPDX-License-Identifier: MIT
/* udp/sendto: one system call for each datagram, as most programs do it. */
#include <errno.h>
#include <sys/socket.h>

#include "harness/syncport.h"
#include "targets/targets.h"
#include "targets/udp/udp_socket.h"

static const struct param sendto_params[] = {UDP_SOCKET_PARAMS, PARAM_END};

static int sendto_serve(struct lane *lane, struct op *op, void *priv)
{
	const struct udp_sockets *s = priv;
	ssize_t n;

	(void)lane;
	do
		n = sendto(udp_sockets_fd(s, op), op->data, op->len, s->flags,
			   (const struct sockaddr *)udp_sockets_name(s, op),
			   udp_sockets_namelen(s));
	while (n < 0 && errno == EINTR);
	op->result = n < 0 ? -errno : (int32_t)n;
	return 0;
}

static int sendto_lane_open(struct lane *lane)
{
	struct udp_sockets *s;
	int r = udp_sockets_open(lane, &s);

	if (r)
		return r;
	r = syncport_open(lane, sendto_serve, s);
	if (r)
		udp_sockets_close(s);
	return r;
}

static void sendto_lane_close(struct lane *lane)
{
	udp_sockets_close(syncport_priv(lane));
	syncport_close(lane);
}

const struct target_ops target_udp_sendto = {
	.workload = "udp",
	.name = "sendto",
	.help = "sendto(2) for each datagram",
	.params = sendto_params,
	.config_size = sizeof(struct udp_socket_config),
	.setup = udp_target_setup,
	.lane_open = sendto_lane_open,
	.submit = syncport_submit,
	.reap = syncport_reap,
	.lane_close = sendto_lane_close,
	.report = udp_target_report,
	.teardown = udp_target_teardown,
};

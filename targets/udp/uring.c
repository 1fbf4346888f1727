// SPDX-License-Identifier: MIT
/*
 * udp/uring: IORING_OP_SEND on connected sockets, IORING_OP_SENDMSG on others, a batch for each
 * io_uring_enter. A full send buffer leaves a request waiting in the kernel while later ones go
 * ahead, so here, and only here, the sender itself can change the order.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "harness/util/cleanup.h"
#include "harness/world/udp.h"
#include "targets/targets.h"
#include "targets/udp/udp_socket.h"
#include "targets/uring_port.h"

struct uring_config {
	struct udp_socket_config socket;
	bool fixed_files, defer_taskrun;
};

static const struct param uring_params[] = {
	UDP_SOCKET_PARAMS,
	{.name = "fixed_files",
	 .type = PARAM_BOOL,
	 .offset = offsetof(struct uring_config, fixed_files),
	 .def = "false",
	 .help = "sockets registered with the ring (IORING_REGISTER_FILES)"},
	{.name = "defer_taskrun",
	 .type = PARAM_BOOL,
	 .offset = offsetof(struct uring_config, defer_taskrun),
	 .def = "false",
	 .help = "SINGLE_ISSUER and DEFER_TASKRUN rings (Linux 6.1)"},
	PARAM_END,
};

struct message {
	struct msghdr hdr;
	struct iovec iov;
};

struct uring_lane {
	struct io_uring ring;
	struct udp_sockets *sockets;
	bool fixed_files;
	struct message messages[]; /* [depth], by slot */
};

static int uring_supported(struct run *run)
{
	const struct uring_config *c = run->target_config;

	if (c->socket.connected)
		return uring_port_supported(run, c->defer_taskrun, IORING_OP_SEND, "SEND");
	return uring_port_supported(run, c->defer_taskrun, IORING_OP_SENDMSG, "SENDMSG");
}

static int uring_setup(struct run *run)
{
	struct udp_world *w = run->world;

	w->may_reorder = true;
	return udp_target_setup(run);
}

static int uring_lane_open(struct lane *lane)
{
	const struct uring_config *c = lane->run->target_config;
	struct uring_lane *u = calloc(1, sizeof(*u) + lane->depth * sizeof(u->messages[0]));
	int r;

	if (!u)
		return err_sys(&lane->err, -ENOMEM, "lane %u", lane->index);
	r = uring_port_init(lane, &u->ring, c->defer_taskrun);
	if (r) {
		free(u);
		return r;
	}
	lane->target = u;
	r = udp_sockets_open(lane, &u->sockets);
	if (r)
		return r;
	u->fixed_files = c->fixed_files;
	if (u->fixed_files)
		r = io_uring_register_files(&u->ring, u->sockets->fds, u->sockets->n);
	return r ? err_sys(&lane->err, r, "registering %u sockets", u->sockets->n) : 0;
}

static void prepare(struct uring_lane *u, struct io_uring_sqe *sqe, struct op *op)
{
	const struct udp_sockets *s = u->sockets;
	int fd = u->fixed_files ? (int)(s->name ? 0 : op->addr) : udp_sockets_fd(s, op);
	struct message *m = &u->messages[op->slot];

	if (s->name) {
		m->iov = (struct iovec){op->data, op->len};
		m->hdr = (struct msghdr){.msg_name = (void *)udp_sockets_name(s, op),
					 .msg_namelen = udp_sockets_namelen(s),
					 .msg_iov = &m->iov,
					 .msg_iovlen = 1};
		io_uring_prep_sendmsg(sqe, fd, &m->hdr, (unsigned)s->flags);
	} else {
		io_uring_prep_send(sqe, fd, op->data, op->len, s->flags);
	}
	if (u->fixed_files)
		sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data(sqe, op);
}

static int uring_submit(struct lane *lane, struct op **ops, unsigned n)
{
	struct uring_lane *u = lane->target;

	for (unsigned i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

		if (!sqe)
			return err_set(&lane->err, -EPROTO, "the submission queue is full");
		prepare(u, sqe, ops[i]);
	}
	return uring_port_submit(lane, &u->ring, n);
}

static int uring_reap(struct lane *lane, struct op **done, unsigned min, unsigned max,
		      uint64_t timeout_ns)
{
	struct uring_lane *u = lane->target;

	return uring_port_reap(lane, &u->ring, done, min, max, timeout_ns);
}

static void uring_lane_close(struct lane *lane)
{
	struct uring_lane *u = lane->target;

	if (!u)
		return;
	io_uring_queue_exit(&u->ring);
	udp_sockets_close(u->sockets);
	free(u);
	lane->target = NULL;
}

const struct target_ops target_udp_uring = {
	.workload = "udp",
	.name = "uring",
	.help = "io_uring SEND or SENDMSG, one ring for each lane",
	.params = uring_params,
	.config_size = sizeof(struct uring_config),
	.supported = uring_supported,
	.setup = uring_setup,
	.lane_open = uring_lane_open,
	.submit = uring_submit,
	.reap = uring_reap,
	.lane_close = uring_lane_close,
	.report = udp_target_report,
	.teardown = udp_target_teardown,
};

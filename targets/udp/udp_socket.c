// SPDX-License-Identifier: MIT
/*
 * Sending sockets. The kernel doubles SO_SNDBUF for its own overhead and cuts it to wmem_max
 * without a word (socket(7)), so what it really became is read back and told.
 */
#include "targets/udp/udp_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "harness/result.h"
#include "harness/util/cleanup.h"
#include "harness/world/udp.h"

/* run->target of every udp target; all lanes get the same buffer size. */
struct udp_shared {
	_Atomic uint64_t sndbuf_bytes;
};

static int set_sndbuf(int fd, const struct udp_socket_config *c, struct udp_shared *shared)
{
	int bytes = (int)c->sndbuf, got;
	socklen_t len = sizeof(got);

	if (bytes && setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)))
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &got, &len))
		return -errno;
	shared->sndbuf_bytes = (uint64_t)got / 2;
	return 0;
}

static int open_one(struct lane *lane, struct udp_sockets *s, unsigned i)
{
	const struct udp_socket_config *c = lane->run->target_config;
	const struct udp_world *w = lane->run->world;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return err_sys(&lane->err, -errno, "socket of lane %u", lane->index);
	s->fds[i] = fd;
	r = set_sndbuf(fd, c, lane->run->target);
	if (r)
		return err_sys(&lane->err, r, "SO_SNDBUF of lane %u", lane->index);
	if (c->connected &&
	    connect(fd, (const struct sockaddr *)&w->destination[i], sizeof(w->destination[i])))
		return err_sys(&lane->err, -errno, "connecting lane %u", lane->index);
	return 0;
}

int udp_sockets_open(struct lane *lane, struct udp_sockets **ret)
{
	const struct udp_socket_config *c = lane->run->target_config;
	const struct udp_world *w = lane->run->world;
	unsigned n = c->connected ? w->destinations : 1;
	struct udp_sockets *s = calloc(1, sizeof(*s) + n * sizeof(s->fds[0]));
	int r = 0;

	if (!s)
		return err_sys(&lane->err, -ENOMEM, "sockets of lane %u", lane->index);
	s->n = n;
	s->flags = c->nonblock ? MSG_DONTWAIT : 0;
	s->name = c->connected ? NULL : w->destination;
	for (unsigned i = 0; i < n; i++)
		s->fds[i] = -1;
	for (unsigned i = 0; !r && i < n; i++)
		r = open_one(lane, s, i);
	if (r) {
		udp_sockets_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

void udp_sockets_close(struct udp_sockets *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->n; i++)
		cleanup_close(&s->fds[i]);
	free(s);
}

int udp_target_setup(struct run *run)
{
	run->target = calloc(1, sizeof(struct udp_shared));
	return run->target ? 0 : err_sys(&run->err, -ENOMEM, "udp target");
}

void udp_target_report(struct run *run, struct result *result)
{
	const struct udp_socket_config *c = run->target_config;
	struct udp_shared *shared = run->target;

	result_verify(result, "sndbuf_bytes", shared->sndbuf_bytes);
	if (shared->sndbuf_bytes < c->sndbuf)
		result_note(
			result, "sndbuf: %llu bytes asked for, %llu granted (net.core.wmem_max)",
			(unsigned long long)c->sndbuf, (unsigned long long)shared->sndbuf_bytes);
}

void udp_target_teardown(struct run *run)
{
	free(run->target);
	run->target = NULL;
}

// SPDX-License-Identifier: MIT
/*
 * The yardsticks of a disk and of the network stack: sync4k, loopback. The file of sync4k is
 * written once with zeroes, so that a block overwritten later needs no allocation, only data and a
 * flush. loopback receives what it has sent before it sends again: nothing can be dropped, and
 * there is nobody to be woken.
 */
#include "harness/host/yardstick_loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

#define BLOCK	       4096
#define BLOCKS	       256
#define DATAGRAM       64
#define LOOPBACK_BATCH 32

struct sync4k {
	int fd;
	unsigned at;
	char path[PATH_MAX];
	char block[BLOCK];
};

static int sync4k_open(const char *dir, void **ret, struct err *err)
{
	struct sync4k *s = calloc(1, sizeof(*s));

	if (!s)
		return err_sys(err, -ENOMEM, "sync4k");
	*ret = s;
	snprintf(s->path, sizeof(s->path), "%.4000s/yardstick", dir);
	s->fd = open(s->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (s->fd < 0)
		return err_sys(err, -errno, "%s", s->path);
	for (unsigned i = 0; i < BLOCKS; i++) {
		int r = fs_write_all(s->fd, s->block, BLOCK);

		if (r)
			return err_sys(err, r, "%s", s->path);
	}
	return fsync(s->fd) ? err_sys(err, -errno, "%s", s->path) : 0;
}

static int sync4k_turn(void *state, struct err *err)
{
	struct sync4k *s = state;
	off_t at = (off_t)(s->at++ % BLOCKS) * BLOCK;
	ssize_t n = pwrite(s->fd, s->block, BLOCK, at);

	if (n != BLOCK)
		return err_sys(err, n < 0 ? -errno : -EIO, "%s", s->path);
	return fdatasync(s->fd) ? err_sys(err, -errno, "%s", s->path) : 0;
}

static void sync4k_close(void *state)
{
	struct sync4k *s = state;

	if (!s)
		return;
	if (s->fd >= 0)
		unlink(s->path);
	cleanup_close(&s->fd);
	free(s);
}

const struct yardstick_loop yardstick_sync4k = {
	.batch = 1, .open = sync4k_open, .turn = sync4k_turn, .close = sync4k_close};

struct loopback {
	int from, to;
};

static int bound_socket(struct sockaddr_in *ret, struct err *err)
{
	struct sockaddr_in any = {.sin_family = AF_INET,
				  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	struct timeval second = {.tv_sec = 1};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*ret);

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) ||
	    getsockname(fd, (struct sockaddr *)ret, &len) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)))
		return err_sys(err, -errno, "UDP socket on 127.0.0.1");
	return take_fd(fd);
}

static int loopback_open(const char *dir, void **ret, struct err *err)
{
	struct loopback *l = malloc(sizeof(*l));
	struct sockaddr_in from, to;

	(void)dir;
	if (!l)
		return err_sys(err, -ENOMEM, "loopback");
	*ret = l;
	*l = (struct loopback){.from = -1, .to = -1};
	l->to = bound_socket(&to, err);
	if (l->to < 0)
		return l->to;
	l->from = bound_socket(&from, err);
	if (l->from < 0)
		return l->from;
	if (connect(l->from, (struct sockaddr *)&to, sizeof(to)) ||
	    connect(l->to, (struct sockaddr *)&from, sizeof(from)))
		return err_sys(err, -errno, "UDP to 127.0.0.1");
	return 0;
}

static int loopback_turn(void *state, struct err *err)
{
	const struct loopback *l = state;
	char data[DATAGRAM] = {0};

	for (unsigned i = 0; i < LOOPBACK_BATCH; i++) {
		if (send(l->from, data, sizeof(data), 0) != sizeof(data))
			return err_sys(err, -errno, "UDP to 127.0.0.1: send");
		if (recv(l->to, data, sizeof(data), 0) != sizeof(data))
			return err_sys(err, -errno, "UDP to 127.0.0.1: receive");
	}
	return 0;
}

static void loopback_close(void *state)
{
	struct loopback *l = state;

	if (!l)
		return;
	cleanup_close(&l->from);
	cleanup_close(&l->to);
	free(l);
}

const struct yardstick_loop yardstick_loopback = {.batch = LOOPBACK_BATCH,
						  .open = loopback_open,
						  .turn = loopback_turn,
						  .close = loopback_close};

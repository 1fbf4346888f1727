// SPDX-License-Identifier: MIT
/*
 * Nobody tells when a path appears or a port is opened, so both are asked again and again, while
 * what the program prints is read. A UDP port has nothing to answer: an empty datagram to one that
 * nobody has opened comes back as an error, at once on this machine; no error for a while is taken
 * for a yes.
 */
#include "targets/command/ready.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"

#define ASK_EVERY_NS (5 * NSEC_PER_MSEC)
#define ANSWER_MS    20

static bool poll_one(int fd, short events, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, timeout_ms) > 0;
}

static int socket_error(int fd)
{
	socklen_t len = sizeof(int);
	int error = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) ? errno : error;
}

static bool answers_tcp(int fd, const struct addrinfo *a)
{
	if (!connect(fd, a->ai_addr, a->ai_addrlen))
		return true;
	return errno == EINPROGRESS && poll_one(fd, POLLOUT, ANSWER_MS) && !socket_error(fd);
}

static bool answers_udp(int fd, const struct addrinfo *a)
{
	if (connect(fd, a->ai_addr, a->ai_addrlen) || send(fd, "", 0, MSG_NOSIGNAL) < 0)
		return false;
	return !poll_one(fd, POLLIN, ANSWER_MS) || !socket_error(fd);
}

static int answers(const struct command_ready *ready, bool *ret, struct err *err)
{
	const bool tcp = ready->kind == READY_TCP;
	struct addrinfo hints = {.ai_socktype = tcp ? SOCK_STREAM : SOCK_DGRAM}, *list;
	int code = getaddrinfo(ready->host, ready->port, &hints, &list);

	if (code)
		return err_set(err, -EINVAL, "ready: %s: %s", ready->host, gai_strerror(code));
	*ret = false;
	for (const struct addrinfo *a = list; a && !*ret; a = a->ai_next) {
		_cleanup_close_ int fd =
			socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		*ret = fd >= 0 && (tcp ? answers_tcp(fd, a) : answers_udp(fd, a));
	}
	freeaddrinfo(list);
	return 0;
}

static int ask(const struct command_ready *ready, const bool *line_seen, bool *ret, struct err *err)
{
	*ret = true;
	switch (ready->kind) {
	case READY_PATH:
		*ret = !access(ready->path, F_OK);
		break;
	case READY_LINE:
		*ret = *line_seen;
		break;
	case READY_TCP:
	case READY_UDP:
		return answers(ready, ret, err);
	case READY_AT_ONCE:
		break;
	}
	return 0;
}

int ready_await(const struct command_ready *ready, struct program *p, const bool *line_seen,
		uint64_t timeout_ns, struct err *err)
{
	uint64_t end = nsec_now() + timeout_ns;
	bool yes = false;
	int r;

	for (;;) {
		r = ask(ready, line_seen, &yes, err);
		if (r || (yes && !p->ended))
			return r;
		if (p->ended) {
			if (program_went_well(p, err)) {
				err_set(err, 0, "%s ended", p->what);
				program_quote(p, err);
			}
			return err_wrap(err, -ECHILD, "before it was ready (%s)", ready->text);
		}
		if (nsec_now() >= end) {
			err_set(err, 0, "%s was not ready (%s) within %.1f s", p->what, ready->text,
				(double)timeout_ns / (double)NSEC_PER_SEC);
			program_quote(p, err);
			return -ETIMEDOUT;
		}
		program_pump(p, NULL, ASK_EVERY_NS);
	}
}

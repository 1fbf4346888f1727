// SPDX-License-Identifier: MIT
/*
 * Nobody tells when a path appears or a port is opened, so both are asked again and again, while
 * what the program prints is read. A UDP port has nothing to answer: an empty datagram to one that
 * nobody has opened comes back as an error, at once on this machine; no error for a while is taken
 * for a yes. A TCP port of the ephemeral range that nobody listens on may be given to the very
 * socket that connects to it, which then is connected to itself: that is no answer.
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

/* Closed by a reset, so that the port is free at once for the one that it belongs to. */
static bool is_itself(int fd)
{
	struct sockaddr_storage own = {.ss_family = 0}, peer = {.ss_family = 0};
	socklen_t own_len = sizeof(own), peer_len = sizeof(peer);
	struct linger reset = {.l_onoff = 1};

	if (getsockname(fd, (struct sockaddr *)&own, &own_len) ||
	    getpeername(fd, (struct sockaddr *)&peer, &peer_len) || own_len != peer_len ||
	    memcmp(&own, &peer, own_len))
		return false;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return true;
}

static bool answers_tcp(int fd, const struct addrinfo *a)
{
	if (connect(fd, a->ai_addr, a->ai_addrlen) &&
	    (errno != EINPROGRESS || !poll_one(fd, POLLOUT, ANSWER_MS) || socket_error(fd)))
		return false;
	return !is_itself(fd);
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

static bool is_same(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_new(const struct command_ready *ready, const struct ready_before *before)
{
	struct stat st;

	if (stat(ready->path, &st))
		return false;
	return !before->there || st.st_dev != before->path.st_dev ||
	       st.st_ino != before->path.st_ino || !is_same(st.st_ctim, before->path.st_ctim);
}

int ready_look(const struct command_ready *ready, struct ready_before *ret, struct err *err)
{
	bool yes = false;
	int r = 0;

	*ret = (struct ready_before){.there = false};
	if (ready->kind == READY_PATH)
		ret->there = !stat(ready->path, &ret->path);
	if (ready->kind == READY_TCP || ready->kind == READY_UDP)
		r = answers(ready, &yes, err);
	if (!r && yes)
		r = err_set(err, -EADDRINUSE,
			    "ready: somebody answers at %s before anything was started: it would "
			    "not be known who is measured",
			    ready->text);
	return r;
}

static int ask(const struct command_ready *ready, const struct ready_before *before,
	       const bool *line_seen, bool *ret, struct err *err)
{
	*ret = true;
	switch (ready->kind) {
	case READY_PATH:
		*ret = is_new(ready, before);
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

int ready_await(const struct command_ready *ready, const struct ready_before *before,
		struct program *p, const bool *line_seen, uint64_t timeout_ns, struct err *err)
{
	uint64_t end = nsec_now() + timeout_ns;
	bool yes = false;
	int r;

	for (;;) {
		r = ask(ready, before, line_seen, &yes, err);
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
			err_set(err, 0, "%s was not ready (%s) within %.1f s%s", p->what,
				ready->text, (double)timeout_ns / (double)NSEC_PER_SEC,
				before->there ? ": the path was there before, and is not new" : "");
			program_quote(p, err);
			return -ETIMEDOUT;
		}
		program_pump(p, NULL, ASK_EVERY_NS);
	}
}

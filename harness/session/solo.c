// SPDX-License-Identifier: MIT
/*
 * Claims are numbered. A session that wants to be alone looks at all of them and takes the first;
 * one that does not mind takes the first that is free. Two that start in the same microsecond both
 * find nobody, but only one can bind.
 */
#include "harness/session/solo.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "harness/util/cleanup.h"

struct address {
	struct sockaddr_un sa;
	socklen_t len;
};

/* The first byte of an abstract name is NUL; its length counts, not its end. */
static struct address address_of(int number)
{
	struct address a = {.sa = {.sun_family = AF_UNIX}};
	int n = snprintf(a.sa.sun_path + 1, sizeof(a.sa.sun_path) - 1, "uhbench.measuring.%d",
			 number);

	a.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	return a;
}

static int new_socket(int flags, struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	return fd < 0 ? err_sys(err, -errno, "socket") : fd;
}

/*
 * Whether somebody holds claim `number`; *ret_pid is 0 when it cannot be told who. The owner never
 * accepts, so a wait for it would have no end.
 */
static bool is_held(int number, int *ret_pid)
{
	_cleanup_close_ int fd = new_socket(SOCK_NONBLOCK, NULL);
	struct address a = address_of(number);
	struct ucred cred = {.pid = 0};
	socklen_t size = sizeof(cred);

	*ret_pid = 0;
	if (fd < 0 || connect(fd, (struct sockaddr *)&a.sa, a.len))
		return fd >= 0 && errno == EAGAIN; /* held, and asked too often already */
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size))
		*ret_pid = cred.pid;
	return true;
}

static int refuse(int pid, struct err *err)
{
	char who[32] = "";

	if (pid)
		snprintf(who, sizeof(who), " (pid %d)", pid);
	return err_set(err, -EBUSY,
		       "another uhbench is measuring on this machine%s: wait for it, or allow both "
		       "to disturb each other with --concurrent",
		       who);
}

/* 1 with the socket bound, 0 when the number is taken. */
static int bind_number(int fd, int number, struct err *err)
{
	struct address a = address_of(number);

	if (!bind(fd, (struct sockaddr *)&a.sa, a.len))
		return listen(fd, SOMAXCONN) ? err_sys(err, -errno, "listen") : 1;
	return errno == EADDRINUSE ? 0 : err_sys(err, -errno, "bind");
}

static int claim_alone(int fd, struct err *err)
{
	int pid, r;

	for (int i = 0; i < SOLO_MAX; i++)
		if (is_held(i, &pid))
			return refuse(pid, err);
	r = bind_number(fd, 0, err);
	return r ? r : refuse(0, err);
}

static int claim_any(int fd, struct err *err)
{
	for (int i = 0; i < SOLO_MAX; i++) {
		int r = bind_number(fd, i, err);

		if (r)
			return r;
	}
	return err_set(err, -EUSERS, "%d sessions measure on this machine already", SOLO_MAX);
}

int solo_claim(bool concurrent, struct err *err)
{
	_cleanup_close_ int fd = new_socket(0, err);
	int r = fd;

	if (fd >= 0)
		r = concurrent ? claim_any(fd, err) : claim_alone(fd, err);
	return r < 0 ? r : take_fd(fd);
}

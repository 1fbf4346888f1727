// SPDX-License-Identifier: MIT
/* The claim to be the only one who measures. Who holds it is read from the socket's credentials. */
#include "harness/session/solo.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "harness/util/cleanup.h"

static const char name[] = "uhbench.measuring";

static socklen_t address(struct sockaddr_un *sa)
{
	*sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(sa->sun_path + 1, name, sizeof(name) - 1);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(name));
}

/* 0 when it cannot be told. The owner never accepts, so a wait for it would have no end. */
static int owner(const struct sockaddr_un *sa, socklen_t len)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct ucred cred = {.pid = 0};
	socklen_t size = sizeof(cred);

	if (fd < 0 || connect(fd, (const struct sockaddr *)sa, len) ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size))
		return 0;
	return cred.pid;
}

static int refused(const struct sockaddr_un *sa, socklen_t len, struct err *err)
{
	char who[32] = "";
	int pid = owner(sa, len);

	if (pid)
		snprintf(who, sizeof(who), " (pid %d)", pid);
	return err_set(err, -EBUSY,
		       "another uhbench is measuring on this machine%s: wait for it, or allow both "
		       "to disturb each other with --concurrent",
		       who);
}

int solo_claim(struct err *err)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un sa;
	socklen_t len = address(&sa);

	if (fd < 0)
		return err_sys(err, -errno, "socket");
	if (bind(fd, (struct sockaddr *)&sa, len)) {
		if (errno == EADDRINUSE)
			return refused(&sa, len, err);
		return err_sys(err, -errno, "bind");
	}
	if (listen(fd, SOMAXCONN))
		return err_sys(err, -errno, "listen");
	return take_fd(fd);
}

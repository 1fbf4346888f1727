// SPDX-License-Identifier: MIT
/*
 * Looking and removing happen in a forked process that keeps nothing of the caller's open: a
 * command that the driver never answers holds the process that sent it even beyond SIGKILL, so that
 * must not be the caller, nor anybody who holds its output. What the helper finds it writes to a
 * pipe, one line for each device.
 */
#include "targets/ublk/ublk_find.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"
#include "targets/block/block_mark.h"
#include "targets/ublk/ublk_ctl.h"
#include "targets/ublk/ublk_user.h"

#define DEVICES_MAX 256
#define DEL_NS	    (10 * NSEC_PER_SEC)
#define ALL_NS	    (60 * NSEC_PER_SEC)
#define DYING_NS    (5 * NSEC_PER_SEC) /* a server that was just killed: ublk_ctl.c, ASK_AFTER_MS */
#define POLL_NS	    (10 * NSEC_PER_MSEC)

struct found {
	uint32_t ids[DEVICES_MAX];
	unsigned count;
};

/* Ours, and its maker is dead. */
static int collect(const struct ublksrv_ctrl_dev_info *info, void *arg)
{
	struct found *found = arg;

	if (block_mark_is_ours(info->ublksrv_flags) && !block_mark_maker_lives(info->ublksrv_flags))
		found->ids[found->count++] = info->dev_id;
	return found->count == DEVICES_MAX;
}

/*
 * Whether somebody serves it. The driver calls a device live until the commands of a dead server
 * have been taken back, so a live one without a server that we can see is looked at again; one that
 * stays live has a server where we cannot look.
 */
static bool is_served(struct ublk_ctl *ctl, uint32_t id, struct ublksrv_ctrl_dev_info *info,
		      struct err *err)
{
	uint64_t deadline_ns = nsec_now() + DYING_NS;
	char comm[UBLK_COMM_MAX];

	for (;;) {
		if (ublk_user_of(id, false, comm) || ublk_ctl_info(ctl, id, info, err))
			return true;
		if (info->state != UBLK_S_DEV_LIVE)
			return false;
		if (nsec_now() >= deadline_ns)
			return true;
		nsec_sleep_until(nsec_now() + POLL_NS);
	}
}

static const char *state_name(unsigned state)
{
	static const char *const names[] = {"stopped", "live", "waiting for recovery",
					    "failing its I/O"};

	return state < array_size(names) ? names[state] : "in an unknown state";
}

/* One line: '+' gone or '-' still there, and what it is. */
static void tell(int fd, bool gone, const char *what, const char *why)
{
	char line[ERR_MAX + 128];
	int n = snprintf(line, sizeof(line), "%c%s%s%s", gone ? '+' : '-', what, *why ? ": " : "",
			 why);

	n = min_of(n, (int)sizeof(line) - 2);
	line[n++] = '\n';
	fs_write_all(fd, line, (size_t)n); /* without a reader there is nobody to tell */
}

static void look_at(struct ublk_ctl *ctl, uint32_t id, bool fix, int fd)
{
	struct ublksrv_ctrl_dev_info info;
	struct err err = {""};
	char what[96];
	int r = -EBUSY;

	if (is_served(ctl, id, &info, &err))
		return;
	snprintf(what, sizeof(what), "ublk device %u (/dev/ublkb%u, %s)", id, id,
		 state_name(info.state));
	if (fix)
		r = ublk_ctl_del(ctl, id, DEL_NS, &err);
	if (r == -ENODEV) { /* another one who looks was quicker */
		r = 0;
		err.text[0] = '\0';
	}
	tell(fd, !r, what, err.text);
}

static int look(bool fix, int fd)
{
	struct found found = {.count = 0};
	struct ublk_ctl *ctl;
	struct err err;
	int r = ublk_ctl_open(UBLK_ENCODING_AUTO, &ctl, &err);

	if (r)
		return r == -EOPNOTSUPP ? 0 : -r;
	r = ublk_ctl_each(ctl, collect, &found, &err);
	for (unsigned i = 0; i < found.count; i++)
		look_at(ctl, found.ids[i], fix, fd);
	ublk_ctl_close(ctl);
	return r < 0 ? -r : 0;
}

/* The helper: nothing of the caller's stays open in it but the pipe. */
static _Noreturn void helper(bool fix, int pipe_fd)
{
	int fd = fcntl(pipe_fd, F_DUPFD, 3), null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	dup2(fd, 3);
	close_range(4, ~0u, 0);
	_exit(look(fix, 3));
}

struct report {
	bool fix;
	void (*found)(void *arg, const char *what);
	void *arg;
	int count;
	struct err stays; /* the first that could not be removed; "" */
	char text[2048];  /* lines that are not whole yet */
	size_t n;
};

static void take_line(struct report *l, bool gone, const char *what)
{
	l->count++;
	if (l->fix && !gone && !l->stays.text[0])
		err_set(&l->stays, -EBUSY, "%s", what);
	if (l->found && (gone || !l->fix))
		l->found(l->arg, what);
}

static void take_lines(struct report *l)
{
	char *end;

	while ((end = memchr(l->text, '\n', l->n))) {
		*end = 0;
		take_line(l, l->text[0] == '+', l->text + 1);
		l->n -= (size_t)(end + 1 - l->text);
		memmove(l->text, end + 1, l->n);
	}
}

/* Until the helper closes the pipe. */
static int listen_to(int fd, struct report *l)
{
	uint64_t deadline_ns = nsec_now() + ALL_NS, now;
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while ((now = nsec_now()) < deadline_ns) {
		int r = poll(&p, 1, (int)((deadline_ns - now) / NSEC_PER_MSEC) + 1);
		ssize_t n;

		if (r < 0 && errno != EINTR)
			return -errno;
		if (r <= 0)
			continue;
		n = read(fd, l->text + l->n, sizeof(l->text) - l->n);
		if (n <= 0)
			return n ? -errno : 0;
		l->n += (size_t)n;
		take_lines(l);
	}
	return -ETIMEDOUT;
}

/* Its exit code: 0 or an errno. One that cannot be killed is left to the kernel. */
static int end_helper(pid_t pid, int listened, struct err *err)
{
	int status;

	if (listened) {
		kill(pid, SIGKILL);
		return err_sys(err, listened, "looking for ublk devices left behind");
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, -errno, "looking for ublk devices left behind");
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	return err_sys(err, WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD,
		       "looking for ublk devices left behind");
}

int ublk_find_leftovers(bool fix, void (*found)(void *arg, const char *what), void *arg,
			struct err *err)
{
	struct report report = {.fix = fix, .found = found, .arg = arg};
	int pipe_fds[2], r;
	pid_t pid;

	if (access(UBLK_CONTROL, R_OK | W_OK))
		return 0;
	if (pipe2(pipe_fds, O_CLOEXEC))
		return err_sys(err, -errno, "pipe");
	pid = fork();
	if (!pid)
		helper(fix, pipe_fds[1]);
	close(pipe_fds[1]);
	r = pid < 0 ? err_sys(err, -errno, "fork")
		    : end_helper(pid, listen_to(pipe_fds[0], &report), err);
	close(pipe_fds[0]);
	if (!r && report.stays.text[0])
		r = err_set(err, -EBUSY, "%s", report.stays.text);
	return r ? r : report.count;
}

// SPDX-License-Identifier: MIT
/* The processes of a run's ublk server; see the header. */
#include "targets/ublk/ublk_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "targets/ublk/ublk_ctl.h"

struct told {
	int r;
	struct err err;
};

static void tell(const struct ublk_process *p, int r, const struct err *err)
{
	struct told told = {.r = r};

	if (r)
		told.err = *err;
	/* Nobody listens any more: then nobody needs to know. */
	if (write(p->report[1], &told, sizeof(told)) != sizeof(told))
		_exit(1);
}

static int start_thread(void *arg, pthread_t *thread, void *(*fn)(void *), void *fn_arg,
			struct err *err)
{
	struct run *run = arg;
	int r = role_thread_start(run, ROLE_TARGET, thread, fn, fn_arg);

	if (r)
		*err = run->err;
	return r;
}

/* Sleeps until the process is gone. It is not our child, so how it went is for others to say. */
static int wait_for_death(pid_t pid, struct err *err)
{
	_cleanup_close_ int fd = pidfd_open(pid, 0);
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	if (fd < 0)
		return errno == ESRCH ? 0 : err_sys(err, -errno, "pidfd_open");
	while (poll(&poll_fd, 1, -1) < 0)
		if (errno != EINTR)
			return err_sys(err, -errno, "poll");
	return 0;
}

static int take_over(const struct ublk_process *p, struct ublk_server **server, struct err *err)
{
	uint32_t id = p->setup->dev.id;
	struct ublk_ctl *ctl = NULL;
	int r = ublk_ctl_open(p->setup->encoding, &ctl, err);

	if (!r)
		r = ublk_ctl_start_recovery(ctl, id, UBLK_RECOVERY_NS, err);
	if (!r)
		r = ublk_server_start(p->setup, server, err);
	if (!r)
		r = ublk_ctl_end_recovery(ctl, id, getpid(), UBLK_RECOVERY_NS, err);
	if (!r)
		atomic_fetch_add(&p->setup->shared->recoveries, 1);
	ublk_ctl_close(ctl);
	return r;
}

static int process_main(void *arg)
{
	const struct ublk_process *p = arg;
	struct ublk_setup setup = *p->setup;
	struct ublk_process self = *p;
	struct ublk_server *server = NULL;
	struct err err = {""};
	int r;

	setup.start = start_thread;
	setup.start_arg = p->run;
	self.setup = &setup;
	close(p->report[0]);
	if (p->before) {
		r = wait_for_death(p->before, &err);
		if (!r && atomic_load(&setup.shared->stopping))
			return 0;
		if (!r)
			r = take_over(&self, &server, &err);
	} else {
		r = ublk_server_start(&setup, &server, &err);
	}
	tell(p, r, &err);
	if (r)
		return 1;
	r = ublk_server_join(server, &err);
	if (r)
		tell(p, r, &err);
	return r ? 1 : 0;
}

int ublk_process_start(struct ublk_process *p, struct run *run, const struct ublk_setup *setup,
		       unsigned number, pid_t before)
{
	int r;

	*p = (struct ublk_process){
		.run = run, .setup = setup, .number = number, .before = before, .report = {-1, -1}};
	if (pipe2(p->report, O_CLOEXEC | O_NONBLOCK))
		return err_sys(&run->err, -errno, "pipe");
	r = role_process_start(run, ROLE_TARGET, process_main, p, &p->pid);
	cleanup_close(&p->report[1]);
	if (r)
		p->pid = 0;
	return r;
}

/* The last words that nobody has read yet. */
static void hear(struct ublk_process *p)
{
	struct told told;

	while (read(p->report[0], &told, sizeof(told)) == sizeof(told))
		if (told.r)
			p->why = told.err;
}

bool ublk_process_ended(struct ublk_process *p, struct err *says)
{
	if (p->pid && !p->reaped && waitpid(p->pid, &p->status, WNOHANG) == p->pid)
		p->reaped = true;
	if (!p->reaped)
		return false;
	hear(p);
	if (says && WIFSIGNALED(p->status))
		err_set(says, 0, "the ublk server was killed by signal %d (%s)",
			WTERMSIG(p->status), strsignal(WTERMSIG(p->status)));
	else if (says && p->why.text[0])
		err_set(says, 0, "the ublk server ended: %.450s", p->why.text);
	else if (says)
		err_set(says, 0, "the ublk server ended with status %d", WEXITSTATUS(p->status));
	return true;
}

void ublk_process_await(const struct ublk_process *p)
{
	struct err err;

	wait_for_death(p->pid, &err);
}

int ublk_process_wait(struct ublk_process *p)
{
	struct pollfd poll_fd = {.fd = p->report[0], .events = POLLIN};
	struct err *err = &p->run->err;
	struct told told;
	int n;

	do
		n = poll(&poll_fd, 1, UBLK_SERVE_NS / NSEC_PER_MSEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return err_set(err, -ETIMEDOUT, "the ublk server did not serve after %llu s",
			       (unsigned long long)(UBLK_SERVE_NS / NSEC_PER_SEC));
	if (read(p->report[0], &told, sizeof(told)) == sizeof(told))
		return told.r ? err_set(err, told.r, "ublk server: %s", told.err.text) : 0;
	/* Its end of the pipe is closed, so it is as good as dead. */
	p->status = role_process_end(p->pid, UBLK_END_NS);
	p->reaped = true;
	ublk_process_ended(p, err);
	return -ECHILD;
}

void ublk_process_end(struct ublk_process *p)
{
	if (p->pid && !p->reaped) {
		p->status = role_process_end(p->pid, UBLK_END_NS);
		p->reaped = true;
	}
	cleanup_close(&p->report[0]);
	cleanup_close(&p->report[1]);
}

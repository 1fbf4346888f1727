// SPDX-License-Identifier: MIT
/*
 * clone3(2) straight into the namespaces and the cgroup; the init process is a fork of us that
 * waits for its one child, reaps orphans, and reports the wait status over a pipe, because an
 * init's own status cannot tell a signal. A separate init is needed, since signals that a process
 * sends to itself (abort) are ignored when it is the init of its namespace (pid_namespaces(7)).
 */
#include "harness/session/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/protocol.h"
#include "harness/role.h"
#include "harness/util/cgroup.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"

#define KILL_TIMEOUT_MS 10000

enum { READ_END, WRITE_END };

struct pipes {
	int request[2], response[2], status[2], exec[2];
	int window; /* not ours to close; -1: none */
};

static void pipes_close(struct pipes *p)
{
	int *all[] = {p->request, p->response, p->status, p->exec};

	for (unsigned i = 0; i < array_size(all); i++) {
		cleanup_close(&all[i][READ_END]);
		cleanup_close(&all[i][WRITE_END]);
	}
}

static int pipes_open(struct pipes *p)
{
	*p = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}, -1};
	if (pipe2(p->request, O_CLOEXEC) || pipe2(p->response, O_CLOEXEC) ||
	    pipe2(p->status, O_CLOEXEC) || pipe2(p->exec, O_CLOEXEC)) {
		int r = -errno;

		pipes_close(p);
		return r;
	}
	return 0;
}

/* Root of a user namespace in which we are the only user (user_namespaces(7)). */
static int map_user(uid_t uid, gid_t gid)
{
	char text[64];
	int r;

	r = fs_put("/proc/self/setgroups", "deny");
	if (r && r != -ENOENT)
		return r;
	snprintf(text, sizeof(text), "0 %u 1", uid);
	r = fs_put("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "0 %u 1", gid);
	return r ? r : fs_put("/proc/self/gid_map", text);
}

/* Puts the pipes where the protocol wants them. They may lie in each other's place: lift them
 * first. */
static int place_fds(const struct pipes *p)
{
	int request = fcntl(p->request[READ_END], F_DUPFD_CLOEXEC, 10);
	int response = fcntl(p->response[WRITE_END], F_DUPFD_CLOEXEC, 10);
	int window = p->window < 0 ? -1 : fcntl(p->window, F_DUPFD_CLOEXEC, 10);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (request < 0 || response < 0 || null < 0 || (p->window >= 0 && window < 0))
		return -errno;
	if (dup2(null, 0) < 0 || dup2(2, 1) < 0 || dup2(request, PROTOCOL_REQUEST_FD) < 0 ||
	    dup2(response, PROTOCOL_RESPONSE_FD) < 0 ||
	    (window >= 0 && dup2(window, PROTOCOL_WINDOW_FD) < 0))
		return -errno;
	return 0;
}

static __attribute__((noreturn)) void exec_child(const struct pipes *p, const char *path,
						 char *const argv[])
{
	int exec_fd = fcntl(p->exec[WRITE_END], F_DUPFD_CLOEXEC, 10);
	sigset_t none;
	int r = place_fds(p);

	/* Where there is no PID namespace, the init's end must still be ours. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!r) {
		execv(path, argv);
		r = -errno;
	}
	/* Nothing more can be said than this number; if even that fails the parent sees the exit.
	 */
	if (write(exec_fd, &r, sizeof(r)) != (ssize_t)sizeof(r))
		_exit(126);
	_exit(127);
}

static __attribute__((noreturn)) void init_main(const struct pipes *p, const char *path,
						char *const argv[])
{
	enum { STATUS_FD = 3 };
	pid_t child, pid;
	int status, child_status = -1;

	child = fork();
	if (!child)
		exec_child(p, path, argv);
	/* By this name whoever watches the run knows that this process is none of it. */
	prctl(PR_SET_NAME, RUN_INIT_COMM);
	/* Pipes end when the child ends, and what the session claims ends with the session: so
	 * nothing of either may stay open here. */
	if (dup2(p->status[WRITE_END], STATUS_FD) < 0 || close_range(STATUS_FD + 1, ~0u, 0))
		_exit(1);
	while (child > 0 && (pid = wait(&status)) != child)
		if (pid < 0 && errno != EINTR)
			break;
	if (child > 0)
		child_status = status;
	if (write(STATUS_FD, &child_status, sizeof(child_status)) < 0)
		_exit(1);
	_exit(0);
}

/* The first instructions below the clone: what must hold before anything else can go wrong. */
static __attribute__((noreturn)) void below(const struct pipes *p, const char *path,
					    char *const argv[], int user_ns, uid_t uid, gid_t gid)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGPIPE};
	int r = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	for (unsigned i = 0; i < array_size(signals); i++)
		signal(signals[i], SIG_DFL);
	close(p->request[WRITE_END]);
	close(p->response[READ_END]);
	close(p->status[READ_END]);
	close(p->exec[READ_END]);
	if (user_ns)
		r = map_user(uid, gid);
	if (r) {
		if (write(p->exec[WRITE_END], &r, sizeof(r)) < 0)
			_exit(126);
		_exit(127);
	}
	init_main(p, path, argv);
}

static pid_t clone_into(unsigned long long flags, int cgroup_fd, int *pidfd)
{
	struct clone_args args = {.flags = flags | CLONE_PIDFD,
				  .pidfd = (uint64_t)(uintptr_t)pidfd,
				  .exit_signal = SIGCHLD};

	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static int open_cgroup(struct isolated *i)
{
	char name[64];
	struct err why;
	int fd;

	snprintf(name, sizeof(name), "uhbench-%d-%llu", getpid(), (unsigned long long)nsec_now());
	if (cgroup_make(name, i->cgroup, sizeof(i->cgroup), &why)) {
		snprintf(i->no_cgroup, sizeof(i->no_cgroup), "%.150s", why.text);
		i->cgroup[0] = 0;
		return -1;
	}
	fd = open(i->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		snprintf(i->no_cgroup, sizeof(i->no_cgroup), "%s", strerror(errno));
	return fd;
}

/* As much isolation as this machine gives: what it refuses is named, and the rest is kept. */
static pid_t start_init(struct isolated *i, const struct pipes *p, const char *path,
			char *const argv[])
{
	_cleanup_close_ int cgroup_fd = open_cgroup(i);
	unsigned long long namespaces = CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0);
	uid_t uid = geteuid();
	gid_t gid = getegid();
	pid_t pid = clone_into(namespaces, cgroup_fd, &i->pidfd);

	if (pid < 0 && cgroup_fd >= 0 && (errno == EACCES || errno == EBUSY)) {
		snprintf(i->no_cgroup, sizeof(i->no_cgroup), "joining it was refused: %s",
			 strerror(errno));
		cleanup_close(&cgroup_fd);
		pid = clone_into(namespaces, -1, &i->pidfd);
	}
	if (pid < 0 && (errno == EPERM || errno == EINVAL || errno == ENOSPC)) {
		snprintf(i->no_pid_namespace, sizeof(i->no_pid_namespace),
			 "%s namespace refused: %s", uid ? "user" : "PID", strerror(errno));
		namespaces = 0;
		pid = clone_into(0, cgroup_fd, &i->pidfd);
	}
	i->user_namespace = (namespaces & CLONE_NEWUSER) != 0;
	if (!pid)
		below(p, path, argv, i->user_namespace, uid, gid);
	return pid;
}

/* An end of file says that the exec happened; a number says why it did not. */
static int await_exec(int fd)
{
	int code;
	ssize_t n;

	do
		n = read(fd, &code, sizeof(code));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(code) ? code : 0;
}

int isolate_start(const char *path, char *const argv[], int window_fd, struct isolated *ret,
		  struct err *err)
{
	struct isolated i = {.pidfd = -1, .request_fd = -1, .response_fd = -1, .status_fd = -1};
	struct pipes p;
	int r = pipes_open(&p);

	if (r)
		return err_sys(err, r, "pipes");
	p.window = window_fd;
	i.init = start_init(&i, &p, path, argv);
	if (i.init < 0) {
		r = err_sys(err, -errno, "clone3");
		i.init = 0;
	} else {
		cleanup_close(&p.exec[WRITE_END]);
		cleanup_close(&p.response[WRITE_END]);
		cleanup_close(&p.status[WRITE_END]);
		r = await_exec(p.exec[READ_END]);
		if (r)
			err_sys(err, r, "%s", path);
	}
	i.request_fd = take_fd(p.request[WRITE_END]);
	i.response_fd = take_fd(p.response[READ_END]);
	i.status_fd = take_fd(p.status[READ_END]);
	pipes_close(&p);
	if (r)
		isolate_end(&i, NULL);
	else
		*ret = i;
	return r;
}

static int take_status(int fd)
{
	int status;

	if (fd < 0)
		return -1;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return read(fd, &status, sizeof(status)) == (ssize_t)sizeof(status) ? status : -1;
}

/* An init is reaped only after all of its namespace: one thread in state D holds it up. */
static int reap(const struct isolated *i)
{
	struct pollfd end = {.fd = i->pidfd, .events = POLLIN};
	int n;

	do
		n = poll(&end, 1, KILL_TIMEOUT_MS);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return -ETIMEDOUT;
	while (waitpid(i->init, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

int isolate_end(struct isolated *i, int *ret_status)
{
	int status = take_status(i->status_fd), r = 0;

	if (i->cgroup[0])
		cgroup_kill(i->cgroup);
	if (i->init > 0) {
		kill(i->init, SIGKILL);
		r = reap(i);
	}
	if (i->cgroup[0])
		cgroup_remove(i->cgroup);
	cleanup_close(&i->pidfd);
	cleanup_close(&i->request_fd);
	cleanup_close(&i->response_fd);
	cleanup_close(&i->status_fd);
	if (ret_status)
		*ret_status = status;
	i->init = 0;
	return r;
}

const char *isolate_joined(const struct isolated *i)
{
	return i->no_cgroup[0] ? "" : i->cgroup;
}

cJSON *isolate_describe(const struct isolated *i)
{
	cJSON *o = cJSON_CreateObject();

	if (i->no_pid_namespace[0])
		cJSON_AddStringToObject(o, "pid_namespace", i->no_pid_namespace);
	else
		cJSON_AddTrueToObject(o, "pid_namespace");
	cJSON_AddBoolToObject(o, "user_namespace", i->user_namespace);
	if (i->no_cgroup[0])
		cJSON_AddStringToObject(o, "cgroup", i->no_cgroup);
	else
		cJSON_AddTrueToObject(o, "cgroup");
	return o;
}

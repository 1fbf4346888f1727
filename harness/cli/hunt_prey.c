// SPDX-License-Identifier: MIT
/*
 * The process that is hunted. A command is forked first and executed when everything is armed, so
 * that nothing of it is missed; it waits at a pipe, and goes away by itself when we die before.
 * What it prints goes to stderr: stdout is for the report. We adopt what it leaves behind, so that
 * a command that is ended is ended with all that it started.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cli/hunt.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "harness/util/procfs.h"

#define GRACE_NS   (2 * NSEC_PER_SEC)	 /* from SIGTERM to SIGKILL */
#define LEAVE_NS   (100 * NSEC_PER_USEC) /* before its begin a command looks at its usage last */
#define GIVE_UP_NS (10 * NSEC_PER_SEC)
#define LOOK_NS	   (20 * NSEC_PER_MSEC) /* while whoever was told to end does so */

static int open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static const struct prey nobody = {.go = -1, .said = -1, .pidfd = -1};

int prey_find(struct prey *prey, pid_t pid, struct err *err)
{
	struct proc_thread t = {.comm = ""};
	char dir[32];

	*prey = nobody;
	prey->pid = pid;
	prey->pidfd = open_pidfd(pid);
	if (prey->pidfd < 0 && (errno == EINVAL || errno == ENOENT))
		return err_set(err, -ESRCH, "%d is a thread: -p takes the id of its process", pid);
	if (prey->pidfd < 0)
		return err_sys(err, -errno, "process %d", pid);
	snprintf(dir, sizeof(dir), "/proc/%d", pid);
	procfs_stat(dir, &t);
	snprintf(prey->comm, sizeof(prey->comm), "%s", t.comm);
	return 0;
}

static int check_file(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return access(path, X_OK) ? -errno : 0;
}

/* As execvp(3) looks for it, but once: what is watched then is the command alone. */
static int find_in_path(const char *name, char **ret)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *copy = strdup(path ? path : "/bin:/usr/bin");
	char *at = copy, *dir;
	int r = -ENOENT;

	while (at && r && (dir = strsep(&at, ":"))) {
		_cleanup_free_ char *file = NULL;
		int one;

		if (asprintf(&file, "%s/%s", *dir ? dir : ".", name) < 0)
			return -ENOMEM;
		one = check_file(file);
		if (!one)
			*ret = take_ptr(file);
		if (!one || one == -EACCES)
			r = one;
	}
	return r;
}

int prey_find_command(struct prey *prey, char **command, struct err *err)
{
	bool bare = !strchr(command[0], '/');
	int r;

	*prey = nobody;
	prey->command = command;
	if (!bare)
		prey->file = strdup(command[0]);
	r = bare ? find_in_path(command[0], &prey->file) : check_file(command[0]);
	if (r == -ENOENT && bare)
		return err_set(err, r, "%s: command not found", command[0]);
	return r ? err_sys(err, r, "%s", command[0]) : 0;
}

static void say(int fd, const void *what, size_t size)
{
	while (write(fd, what, size) < 0 && errno == EINTR)
		;
}

/* As the command is to find the world; stdout is ours. */
static void restore_world(void)
{
	sigset_t none;

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(STDERR_FILENO, STDOUT_FILENO);
}

/*
 * In the child: until it is told to get ready, then until the window begins, then the command. It
 * does not sleep any more when the window is decided on, and from its begin on there is no system
 * call but execve(2): either would be seen as the command's own.
 */
static void __attribute__((noreturn)) run_command(const struct prey *prey, int go, int said)
{
	struct prey_gate *gate = prey->gate;
	pid_t hunter = getppid();
	uint64_t begin_ns;
	int error;
	char word;

	if (read(go, &word, 1) != 1)
		_exit(0);
	restore_world();
	say(said, &word, 1);
	while (!(begin_ns = __atomic_load_n(&gate->begin_ns, __ATOMIC_ACQUIRE)))
		if (getppid() != hunter)
			_exit(0);
	while (nsec_now() + LEAVE_NS < begin_ns)
		getrusage(RUSAGE_SELF, &gate->before);
	while (nsec_now() < begin_ns)
		;
	execvp(prey->file, prey->command);
	error = errno;
	say(said, &error, sizeof(error));
	_exit(127);
}

static int open_pipes(int go[2], int said[2])
{
	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (!pipe2(said, O_CLOEXEC))
		return 0;
	close(go[0]);
	close(go[1]);
	return -errno;
}

int prey_start(struct prey *prey, struct err *err)
{
	int go[2], said[2], r;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prey->gate = mmap(NULL, sizeof(*prey->gate), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (prey->gate == MAP_FAILED) {
		prey->gate = NULL;
		return err_sys(err, -errno, "starting %s", prey->command[0]);
	}
	r = open_pipes(go, said);
	if (r)
		return err_sys(err, r, "pipe");
	prey->pid = fork();
	if (!prey->pid) {
		close(go[1]);
		run_command(prey, go[0], said[1]);
	}
	close(go[0]);
	close(said[1]);
	prey->go = go[1];
	prey->said = said[0];
	prey->pidfd = prey->pid > 0 ? open_pidfd(prey->pid) : -1;
	return prey->pidfd < 0 ? err_sys(err, -errno, "starting %s", prey->command[0]) : 0;
}

static ssize_t hear(int fd, void *what, size_t size)
{
	ssize_t n;

	do
		n = read(fd, what, size);
	while (n < 0 && errno == EINTR);
	return n;
}

int prey_ready(struct prey *prey, struct err *err)
{
	char word = 'g';

	if (write(prey->go, &word, 1) != 1)
		return err_sys(err, -errno, "starting %s", prey->command[0]);
	cleanup_close(&prey->go);
	if (hear(prey->said, &word, 1) != 1)
		return err_set(err, -ECHILD, "%s was ended before it began", prey->command[0]);
	return 0;
}

void prey_release(struct prey *prey, uint64_t begin_ns)
{
	__atomic_store_n(&prey->gate->begin_ns, begin_ns, __ATOMIC_RELEASE);
}

int prey_executed(struct prey *prey, struct err *err)
{
	int error = 0;

	if (hear(prey->said, &error, sizeof(error)) == sizeof(error))
		return err_sys(err, -error, "%s", prey->command[0]);
	cleanup_close(&prey->said);
	return 0;
}

static void reap(struct prey *prey)
{
	while (prey->command && wait4(prey->pid, &prey->status, 0, &prey->rusage) < 0 &&
	       errno == EINTR)
		;
	prey->exited = true;
}

bool prey_wait(struct prey *prey, uint64_t until_ns, const sigset_t *unblocked)
{
	struct pollfd p = {.fd = prey->pidfd, .events = POLLIN};
	uint64_t now = nsec_now();
	struct timespec left = nsec_to_timespec(until_ns > now ? until_ns - now : 0);

	if (!prey->exited && ppoll(&p, 1, &left, unblocked) > 0)
		reap(prey);
	return prey->exited;
}

/* A signal for all descendants of ours: sum of how many there are. */
struct family {
	int sig, n;
	pid_t pids[4096];
};

static int add_descendant(void *arg, int pid)
{
	struct family *f = arg;

	if (pid != getpid() && procfs_descends(pid, getpid(), 0) &&
	    (size_t)f->n < array_size(f->pids))
		f->pids[f->n++] = pid;
	return 0;
}

static int signal_family(int sig)
{
	struct family f = {.n = 0};

	procfs_each("/proc", add_descendant, &f);
	for (int i = 0; i < f.n; i++)
		kill(f.pids[i], sig);
	return f.n;
}

/* Orphans that became ours; the command itself is reaped with what it used. */
static void reap_orphans(struct prey *prey)
{
	struct timespec none = {0};
	struct pollfd p = {.fd = prey->pidfd, .events = POLLIN};

	if (!prey->exited && ppoll(&p, 1, &none, NULL) > 0)
		reap(prey);
	while (prey->exited && waitpid(-1, NULL, WNOHANG) > 0)
		;
}

int prey_end(struct prey *prey)
{
	uint64_t started = nsec_now(), now = started;
	int left = signal_family(SIGTERM);

	while (left && now < started + GIVE_UP_NS) {
		now = nsec_now();
		nsec_sleep_until(now + LOOK_NS);
		reap_orphans(prey);
		left = signal_family(now < started + GRACE_NS ? 0 : SIGKILL);
	}
	reap_orphans(prey);
	return left;
}

void prey_close(struct prey *prey)
{
	cleanup_close(&prey->go);
	cleanup_close(&prey->said);
	cleanup_close(&prey->pidfd);
	free(prey->file);
	if (prey->gate)
		munmap(prey->gate, sizeof(*prey->gate));
}

// SPDX-License-Identifier: MIT
/*
 * Starting threads and processes in a role. A thread notes its own id before it runs anything of
 * the plugin's, a process tells it to the run; placement comes first, so no instruction of a
 * plugin's runs elsewhere.
 */
#include "harness/drive/roles.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/run.h"
#include "harness/util/cleanup.h"
#include "harness/util/cpuset.h"
#include "harness/util/nsec.h"

#define THREADS_MAX 16384
#define KILL_NS	    (10 * NSEC_PER_SEC) /* for the exit of a killed process */

const char *const role_names[ROLE_COUNT + 1] = {"driver", "target", "sink", NULL};

struct roles {
	pthread_mutex_t lock;
	unsigned n, numbers[ROLE_COUNT];
	struct {
		int tid;
		enum role role;
	} threads[THREADS_MAX];
	struct role_process processes[ROLE_PROCESSES_MAX];
	unsigned n_processes;
	struct role_ended ended[ROLE_COUNT];
};

struct starter {
	struct roles *roles;
	enum role role;
	unsigned number;
	void *(*fn)(void *);
	void *arg;
};

struct roles *roles_new(void)
{
	struct roles *r = calloc(1, sizeof(*r));

	if (r)
		pthread_mutex_init(&r->lock, NULL);
	return r;
}

void roles_free(struct roles *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static int proc_tid(void)
{
	char link[64] = "";
	ssize_t n = readlink("/proc/thread-self", link, sizeof(link) - 1);
	int tid;

	if (n > 0 && sscanf(link, "%*d/task/%d", &tid) == 1)
		return tid;
	return gettid();
}

static void note_self(struct roles *r, enum role role)
{
	int tid = proc_tid();

	pthread_mutex_lock(&r->lock);
	if (r->n < THREADS_MAX) {
		r->threads[r->n].tid = tid;
		r->threads[r->n++].role = role;
	}
	pthread_mutex_unlock(&r->lock);
}

void roles_name_self(enum role role, unsigned number)
{
	char name[16];

	snprintf(name, sizeof(name), "%s/%u", role_names[role], number % 100000);
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_TIMERSLACK, 1);
}

unsigned roles_number(struct roles *r, enum role role)
{
	unsigned number;

	pthread_mutex_lock(&r->lock);
	number = r->numbers[role]++;
	pthread_mutex_unlock(&r->lock);
	return number;
}

static void *thread_main(void *arg)
{
	struct starter s = *(struct starter *)arg;

	free(arg);
	roles_name_self(s.role, s.number);
	note_self(s.roles, s.role);
	return s.fn(s.arg);
}

static int start(struct run *run, pthread_attr_t *attr, struct starter *s, pthread_t *thread)
{
	const char *cpus = run->axes->cpus[s->role];
	sigset_t all, old;
	cpu_set_t set;
	int r;

	if (*cpus) {
		r = cpuset_parse(cpus, &set);
		if (!r)
			r = -pthread_attr_setaffinity_np(attr, sizeof(set), &set);
		if (r)
			return err_sys(&run->err, r, "role %s on CPUs %s", role_names[s->role],
				       cpus);
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(thread, attr, thread_main, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return err_sys(&run->err, r, "starting a %s thread%s%s", role_names[s->role],
			       *cpus ? " on CPUs " : "", cpus);
	return 0;
}

int role_thread_start(struct run *run, enum role role, pthread_t *thread, void *(*fn)(void *),
		      void *arg)
{
	struct starter *s = malloc(sizeof(*s));
	pthread_attr_t attr;
	int r;

	if (!s)
		return err_sys(&run->err, -ENOMEM, "starting a thread");
	*s = (struct starter){.roles = run->roles,
			      .role = role,
			      .number = roles_number(run->roles, role),
			      .fn = fn,
			      .arg = arg};
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	r = start(run, &attr, s, thread);
	pthread_attr_destroy(&attr);
	if (r)
		free(s);
	return r;
}

/* The new process up to the plugin's code: it is what it shall be before it tells its name in
 * /proc, and gives up when nobody is there any more to hear it. */
static int become(struct run *run, enum role role, unsigned number, pid_t parent, int report)
{
	const char *cpus = run->axes->cpus[role];
	pid_t self = -1;
	sigset_t mask;
	char link[32] = "";
	cpu_set_t set;
	int r = *cpus ? cpuset_parse(cpus, &set) : 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigfillset(&mask);
	sigdelset(&mask, SIGTERM);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	signal(SIGTERM, SIG_DFL);
	roles_name_self(role, number);
	if (!r && *cpus && sched_setaffinity(0, sizeof(set), &set))
		r = -errno;
	if (!r && readlink("/proc/self", link, sizeof(link) - 1) > 0)
		self = (pid_t)strtol(link, NULL, 10);
	if (r)
		self = r;
	if (getppid() != parent || write(report, &self, sizeof(self)) != sizeof(self))
		return -ESRCH;
	return self > 0 ? 0 : self;
}

/* What the process told: its name in /proc, or why it is not. */
static int hear(struct run *run, enum role role, int report, struct role_process *process)
{
	const char *cpus = run->axes->cpus[role];
	pid_t told;
	ssize_t n;
	int r;

	do
		n = read(report, &told, sizeof(told));
	while (n < 0 && errno == EINTR);
	r = n == sizeof(told) ? (told > 0 ? 0 : told) : -ESRCH;
	if (r)
		return err_sys(&run->err, r, "starting a %s process%s%s", role_names[role],
			       *cpus ? " on CPUs " : "", cpus);
	process->proc_pid = told;
	return 0;
}

int role_process_start(struct run *run, enum role role, int (*fn)(void *), void *arg,
		       pid_t *ret_pid)
{
	struct roles *roles = run->roles;
	unsigned number = roles_number(roles, role);
	pid_t parent = getpid(), pid;
	struct role_process process = {.role = role};
	int report[2], r;

	if (pipe2(report, O_CLOEXEC))
		return err_sys(&run->err, -errno, "pipe");
	pid = fork();
	if (!pid) {
		close(report[0]);
		if (become(run, role, number, parent, report[1]))
			_exit(127);
		close(report[1]);
		_exit(fn(arg));
	}
	r = pid < 0 ? -errno : 0;
	close(report[1]);
	if (r)
		err_sys(&run->err, r, "starting a %s process", role_names[role]);
	else
		r = hear(run, role, report[0], &process);
	close(report[0]);
	process.pid = pid;
	if (!r)
		r = roles_add_process(roles, &process, &run->err);
	if (r && pid > 0)
		role_process_end(pid, 0);
	if (r)
		return r;
	*ret_pid = pid;
	return 0;
}

/* Has it ended? Waits for that at most for timeout_ns. */
static bool wait_for_end(int pidfd, uint64_t timeout_ns)
{
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
	uint64_t now = nsec_now(), until = now + timeout_ns;
	int n = 0;

	for (; n <= 0 && now < until; now = nsec_now()) {
		struct timespec ts = nsec_to_timespec(until - now);

		n = ppoll(&poll_fd, 1, &ts, NULL);
		if (n < 0 && errno != EINTR)
			break;
	}
	return n > 0;
}

int role_process_end(pid_t pid, uint64_t timeout_ns)
{
	_cleanup_close_ int fd = pidfd_open(pid, 0);
	int status;

	if (fd < 0)
		return -errno;
	if (timeout_ns && !kill(pid, SIGTERM))
		wait_for_end(fd, timeout_ns);
	kill(pid, SIGKILL);
	if (!wait_for_end(fd, KILL_NS))
		return -ETIMEDOUT;
	return waitpid(pid, &status, 0) < 0 ? -errno : status;
}

int roles_add_process(struct roles *r, const struct role_process *process, struct err *err)
{
	if (r->n_processes == ROLE_PROCESSES_MAX)
		return err_set(err, -EAGAIN, "more than %d processes in roles", ROLE_PROCESSES_MAX);
	r->processes[r->n_processes++] = *process;
	return 0;
}

void roles_add_ended(struct roles *r, enum role role, const struct role_ended *ended)
{
	struct role_ended *sum = &r->ended[role];

	pthread_mutex_lock(&r->lock);
	sum->programs += ended->programs;
	sum->user_ns += ended->user_ns;
	sum->system_ns += ended->system_ns;
	sum->voluntary += ended->voluntary;
	sum->involuntary += ended->involuntary;
	sum->minor_faults += ended->minor_faults;
	sum->major_faults += ended->major_faults;
	pthread_mutex_unlock(&r->lock);
}

void roles_ended(struct roles *r, struct role_ended ret[static ROLE_COUNT])
{
	pthread_mutex_lock(&r->lock);
	memcpy(ret, r->ended, sizeof(r->ended));
	pthread_mutex_unlock(&r->lock);
}

unsigned roles_processes(const struct roles *r, const struct role_process **ret)
{
	*ret = r->processes;
	return r->n_processes;
}

const char *roles_name_of_comm(const char *comm)
{
	if (!strncmp(comm, "iou-wrk-", 8))
		return "kernel:iou-wrk";
	if (!strncmp(comm, "iou-sqp-", 8))
		return "kernel:iou-sqp";
	for (int i = 0; i < ROLE_COUNT; i++) {
		size_t n = strlen(role_names[i]);

		if (!strncmp(comm, role_names[i], n) && comm[n] == '/')
			return role_names[i];
	}
	return "harness";
}

const char *roles_name(struct roles *r, int tid, const char *comm)
{
	const char *name = NULL;

	pthread_mutex_lock(&r->lock);
	for (unsigned i = 0; i < r->n && !name; i++)
		if (r->threads[i].tid == tid)
			name = role_names[r->threads[i].role];
	pthread_mutex_unlock(&r->lock);
	return name ? name : roles_name_of_comm(comm);
}

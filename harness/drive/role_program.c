// SPDX-License-Identifier: MIT
/*
 * Executing a program in a role. Between fork and exec the new process is made what the role says:
 * named (so that whoever watches tells its role by its first name: the exec gives it another),
 * placed, in a session of its own, and bound to the life of the thread that started it. It then
 * tells its name in /proc through a pipe that the exec closes; what is told after that is why there
 * was no exec. vfork(2), since a copy of the lanes' memory would cost each of them page faults.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "harness/drive/roles.h"
#include "harness/run.h"
#include "harness/util/cleanup.h"
#include "harness/util/cpuset.h"

#define TIMER_SLACK_NS 50000 /* the kernel's default; our lanes have another */

enum step { STEP_CPUS, STEP_CWD, STEP_FDS, STEP_EXEC, STEP_STARTED };

static const char *const step_names[] = {
	[STEP_CPUS] = "placing it on its CPUs",
	[STEP_CWD] = "its folder",
	[STEP_FDS] = "its stdout and stderr",
};

struct told {
	enum step step;
	int code; /* errno, or with STEP_STARTED the name in /proc */
};

struct beginning {
	const struct role_program *program;
	enum role role;
	unsigned number;
	cpu_set_t cpus;
	pid_t parent;
	int report;
};

static void tell(const struct beginning *b, enum step step, int code)
{
	struct told told = {.step = step, .code = code};

	if (write(b->report, &told, sizeof(told)) != sizeof(told))
		_exit(127);
}

static pid_t name_in_proc(void)
{
	char link[32] = "";

	return readlink("/proc/self", link, sizeof(link) - 1) > 0 ? (pid_t)strtol(link, NULL, 10)
								  : getpid();
}

/* What can fail, in order. Returns the step that did, with errno. */
static enum step become(const struct beginning *b)
{
	const struct role_program *p = b->program;
	sigset_t none;

	if (sched_setaffinity(0, sizeof(b->cpus), &b->cpus))
		return STEP_CPUS;
	if (chdir(p->cwd))
		return STEP_CWD;
	if (dup2(p->out_fd, STDOUT_FILENO) < 0 || dup2(p->err_fd, STDERR_FILENO) < 0)
		return STEP_FDS;
	tell(b, STEP_STARTED, name_in_proc());
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(p->path, p->argv, p->envp);
	return STEP_EXEC;
}

/* Runs in the parent's memory until the exec: it writes to nothing but its own frames. */
static __attribute__((noreturn, noinline)) void begin(const struct beginning *b)
{
	enum step step;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != b->parent)
		_exit(127);
	setsid();
	roles_name_self(b->role, b->number);
	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
	step = become(b);
	tell(b, step, errno);
	_exit(127);
}

/* The CPUs of the role, or those that the run itself may use, wherever this thread was placed. */
static int cpus_of(const struct run *run, enum role role, cpu_set_t *ret)
{
	const char *cpus = run->axes->cpus[role];

	if (*cpus)
		return cpuset_parse(cpus, ret);
	return sched_getaffinity(getpid(), sizeof(*ret), ret) ? -errno : 0;
}

/* Reads until the exec has closed the pipe. */
static int hear(int report, const struct role_program *program, pid_t *ret_proc_pid,
		struct err *err)
{
	struct told told = {.step = STEP_STARTED};
	bool started = false;
	ssize_t n;

	while ((n = read(report, &told, sizeof(told))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(told))
			return err_sys(err, -EPIPE, "starting %s", program->path);
		if (told.step == STEP_STARTED) {
			*ret_proc_pid = told.code;
			started = true;
			continue;
		}
		/* Not to be taken for what the run itself may not do. */
		if (told.code == EACCES || told.code == EPERM)
			return err_set(err, -ENOEXEC, "%s%s%s: %s", program->path,
				       told.step == STEP_EXEC ? "" : ": ",
				       told.step == STEP_EXEC ? "" : step_names[told.step],
				       strerror(told.code));
		if (told.step != STEP_EXEC)
			return err_sys(err, -told.code, "%s: %s", program->path,
				       step_names[told.step]);
		if (told.code == ENOEXEC)
			return err_set(
				err, -ENOEXEC,
				"%s is no program that the kernel can execute; a script needs "
				"its #! line",
				program->path);
		return err_sys(err, -told.code, "executing %s", program->path);
	}
	return started ? 0 : err_set(err, -ECHILD, "%s ended before it began", program->path);
}

static pid_t fork_program(const struct beginning *b)
{
	sigset_t all, old;
	pid_t pid;

	/* No handler of ours may run in the new process. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = vfork();
	if (!pid)
		begin(b);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return pid;
}

int role_program_start(struct run *run, enum role role, const struct role_program *program,
		       pid_t *ret_pid, struct err *err)
{
	_cleanup_close_ int heard = -1;
	struct beginning b = {.program = program,
			      .role = role,
			      .number = roles_number(run->roles, role),
			      .parent = getpid()};
	struct role_process process = {.role = role, .program = true};
	int report[2], r = cpus_of(run, role, &b.cpus);

	if (r)
		return err_sys(err, r, "CPUs of role %s", role_names[role]);
	if (pipe2(report, O_CLOEXEC))
		return err_sys(err, -errno, "pipe");
	heard = report[0];
	b.report = report[1];
	process.pid = fork_program(&b);
	r = process.pid < 0 ? err_sys(err, -errno, "vfork") : 0;
	close(report[1]);
	if (!r)
		r = hear(heard, program, &process.proc_pid, err);
	if (!r && program->lasting)
		r = roles_add_process(run->roles, &process, err);
	if (r && process.pid > 0)
		role_process_end(process.pid, 0);
	if (r)
		return r;
	*ret_pid = process.pid;
	return 0;
}

static uint64_t timeval_ns(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * 1000000000ull + (uint64_t)tv.tv_usec * 1000;
}

void role_program_ended(struct run *run, enum role role, const struct rusage *usage)
{
	const struct role_ended ended = {.programs = 1,
					 .user_ns = timeval_ns(usage->ru_utime),
					 .system_ns = timeval_ns(usage->ru_stime),
					 .voluntary = (uint64_t)usage->ru_nvcsw,
					 .involuntary = (uint64_t)usage->ru_nivcsw,
					 .minor_faults = (uint64_t)usage->ru_minflt,
					 .major_faults = (uint64_t)usage->ru_majflt};

	roles_add_ended(run->roles, role, &ended);
}

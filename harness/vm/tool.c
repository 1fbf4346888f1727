// SPDX-License-Identifier: MIT
/*
 * Runs a program and keeps what it says. stderr goes to a memory file of its own, so that reading
 * stdout to its end can never block on the other one; its last line becomes the error's text.
 */
#include "harness/vm/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

/* Programs of the administrator are not in everybody's PATH. */
#define SYSTEM_PATH "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"

static int find_in(const char *folders, const char *name, char *path, size_t size)
{
	while (folders && *folders) {
		size_t n = strcspn(folders, ":");
		struct stat st;

		if (n && snprintf(path, size, "%.*s/%s", (int)n, folders, name) < (int)size &&
		    !access(path, X_OK) && !stat(path, &st) && S_ISREG(st.st_mode))
			return 0;
		folders += n + (folders[n] == ':');
	}
	return -ENOENT;
}

int tool_find(const char *name, char *path, size_t size)
{
	if (strchr(name, '/')) {
		if (snprintf(path, size, "%s", name) >= (int)size)
			return -ENAMETOOLONG;
		return access(path, X_OK) ? -errno : 0;
	}
	if (!find_in(getenv("PATH"), name, path, size))
		return 0;
	return find_in(SYSTEM_PATH, name, path, size);
}

void tool_die_with(int parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
}

static __attribute__((noreturn)) void execute(const char *path, const char *const *argv, int in,
					      int out, int said, int parent)
{
	sigset_t none;

	tool_die_with(parent);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (in < 0)
		in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	setenv("LC_ALL", "C.UTF-8", 1);
	if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(said, 2) == 2)
		execv(path, (char *const *)argv);
	_exit(127);
}

/* The last line that is not empty. */
static void last_line(int said, char *line, size_t size)
{
	char buf[4096];
	struct stat st;
	off_t from = !fstat(said, &st) && st.st_size > (off_t)sizeof(buf) - 1
			     ? st.st_size - (off_t)sizeof(buf) + 1
			     : 0;
	ssize_t n = pread(said, buf, sizeof(buf) - 1, from);
	char *start;

	while (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[max_of(n, (ssize_t)0)] = 0;
	start = strrchr(buf, '\n');
	snprintf(line, size, "%.*s", (int)size - 1, start ? start + 1 : buf);
}

static int judge(const char *name, int status, int said, struct err *err)
{
	char line[300];

	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	last_line(said, line, sizeof(line));
	if (WIFSIGNALED(status))
		return err_set(err, -EIO, "%s: killed by signal %d%s%s", name, WTERMSIG(status),
			       *line ? ": " : "", line);
	return err_set(err, -EIO, "%s: exit code %d%s%s", name, WEXITSTATUS(status),
		       *line ? ": " : "", line);
}

int tool_run(const char *const *argv, int in, char **ret, size_t *ret_len, struct err *err)
{
	_cleanup_close_ int said = memfd_create("stderr", MFD_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	int out[2], status, parent = getpid(), r;
	pid_t pid;

	if (tool_find(argv[0], path, sizeof(path)))
		return err_set(err, -ENOPKG, "there is no %s here", argv[0]);
	if (said < 0 || pipe2(out, O_CLOEXEC))
		return err_sys(err, -errno, "%s", argv[0]);
	pid = fork();
	if (!pid)
		execute(path, argv, in, out[1], said, parent);
	r = pid < 0 ? -errno : 0;
	close(out[1]);
	if (!r)
		r = fs_read_all(out[0], TOOL_OUTPUT_MAX, &text, ret_len);
	close(out[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r)
		return err_sys(err, r, "%s", argv[0]);
	r = judge(argv[0], status, said, err);
	if (!r && ret)
		*ret = take_ptr(text);
	return r;
}

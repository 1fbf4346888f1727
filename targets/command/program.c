// SPDX-License-Identifier: MIT
/*
 * Both ends of the pipes stay open here, so that they serve one execution after another and never
 * tell an end of file; the pidfd tells the end. What a program left behind in its process group is
 * killed before the program itself is reaped, while its id is sure to be its own; since orphans
 * come to us, they can be waited for and counted.
 */
#include "targets/command/program.h"

#include <errno.h>
#include <fcntl.h>
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
#include "harness/util/nsec.h"
#include "harness/util/procfs.h"

#define TAKE_MAX     (1 << 20) /* bytes of one pipe at a time: then others have their turn */
#define SWEEP_ROUNDS 16

static int open_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	/* The reader's end alone: a program may not know what to do with EAGAIN. */
	return fcntl(fds[0], F_SETFL, O_NONBLOCK) ? -errno : 0;
}

int program_open(struct program *p, const char *what, program_line_fn line, void *arg,
		 struct err *err)
{
	int r;

	*p = (struct program){.what = what,
			      .pidfd = -1,
			      .out = {-1, -1},
			      .err = {-1, -1},
			      .line = line,
			      .arg = arg,
			      .buffer = malloc(PROGRAM_LINE_MAX)};
	if (!p->buffer)
		return err_sys(err, -ENOMEM, "%s", what);
	r = open_pipe(p->out);
	if (!r)
		r = open_pipe(p->err);
	return r ? err_sys(err, r, "pipes of %s", what) : 0;
}

int program_start(struct program *p, struct run *run, enum role role,
		  const struct command_line *line, bool lasting, struct err *err)
{
	const struct command_world *w = run->world;
	const struct role_program program = {.path = line->path,
					     .argv = line->argv,
					     .envp = w->envp,
					     .cwd = w->cwd,
					     .out_fd = p->out[1],
					     .err_fd = p->err[1],
					     .lasting = lasting};
	int r;

	p->started_ns = nsec_now();
	p->ended = p->skipping = false;
	p->stop_signal = 0;
	p->killed = false;
	p->len = 0;
	p->last_out[0] = p->last_err[0] = 0;
	r = role_program_start(run, role, &program, &p->pid, err);
	if (r) {
		p->pid = 0;
		return r;
	}
	p->pidfd = pidfd_open(p->pid, 0);
	return p->pidfd < 0 ? err_sys(err, -errno, "pidfd of %s", p->what) : 0;
}

/* Keeps the end of a text, as far as it can be printed: one line, whatever it was. */
static void keep_words(char words[static PROGRAM_WORDS], const char *text, size_t n)
{
	size_t len = strlen(words);

	if (n > PROGRAM_WORDS - 1) {
		text += n - (PROGRAM_WORDS - 1);
		n = PROGRAM_WORDS - 1;
	}
	if (len + n > PROGRAM_WORDS - 1) {
		size_t drop = len + n - (PROGRAM_WORDS - 1);

		memmove(words, words + drop, len - drop);
		len -= drop;
	}
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		words[len++] = c == '\n' ? '|' : c < ' ' || c > '~' || c == '"' ? '\'' : c;
	}
	words[len] = 0;
}

/* Cuts what was read into lines; what has no end yet waits in the buffer. */
static void cut_lines(struct program *p, size_t had, uint64_t now)
{
	size_t begin = 0;

	for (size_t i = had; i < p->len; i++) {
		if (p->buffer[i] != '\n')
			continue;
		p->buffer[i] = 0;
		if (!p->skipping && p->line)
			p->line(p->arg, p->buffer + begin, now);
		p->skipping = false;
		begin = i + 1;
	}
	p->len -= begin;
	memmove(p->buffer, p->buffer + begin, p->len);
	if (p->len == PROGRAM_LINE_MAX - 1) {
		p->skipping = true;
		p->len = 0;
	}
}

static void take_out(struct program *p)
{
	for (size_t taken = 0; taken < TAKE_MAX;) {
		size_t had = p->len;
		ssize_t n = read(p->out[0], p->buffer + had, PROGRAM_LINE_MAX - 1 - had);

		if (n <= 0)
			return;
		taken += (size_t)n;
		p->len += (size_t)n;
		keep_words(p->last_out, p->buffer + had, (size_t)n);
		cut_lines(p, had, nsec_now());
	}
}

static void take_err(struct program *p)
{
	char text[4096];

	for (size_t taken = 0; taken < TAKE_MAX;) {
		ssize_t n = read(p->err[0], text, sizeof(text));

		if (n <= 0)
			return;
		taken += (size_t)n;
		keep_words(p->last_err, text, (size_t)n);
	}
}

void program_fds(const struct program *p, struct pollfd fds[static PROGRAM_FDS])
{
	bool runs = p && p->pid && !p->ended;

	fds[0] = (struct pollfd){.fd = runs ? p->out[0] : -1, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = runs ? p->err[0] : -1, .events = POLLIN};
	fds[2] = (struct pollfd){.fd = runs ? p->pidfd : -1, .events = POLLIN};
}

/* What it printed before its end is in the pipes by now. A last line may lack its end. */
static void note_end(struct program *p)
{
	siginfo_t info = {.si_pid = 0};

	if (waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
		return;
	p->code = info.si_code;
	p->status = info.si_status;
	take_out(p);
	take_err(p);
	if (p->len && !p->skipping && p->line) {
		p->buffer[p->len] = 0;
		p->line(p->arg, p->buffer, nsec_now());
	}
	p->len = 0;
	p->ended = true;
}

void program_take(struct program *p, const struct pollfd fds[static PROGRAM_FDS])
{
	if (fds[0].revents)
		take_out(p);
	if (fds[1].revents)
		take_err(p);
	if (fds[2].revents)
		note_end(p);
}

void program_pump(struct program *a, struct program *b, uint64_t timeout_ns)
{
	struct pollfd fds[2 * PROGRAM_FDS];
	struct timespec ts = nsec_to_timespec(timeout_ns);

	program_fds(a, fds);
	program_fds(b, fds + PROGRAM_FDS);
	if (ppoll(fds, 2 * PROGRAM_FDS, &ts, NULL) <= 0)
		return;
	if (a)
		program_take(a, fds);
	if (b)
		program_take(b, fds + PROGRAM_FDS);
}

void program_quote(const struct program *p, struct err *err)
{
	const char *words = *p->last_err ? p->last_err : p->last_out;
	size_t len = strlen(words);

	while (len && (words[len - 1] == '|' || words[len - 1] == ' '))
		len--;
	if (len)
		snprintf(err->text + strlen(err->text), sizeof(err->text) - strlen(err->text),
			 "; it printed last: \"%.*s\"", (int)len, words);
}

bool program_went_well(const struct program *p, struct err *err)
{
	if (p->code == CLD_EXITED &&
	    (!p->status || (p->stop_signal && p->status == 128 + p->stop_signal)))
		return true;
	if (p->code != CLD_EXITED && p->stop_signal &&
	    (p->status == p->stop_signal || (p->killed && p->status == SIGKILL)))
		return true;
	if (p->code == CLD_EXITED)
		err_set(err, 0, "%s ended with status %d", p->what, p->status);
	else
		err_set(err, 0, "%s was killed by SIG%s (%s)", p->what, sigabbrev_np(p->status),
			strsignal(p->status));
	program_quote(p, err);
	return false;
}

void program_reap(struct program *p, struct rusage *usage)
{
	struct rusage ignored;
	int status;

	kill(-p->pid, SIGKILL);
	while (wait4(p->pid, &status, 0, usage ? usage : &ignored) < 0 && errno == EINTR)
		;
	/* What was asked to end together with it was not left behind. */
	while (waitpid(-p->pid, &status, 0) > 0)
		p->left += !p->stop_signal;
	cleanup_close(&p->pidfd);
	p->pid = 0;
}

static void pump_until(struct program *p, uint64_t end_ns)
{
	for (uint64_t now = nsec_now(); !p->ended && now < end_ns; now = nsec_now())
		program_pump(p, NULL, end_ns - now);
}

bool program_stop(struct program *p, int signal, uint64_t timeout_ns)
{
	if (!p->pid || p->ended)
		return false;
	p->stop_signal = signal;
	kill(-p->pid, signal);
	pump_until(p, nsec_now() + timeout_ns);
	if (p->ended)
		return false;
	p->killed = true;
	kill(-p->pid, SIGKILL);
	while (!p->ended)
		program_pump(p, NULL, NSEC_PER_SEC);
	return true;
}

void program_close(struct program *p)
{
	if (!p->buffer)
		return;
	if (p->pid)
		program_reap(p, NULL);
	for (int i = 0; i < 2; i++) {
		cleanup_close(&p->out[i]);
		cleanup_close(&p->err[i]);
	}
	free(p->buffer);
	p->buffer = NULL;
}

int program_adopt_orphans(struct err *err)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1) ? err_sys(err, -errno, "becoming a subreaper") : 0;
}

struct sweep {
	int self; /* in /proc */
	unsigned level, found;
};

static int kill_descendant(void *arg, int pid)
{
	struct sweep *s = arg;
	int own;

	if (pid == s->self || !procfs_descends(pid, s->self, 0))
		return 0;
	own = procfs_own_pid(pid, s->level);
	if (own > 0 && !kill(own, SIGKILL))
		s->found++;
	return 0;
}

unsigned program_sweep(void)
{
	struct sweep s = {.found = 0};
	unsigned most = 0;
	char link[32] = "";

	if (readlink("/proc/self", link, sizeof(link) - 1) <= 0 || procfs_level(&s.level))
		return 0;
	s.self = atoi(link);
	/* One that forks as fast as it is killed is left to the end of the namespace. */
	for (unsigned round = 0; round < SWEEP_ROUNDS; round++) {
		s.found = 0;
		procfs_each("/proc", kill_descendant, &s);
		if (!s.found)
			break;
		most = max_of(most, s.found);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	return most;
}

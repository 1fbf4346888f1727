// SPDX-License-Identifier: MIT
/*
 * PID 1 of the guest: makes it a machine, runs one command, carries its output to the host, sends
 * back what it left, tells how it ended. The command writes into pipes, not into the port, so that
 * it can open /dev/stderr again and as often as it likes. Once a second the host hears that time
 * goes on in here; a kernel that hangs falls silent.
 */
#include "harness/vm/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "harness/vm/guest_kmsg.h"
#include "harness/vm/vm.h"
#include "harness/vm/wire.h"

#define DRAIN_NS  (5 * NSEC_PER_SEC)
#define GRACE_NS  (8 * NSEC_PER_SEC) /* for what a signal reached; the host waits 10 */
#define WORDS_MAX 1024

struct guest {
	int port, out, err, beat, signals, kmsg;
	char text[WIRE_MAX]; /* of RUN; the words lie in it */
	char *words[WORDS_MAX + 1];
	unsigned n_words;
	char **back, **command;
	unsigned n_back;
	pid_t pid;
	bool ended, full;     /* full: there was no room for files at some moment */
	uint64_t leave_until; /* a signal was passed on: what it reached may end by itself */
	int status;
	struct wire_reader reader;
};

static void must(int r, const char *what)
{
	if (r)
		guest_die("%s: %s", what, strerror(-r));
}

/* Something for people, which a command that ended well has not seen. */
static void fault(struct guest *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fault(struct guest *g, const char *fmt, ...)
{
	char text[ERR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	must(wire_text(g->port, WIRE_FAULT, text), "port");
}

/* Told when it is seen, since the command may make room again. */
static void look_for_room(struct guest *g)
{
	struct statvfs fs;

	if (g->full || statvfs("/", &fs) || fs.f_bavail)
		return;
	g->full = true;
	fault(g,
	      "the guest's file system is full: %llu MiB, half of its memory; --memory gives more",
	      (unsigned long long)fs.f_blocks * fs.f_frsize >> 20);
}

/* The first complaint is enough. */
static void look_at_kernel(struct guest *g)
{
	char line[200];

	if (g->kmsg < 0 || !guest_kmsg_look(g->kmsg, line, sizeof(line)))
		return;
	cleanup_close(&g->kmsg);
	fault(g, "the guest's kernel complains: %s", line);
}

/* Waits for the host to say what to run. */
static void receive_run(struct guest *g)
{
	struct wire_reader *r = &g->reader;
	int got = 0;

	while (!got)
		got = wire_read(g->port, r);
	if (got < 0 || r->head.type != WIRE_RUN)
		guest_die("the host does not say what to run");
	memcpy(g->text, r->payload, r->head.len);
	for (size_t at = 0; at < r->head.len && g->n_words < WORDS_MAX;) {
		g->words[g->n_words++] = g->text + at;
		at += strlen(g->text + at) + 1;
	}
	g->words[g->n_words] = NULL;
	if (g->n_words >= 3)
		g->n_back = (unsigned)strtoul(g->words[1], NULL, 10);
	if (g->n_words < 3 || g->n_back > g->n_words - 3)
		guest_die("the host sent no command");
	g->back = g->words + 2;
	g->command = g->back + g->n_back;
}

static __attribute__((noreturn)) void execute(const struct guest *g, int out, int err, int failed)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), r;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (null >= 0 && dup2(null, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2)
		execvp(g->command[0], g->command);
	r = -errno;
	if (write(failed, &r, sizeof(r)) != (ssize_t)sizeof(r))
		_exit(126);
	_exit(127);
}

/* 0, or why the command could not be executed. */
static int start(struct guest *g)
{
	int out[2], err[2], failed[2], r = 0;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) || pipe2(failed, O_CLOEXEC))
		return -errno;
	g->pid = fork();
	if (!g->pid)
		execute(g, out[1], err[1], failed[1]);
	if (g->pid < 0)
		return -errno;
	close(out[1]);
	close(err[1]);
	close(failed[1]);
	g->out = out[0];
	g->err = err[0];
	if (read(failed[0], &r, sizeof(r)) != (ssize_t)sizeof(r))
		r = 0;
	close(failed[0]);
	return r;
}

/* Passes on what a pipe has; at its end closes it. */
static void carry(struct guest *g, int *pipe_end, enum wire_type type)
{
	char data[WIRE_MAX];
	ssize_t n = read(*pipe_end, data, sizeof(data));

	if (n > 0)
		must(wire_send(g->port, type, data, (size_t)n), "port");
	else if (!n || errno != EINTR)
		cleanup_close(pipe_end);
}

static void reap(struct guest *g)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	if (read(g->signals, &info, sizeof(info)) < 0 && errno != EAGAIN)
		guest_die("signals: %s", strerror(errno));
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == g->pid) {
			g->ended = true;
			g->status = status;
		}
}

static void pong(struct guest *g)
{
	uint64_t v[2] = {0, nsec_now()};

	memcpy(v, g->reader.payload, sizeof(v[0]));
	must(wire_send(g->port, WIRE_PONG, v, sizeof(v)), "port");
}

/* A signal is for all that the command has started and not put elsewhere, as of a terminal. */
static void listen_to_host(struct guest *g)
{
	int r = wire_read(g->port, &g->reader), sig;

	if (r < 0)
		guest_die("the host is gone: %s", strerror(-r));
	if (r && g->reader.head.type == WIRE_PING)
		pong(g);
	if (r && g->reader.head.type == WIRE_SIGNAL && !g->ended) {
		memcpy(&sig, g->reader.payload, sizeof(sig));
		kill(-g->pid, sig);
		g->leave_until = nsec_now() + GRACE_NS;
	}
}

static void beat(struct guest *g)
{
	uint64_t ticks;

	if (read(g->beat, &ticks, sizeof(ticks)) > 0)
		must(wire_send(g->port, WIRE_BEAT, NULL, 0), "port");
	look_for_room(g);
	look_at_kernel(g);
}

static void one_turn(struct guest *g)
{
	enum { PORT, OUT, ERR, BEAT, SIGNALS };
	struct pollfd fds[] = {[PORT] = {g->port, POLLIN, 0},
			       [OUT] = {g->out, POLLIN, 0},
			       [ERR] = {g->err, POLLIN, 0},
			       [BEAT] = {g->beat, POLLIN, 0},
			       [SIGNALS] = {g->signals, POLLIN, 0}};

	if (poll(fds, array_size(fds), 1000) < 0)
		guest_die("poll: %s", strerror(errno));
	if (fds[OUT].revents)
		carry(g, &g->out, WIRE_STDOUT);
	if (fds[ERR].revents)
		carry(g, &g->err, WIRE_STDERR);
	if (fds[BEAT].revents)
		beat(g);
	if (fds[SIGNALS].revents)
		reap(g);
	if (fds[PORT].revents)
		listen_to_host(g);
}

/* Until the command has ended, whatever it left has been killed, and its output has come. */
static void serve(struct guest *g)
{
	uint64_t give_up = 0;

	while (!g->ended || g->out >= 0 || g->err >= 0) {
		one_turn(g);
		if (!g->ended || (nsec_now() < g->leave_until && !kill(-g->pid, 0)))
			continue;
		kill(-1, SIGKILL);
		if (!give_up)
			give_up = nsec_now() + DRAIN_NS;
		if (nsec_now() > give_up) {
			fault(g,
			      "processes of the command cannot be killed: its output may be cut");
			return;
		}
	}
}

static void send_back(struct guest *g)
{
	look_for_room(g);
	look_at_kernel(g);
	for (unsigned i = 0; i < g->n_back; i++) {
		int r = guest_send(g->port, g->back[i]);

		if (r == -ENOENT)
			fault(g, "%s: the command left nothing there to bring back", g->back[i]);
		else if (r)
			guest_die("%s cannot be sent back: %s", g->back[i], strerror(-r));
	}
}

/* In a child, while the host goes on to hear that we live. */
static void settle(struct guest *g)
{
	int status = g->status;

	g->ended = false;
	g->pid = fork();
	if (g->pid < 0)
		guest_die("sync: %s", strerror(errno));
	if (!g->pid) {
		sync();
		_exit(0);
	}
	while (!g->ended)
		one_turn(g);
	g->status = status;
}

static void prepare_loop(struct guest *g)
{
	const struct itimerspec second = {{1, 0}, {1, 0}};
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	g->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	g->beat = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (g->signals < 0 || g->beat < 0 || timerfd_settime(g->beat, 0, &second, NULL))
		guest_die("timer and signals: %s", strerror(errno));
}

void vm_guest(void)
{
	static struct guest guest = {.out = -1, .err = -1};
	struct guest *g = &guest;
	uint64_t now;
	bool gone;
	int r;

	guest_set_up();
	g->port = guest_port();
	now = nsec_now();
	must(wire_send(g->port, WIRE_UP, &now, sizeof(now)), "port");
	receive_run(g);
	prepare_loop(g);
	g->kmsg = guest_kmsg_open();
	gone = chdir(g->words[0]) != 0;
	r = gone ? -errno : start(g);
	if (r) {
		char text[ERR_MAX];

		snprintf(text, sizeof(text), "%s: %s", gone ? g->words[0] : g->command[0],
			 strerror(-r));
		must(wire_text(g->port, WIRE_NO_COMMAND, text), "port");
		guest_power_off();
	}
	serve(g);
	send_back(g);
	settle(g);
	must(wire_send(g->port, WIRE_EXIT, &g->status, sizeof(g->status)), "port");
	guest_power_off();
}

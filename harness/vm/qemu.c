// SPDX-License-Identifier: MIT
/*
 * The command line, and a fork that keeps the few descriptors which it names. The serial line and
 * our port are ends of socket pairs: no file, no name, nothing to remove.
 *
 * Under emulation: cx16=off, since QEMU 7.2 dies in most boots of a multi-threaded guest that uses
 * cmpxchg16b; tsc=reliable, since the kernel would find emulated counters unsteady and take a clock
 * that costs a trap for each look at it; no_timer_check, since the kernel gives up when no timer
 * interrupt comes while it counts, which is a matter of who has the CPU out here; tsc_early_khz,
 * the counter's frequency, which is ours, since the kernel would measure it by timers that come
 * late, for the same reason.
 *
 * One thread for each CPU, unless a CPU has to see for sure what another one has just written into
 * code: with QEMU 7.2 two boots in ten ended in an int3 oops when probes switched static keys under
 * load. QEMU 8.1 locks pages before it translates them ("accel/tcg: Always lock pages before
 * translation").
 */
#include "harness/vm/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/vm/guest_clock.h"
#include "harness/vm/tool.h"
#include "harness/vm/wire.h"

#define WORDS_MAX 128
#define PORTS_MAX 16

enum { OURS, ITS };

struct words {
	char *all[WORDS_MAX + 1];
	unsigned n;
	bool failed;
};

static void words_free(struct words *w)
{
	for (unsigned i = 0; i < w->n; i++)
		free(w->all[i]);
}

static void add(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct words *w, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (w->n == WORDS_MAX || vasprintf(&text, fmt, ap) < 0)
		w->failed = true;
	else
		w->all[w->n++] = text;
	va_end(ap);
}

static void add_port(struct words *w, unsigned number, const char *name, int fd)
{
	add(w, "-chardev");
	add(w, "socket,id=port%u,fd=%d", number, fd);
	add(w, "-device");
	add(w, "virtserialport,chardev=port%u,name=%s", number, name);
}

static void add_kernel_line(struct words *w, const struct qemu_options *o)
{
	unsigned khz = o->how == QEMU_KVM ? 0 : guest_clock_tsc_khz();
	char early[48] = "";

	if (khz)
		snprintf(early, sizeof(early), "tsc_early_khz=%u ", khz);
	add(w, "-append");
	add(w, "console=ttyS0 quiet loglevel=4 panic=-1 %s%srdinit=%s -- %s",
	    o->how == QEMU_KVM ? "" : "tsc=reliable no_timer_check ", early, o->init,
	    o->init_argument);
}

static void add_machine(struct words *w, const struct qemu_options *o)
{
	static const char *const accel[] = {[QEMU_KVM] = "kvm",
					    [QEMU_THREADS] = "tcg,thread=multi",
					    [QEMU_ONE_THREAD] = "tcg,thread=single"};
	static const char *const plain[] = {"-nodefaults", "-no-user-config", "-no-reboot",
					    "-display", "none"};

	for (size_t i = 0; i < array_size(plain); i++)
		add(w, "%s", plain[i]);
	add(w, "-accel");
	add(w, "%s", accel[o->how]);
	add(w, "-cpu");
	add(w, o->how == QEMU_KVM ? "host" : "max,cx16=off");
	add(w, "-smp");
	add(w, "%u", o->cpus);
	add(w, "-m");
	add(w, "%llu", (unsigned long long)o->memory_bytes >> 20);
	add(w, "-kernel");
	add(w, "%s", o->kernel);
	add(w, "-initrd");
	add(w, "/proc/self/fd/%d", o->initramfs);
	add_kernel_line(w, o);
}

static void make_words(struct words *w, const struct qemu_options *o, int console, int port)
{
	add(w, QEMU_PROGRAM);
	add_machine(w, o);
	add(w, "-chardev");
	add(w, "socket,id=console,fd=%d", console);
	add(w, "-serial");
	add(w, "chardev:console");
	add(w, "-device");
	add(w, "virtio-serial-pci");
	add_port(w, 0, WIRE_PORT, port);
	for (unsigned i = 0; i < o->n_ports; i++)
		add_port(w, i + 1, o->ports[i].name, o->ports[i].fd);
	for (unsigned i = 0; o->more && o->more[i]; i++)
		add(w, "%s", o->more[i]);
}

static int keep(int fd)
{
	return fcntl(fd, F_SETFD, 0);
}

static __attribute__((noreturn)) void execute(const char *path, struct words *w,
					      const struct qemu_options *o, int console, int port,
					      int parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), r;
	sigset_t none;

	tool_die_with(parent);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	r = keep(console) | keep(port) | keep(o->initramfs);
	for (unsigned i = 0; i < o->n_ports; i++)
		r |= keep(o->ports[i].fd);
	if (!r && null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(console, 2) == 2)
		execv(path, w->all);
	_exit(127);
}

int qemu_start(struct qemu *q, const struct qemu_options *options, struct err *err)
{
	_cleanup_(words_free) struct words w = {.n = 0};
	int console[2], port[2], parent = getpid();
	char path[PATH_MAX];

	if (tool_find(QEMU_PROGRAM, path, sizeof(path)))
		return err_set(err, -ENOPKG, "there is no " QEMU_PROGRAM " here");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, console))
		return err_sys(err, -errno, "console");
	q->console = console[OURS];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, port)) {
		close(console[ITS]);
		return err_sys(err, -errno, "port");
	}
	q->port = port[OURS];
	make_words(&w, options, console[ITS], port[ITS]);
	q->pid = w.failed || options->n_ports > PORTS_MAX ? -1 : fork();
	if (!q->pid)
		execute(path, &w, options, console[ITS], port[ITS], parent);
	close(console[ITS]);
	close(port[ITS]);
	if (q->pid < 0) {
		q->pid = 0;
		return err_set(err, -EAGAIN, QEMU_PROGRAM ": cannot be started");
	}
	q->pidfd = (int)syscall(SYS_pidfd_open, q->pid, 0);
	return q->pidfd < 0 ? err_sys(err, -errno, QEMU_PROGRAM) : 0;
}

bool qemu_keeps_code(void)
{
	_cleanup_free_ char *text = NULL;
	unsigned major, minor;
	char *at;

	if (tool_run((const char *[]){QEMU_PROGRAM, "--version", NULL}, -1, &text, NULL, NULL))
		return false;
	at = strstr(text, "version ");
	if (!at || sscanf(at, "version %u.%u", &major, &minor) != 2)
		return false;
	return major > 8 || (major == 8 && minor >= 1);
}

void qemu_end(struct qemu *q)
{
	if (q->pid <= 0)
		return;
	kill(q->pid, SIGKILL); /* ours and not reaped: the number cannot be another's */
	while (waitpid(q->pid, &q->status, 0) < 0 && errno == EINTR)
		;
	q->pid = 0;
}

void qemu_close(struct qemu *q)
{
	qemu_end(q);
	cleanup_close(&q->pidfd);
	cleanup_close(&q->console);
	cleanup_close(&q->port);
}

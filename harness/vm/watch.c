// SPDX-License-Identifier: MIT
/*
 * One loop over what the guest says, what its console shows, and whether the emulator lives. Every
 * way out but the guest's own EXIT is a failure with a name. The clock of the silence stands still
 * while we ourselves are held up by a reader that is slow to take the output.
 */
#include "harness/vm/watch.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"
#include "harness/util/procfs.h"
#include "harness/util/units.h"
#include "harness/vm/console.h"
#include "harness/vm/guest_clock.h"
#include "harness/vm/receive.h"
#include "harness/vm/wire.h"

#define TURN_MS 250
#define PING_NS NSEC_PER_SEC
/* Without a sign of life, of which one is due every second; an emulator that gets hardly any CPU
 * from a busy host has longer. */
#define SILENT_NS     (30 * NSEC_PER_SEC)
#define SILENT_CPU_NS (10 * NSEC_PER_SEC)
#define SILENT_MAX_NS (120 * NSEC_PER_SEC)
#define GRACE_NS      (10 * NSEC_PER_SEC) /* for a command that was told to end */

struct watched {
	struct qemu *q;
	const struct watch_options *o;
	const struct vm_boot *boot;
	struct vm_outcome *ret;
	struct wire_reader reader;
	struct console console;
	struct receive receive;
	struct err err;
	struct guest_clock_mark start, first; /* its clock at 0, and when it first answered */
	uint64_t ping_ns;		      /* when the next one is due; 0: one is under way */
	char fault[ERR_MAX];		      /* of FAULT; "": none */
	uint64_t started_ns, deadline_ns, heard_ns; /* deadline_ns 0: none */
	uint64_t beat_cpu_ns; /* what the emulator had used when the last beat came */
	bool up, over;
	enum vm_end why; /* for which the command was told to end; VM_EXITED: it was not */
};

static void end(struct watched *w, enum vm_end how, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void end(struct watched *w, enum vm_end how, const char *fmt, ...)
{
	va_list ap;

	if (w->over)
		return;
	w->over = true;
	w->ret->end = how;
	va_start(ap, fmt);
	vsnprintf(w->ret->text, sizeof(w->ret->text), fmt, ap);
	va_end(ap);
}

/* What the command is, in one frame. */
static int send_run(struct watched *w)
{
	const struct vm_boot *b = w->boot;
	_cleanup_free_ char *folder = getcwd(NULL, 0), *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	unsigned n = 0;
	int r;

	if (!f || !folder)
		return folder ? -ENOMEM : -errno;
	while (b->back && b->back[n])
		n++;
	fprintf(f, "%s%c%u%c", folder, 0, n, 0);
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "%s%c", b->back[i], 0);
	for (unsigned i = 0; b->command[i]; i++)
		fprintf(f, "%s%c", b->command[i], 0);
	if (fclose(f))
		return -ENOMEM;
	r = wire_send(w->q->port, WIRE_RUN, text, len);
	return r;
}

static void compare_clocks(struct watched *w, const struct guest_clock_mark *mark)
{
	double rate;

	if (!guest_clock_agrees(&w->start, mark, &rate) ||
	    (w->first.until_ns && !guest_clock_agrees(&w->first, mark, &rate)))
		end(w, VM_CLOCK,
		    "the guest's clock runs %.2f times as fast as ours, or worse: nothing it "
		    "measures is right",
		    rate);
}

static void ping(struct watched *w)
{
	uint64_t now = nsec_now();

	w->ping_ns = 0;
	if (wire_send(w->q->port, WIRE_PING, &now, sizeof(now)))
		end(w, VM_LOST, "the emulator does not listen any more");
}

static void pong(struct watched *w)
{
	uint64_t now = nsec_now(), v[2];
	struct guest_clock_mark mark;

	if (w->reader.head.len != sizeof(v)) {
		end(w, VM_BROKEN, "an answer without two clocks");
		return;
	}
	memcpy(v, w->reader.payload, sizeof(v));
	mark = (struct guest_clock_mark){.guest_ns = v[1], .from_ns = v[0], .until_ns = now};
	compare_clocks(w, &mark);
	if (!w->first.until_ns)
		w->first = mark;
	w->ping_ns = now + PING_NS;
}

static void come_up(struct watched *w)
{
	uint64_t now = nsec_now();
	struct guest_clock_mark mark = {.from_ns = w->started_ns, .until_ns = now};
	int r;

	if (w->reader.head.len != sizeof(mark.guest_ns)) {
		end(w, VM_BROKEN, "the guest came up without a clock");
		return;
	}
	memcpy(&mark.guest_ns, w->reader.payload, sizeof(mark.guest_ns));
	compare_clocks(w, &mark);
	if (w->over)
		return;
	r = send_run(w);
	if (r) {
		end(w, VM_BROKEN, "the command cannot be sent: %s", strerror(-r));
		return;
	}
	w->up = true;
	w->ping_ns = now;
	w->ret->up_s = (double)(now - w->started_ns) / 1e9;
	w->deadline_ns = w->boot->timeout_ns ? now + w->boot->timeout_ns : 0;
	if (w->o->up)
		w->o->up(w->o->arg, w->ret->up_s);
}

static void pass_on(struct watched *w, int fd, const char *name)
{
	int r = fs_write_all(fd, w->reader.payload, w->reader.head.len);

	if (r)
		end(w, VM_BROKEN, "%s: %s", name, strerror(-r));
}

static int receive_frame(struct watched *w)
{
	struct wire_reader *f = &w->reader;
	uint32_t mode;

	switch (f->head.type) {
	case WIRE_FOLDER:
		return receive_folder(&w->receive, f->payload, &w->err);
	case WIRE_FILE:
		if (f->head.len <= sizeof(mode))
			return err_set(&w->err, -EPROTO, "a file without a name");
		memcpy(&mode, f->payload, sizeof(mode));
		return receive_file(&w->receive, f->payload + sizeof(mode), mode, &w->err);
	case WIRE_DATA:
		return receive_data(&w->receive, f->payload, f->head.len, &w->err);
	default:
		return receive_end(&w->receive, &w->err);
	}
}

static void exited(struct watched *w)
{
	if (w->reader.head.len != sizeof(w->ret->status)) {
		end(w, VM_BROKEN, "an end without a status");
		return;
	}
	memcpy(&w->ret->status, w->reader.payload, sizeof(w->ret->status));
	if (w->why == VM_TIMEOUT) {
		char time[UNITS_TEXT_MAX];

		end(w, VM_TIMEOUT, "the command was not done after %s and was ended",
		    units_format_time(w->boot->timeout_ns, time));
	}
	if (!w->ret->status && w->fault[0])
		end(w, VM_FAULT, "%s", w->fault);
	end(w, VM_EXITED, "%s", "");
}

/* Of the emulator, until now. */
static uint64_t cpu_ns(const struct watched *w)
{
	struct proc_thread t;
	char dir[32];

	snprintf(dir, sizeof(dir), "/proc/%d", w->q->pid);
	return procfs_stat(dir, &t) ? 0 : t.user_ns + t.system_ns;
}

/* The first one is told last, should the command say that all is well. */
static void fault(struct watched *w)
{
	if (!w->fault[0])
		snprintf(w->fault, sizeof(w->fault), "%.*s", ERR_MAX - 1, w->reader.payload);
	if (w->o->say)
		w->o->say(w->reader.payload);
}

static void frame(struct watched *w)
{
	switch (w->reader.head.type) {
	case WIRE_UP:
		if (w->up)
			end(w, VM_BROKEN, "the guest came up twice");
		else
			come_up(w);
		break;
	case WIRE_STDOUT:
		pass_on(w, STDOUT_FILENO, "stdout");
		break;
	case WIRE_STDERR:
		pass_on(w, STDERR_FILENO, "stderr");
		break;
	case WIRE_NOTE:
		if (w->o->say)
			w->o->say(w->reader.payload);
		break;
	case WIRE_FAULT:
		fault(w);
		break;
	case WIRE_PONG:
		pong(w);
		break;
	case WIRE_NO_COMMAND:
		end(w, VM_NO_COMMAND, "%s", w->reader.payload);
		break;
	case WIRE_FOLDER:
	case WIRE_FILE:
	case WIRE_DATA:
	case WIRE_END:
		if (receive_frame(w))
			end(w, VM_BROKEN, "%s", w->err.text);
		break;
	case WIRE_EXIT:
		exited(w);
		break;
	case WIRE_BEAT:
		w->beat_cpu_ns = cpu_ns(w);
		break;
	default:
		end(w, VM_BROKEN, "the guest sent a word of type %u", w->reader.head.type);
	}
	w->heard_ns = nsec_now();
}

/* False at the end of the console. */
static bool read_console(struct watched *w, int flags)
{
	char data[4096];
	ssize_t n = recv(w->q->console, data, sizeof(data), flags);

	if (n > 0)
		console_add(&w->console, data, (size_t)n);
	return n > 0;
}

/* The emulator is gone: by a panic (panic=-1 and -no-reboot make it end), or for a reason of its
 * own. What it had said before lies in the sockets. */
static void lost(struct watched *w)
{
	const char *last;
	char line[256];
	int r;

	while (!w->over && (r = wire_read(w->q->port, &w->reader)) >= 0)
		if (r)
			frame(w);
	while (read_console(w, MSG_DONTWAIT))
		;
	qemu_end(w->q);
	last = console_tail(w->console.text, 1);
	if (console_panic(&w->console, line, sizeof(line)))
		end(w, VM_PANIC, "the guest's kernel panicked: %s", line);
	else if (WIFSIGNALED(w->q->status))
		end(w, VM_LOST, "the emulator was killed by signal %d (%s)", WTERMSIG(w->q->status),
		    strsignal(WTERMSIG(w->q->status)));
	else if (WEXITSTATUS(w->q->status))
		end(w, VM_LOST, "the emulator gave up with exit code %d: %.*s",
		    WEXITSTATUS(w->q->status), (int)strcspn(last, "\n"), last);
	else
		end(w, VM_LOST,
		    "the guest switched itself off without telling how the command "
		    "ended");
}

/* Tells the command to end, and gives it a moment to do so. */
static void tell(struct watched *w, int sig, enum vm_end why)
{
	w->why = why;
	w->deadline_ns = nsec_now() + GRACE_NS;
	if (wire_send(w->q->port, WIRE_SIGNAL, &sig, sizeof(sig)))
		end(w, VM_LOST, "the emulator does not listen any more");
}

static void interrupt(struct watched *w, int sig)
{
	if (w->why == VM_INTERRUPTED)
		return;
	if (w->up)
		tell(w, sig, VM_INTERRUPTED);
	else
		end(w, VM_INTERRUPTED, "interrupted before the guest was up");
}

static void out_of_time(struct watched *w)
{
	char time[UNITS_TEXT_MAX];

	if (!w->up)
		end(w, VM_HUNG, "the guest is not up after %s",
		    units_format_time(w->o->boot_timeout_ns, time));
	else if (w->why == VM_INTERRUPTED)
		end(w, VM_INTERRUPTED, "interrupted, and the command did not end");
	else if (w->why == VM_TIMEOUT)
		end(w, VM_TIMEOUT,
		    "the command was not done after %s and did not heed SIGTERM: what it has "
		    "left is lost",
		    units_format_time(w->boot->timeout_ns, time));
	else
		tell(w, SIGTERM, VM_TIMEOUT);
}

static void check_silence(struct watched *w, uint64_t silent_ns)
{
	if (silent_ns < SILENT_NS ||
	    (silent_ns < SILENT_MAX_NS && cpu_ns(w) < w->beat_cpu_ns + SILENT_CPU_NS))
		return;
	end(w, VM_HUNG, "the guest hangs: nothing was heard of it for %llu s",
	    (unsigned long long)(silent_ns / NSEC_PER_SEC));
}

static void check_clocks(struct watched *w)
{
	uint64_t now = nsec_now();

	if (w->boot->interrupted && *w->boot->interrupted)
		interrupt(w, *w->boot->interrupted);
	if (w->boot->cut && w->boot->cut(w->boot->arg))
		end(w, VM_CUT, "the power was cut");
	if (w->ping_ns && now >= w->ping_ns && !w->over)
		ping(w);
	if (w->deadline_ns && now > w->deadline_ns)
		out_of_time(w);
	if (w->up && now > w->heard_ns)
		check_silence(w, now - w->heard_ns);
}

static void turn(struct watched *w)
{
	enum { PORT, CONSOLE, EMULATOR, WAKE };
	struct pollfd fds[] = {[PORT] = {w->q->port, POLLIN, 0},
			       [CONSOLE] = {w->q->console, POLLIN, 0},
			       [EMULATOR] = {w->q->pidfd, POLLIN, 0},
			       [WAKE] = {w->boot->cut ? w->boot->wake_fd : -1, POLLIN, 0}};
	int r;

	if (poll(fds, array_size(fds), TURN_MS) < 0 && errno != EINTR) {
		end(w, VM_BROKEN, "poll: %s", strerror(errno));
		return;
	}
	if (fds[CONSOLE].revents)
		read_console(w, MSG_DONTWAIT);
	if (fds[EMULATOR].revents & POLLIN) {
		lost(w);
		return;
	}
	if (fds[PORT].revents & POLLIN) {
		r = wire_read(w->q->port, &w->reader);
		if (r > 0)
			frame(w);
		else if (r < 0 && r != -EPIPE) /* its end comes with the emulator's */
			end(w, VM_BROKEN, "port: %s", strerror(-r));
	}
	check_clocks(w);
}

int watch(struct qemu *q, const struct watch_options *options, struct vm_outcome *ret,
	  struct err *err)
{
	struct watched *w = calloc(1, sizeof(*w));

	if (!w) {
		qemu_end(q);
		return err_set(err, -ENOMEM, "out of memory");
	}
	w->q = q;
	w->o = options;
	w->boot = options->boot;
	w->ret = ret;
	w->receive = (struct receive){.back = options->boot->back, .fd = -1};
	w->started_ns = w->heard_ns = nsec_now();
	w->start = (struct guest_clock_mark){.from_ns = w->started_ns, .until_ns = UINT64_MAX};
	w->deadline_ns = w->started_ns + options->boot_timeout_ns;
	*ret = (struct vm_outcome){.end = VM_BROKEN};
	while (!w->over)
		turn(w);
	while (read_console(w, MSG_DONTWAIT))
		;
	qemu_end(q);
	cleanup_close(&w->receive.fd);
	memcpy(ret->console, w->console.text, sizeof(w->console.text));
	free(w);
	return 0;
}

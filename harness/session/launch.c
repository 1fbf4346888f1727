// SPDX-License-Identifier: MIT
/*
 * The run is over when the child's wait status arrives, not when its pipe ends: a process that the
 * child forked may hold the pipe open. Until then responses are read as they come, since a record
 * is larger than a pipe.
 */
#include "harness/session/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/session/isolate.h"
#include "harness/session/stall.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"

struct inbox {
	char *data;
	size_t len, size;
};

/* Takes what is there. 1: more may come, 0: end of file, -errno. */
static int take(struct inbox *in, int fd)
{
	for (;;) {
		ssize_t n;

		if (in->len + 1 >= in->size) {
			char *bigger =
				realloc(in->data, in->size = in->size ? in->size * 2 : 65536);

			if (!bigger)
				return -ENOMEM;
			in->data = bigger;
		}
		n = read(fd, in->data + in->len, in->size - 1 - in->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 1 : -errno;
		if (!n)
			return 0;
		in->len += (size_t)n;
		in->data[in->len] = 0;
		if (in->len > PROTOCOL_MAX_BYTES)
			return -EFBIG;
	}
}

/* Tells the watcher when its time has come; returns how long from `now` until the next one. */
static uint64_t watch(const struct launch_watcher *w, uint64_t *due_ns, uint64_t now)
{
	if (!w)
		return NSEC_PER_SEC;
	if (now >= *due_ns)
		*due_ns = now + w->tick(w->arg);
	return *due_ns - now;
}

enum ending { ENDED, TIMED_OUT, INTERRUPTED, BROKEN };

static enum ending await(const struct launch *l, struct isolated *i, struct inbox *in,
			 uint64_t deadline)
{
	struct pollfd fds[] = {{.fd = i->status_fd, .events = POLLIN},
			       {.fd = i->response_fd, .events = POLLIN}};
	uint64_t due_ns = 0;

	for (;;) {
		uint64_t now = nsec_now(), nap = watch(l->watcher, &due_ns, now);
		struct timespec left;
		int n, more;

		if (l->others)
			nap = min_of(nap, others_tick(l->others, isolate_joined(i), now));
		if (*l->interrupted)
			return INTERRUPTED;
		/* A signal just before the wait is seen when this cap ends it. */
		nap = min_of(nap, (uint64_t)NSEC_PER_SEC);
		left = nsec_to_timespec(min_of(nap, deadline > now ? deadline - now : 0));
		n = ppoll(fds, 2, &left, NULL);
		/* Judged after a look: we may have been stopped ourselves, not the child. */
		if (n == 0 && now >= deadline)
			return TIMED_OUT;
		if (n <= 0)
			continue;
		more = fds[1].revents ? take(in, i->response_fd) : 1;
		if (more < 0)
			return BROKEN;
		if (!more)
			fds[1].fd = -1;
		if (fds[0].revents) {
			take(in, i->response_fd);
			return ENDED;
		}
	}
}

static void judge_response(struct outcome *o, cJSON *response, int protocol_wanted)
{
	const char *status =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(response, "status"));
	const char *reason =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(response, "reason"));
	const cJSON *protocol = cJSON_GetObjectItemCaseSensitive(response, "protocol");

	o->status = STATUS_FAILED;
	if (!cJSON_IsNumber(protocol) || protocol->valueint != protocol_wanted) {
		snprintf(o->reason, sizeof(o->reason),
			 "the child speaks another protocol than %d: it is of another version",
			 protocol_wanted);
		return;
	}
	for (int i = 0; status && status_names[i]; i++) {
		if (strcmp(status, status_names[i]))
			continue;
		o->status = (enum status)i;
		snprintf(o->reason, sizeof(o->reason), "%s", reason ? reason : "");
		return;
	}
	snprintf(o->reason, sizeof(o->reason), "the child's response has no known status");
}

static void judge_ended(struct outcome *o, const struct inbox *in, int status, int protocol)
{
	o->status = STATUS_FAILED;
	if (WIFSIGNALED(status)) {
		snprintf(o->reason, sizeof(o->reason), "killed by SIG%s (%s)",
			 sigabbrev_np(WTERMSIG(status)), strsignal(WTERMSIG(status)));
		return;
	}
	o->response = in->len ? cJSON_Parse(in->data) : NULL;
	if (o->response)
		judge_response(o, o->response, protocol);
	else
		snprintf(o->reason, sizeof(o->reason), "exited with %d and without a record",
			 WIFEXITED(status) ? WEXITSTATUS(status) : status);
}

static void judge_stalled(struct outcome *o, const struct launch *l, pid_t init)
{
	char who[ERR_MAX - 96];

	o->status = STATUS_STALLED;
	o->stall = stall_describe(init);
	stall_summary(o->stall, who, sizeof(who));
	snprintf(o->reason, sizeof(o->reason), "no end within %.1f s: %s",
		 (double)l->deadline_ns / (double)NSEC_PER_SEC, who);
}

static void add_reason(struct outcome *o, const char *text)
{
	size_t len = strlen(o->reason);

	snprintf(o->reason + len, sizeof(o->reason) - len, "%s", text);
}

/* A child that is gone already is no reason to die of SIGPIPE: the session ignores that signal. */
static void send_request(const struct launch *l, struct isolated *i)
{
	_cleanup_free_ char *text = cJSON_PrintUnformatted(l->request);

	if (text)
		fs_write_all(i->request_fd, text, strlen(text));
	cleanup_close(&i->request_fd);
}

static uint64_t window_end(const struct outcome *o, const char *which)
{
	const cJSON *window = cJSON_GetObjectItemCaseSensitive(o->response, "window");
	const cJSON *ns = cJSON_GetObjectItemCaseSensitive(window, which);

	return cJSON_IsNumber(ns) && ns->valuedouble > 0 ? (uint64_t)ns->valuedouble : 0;
}

int launch(const struct launch *l, struct outcome *ret, struct err *err)
{
	char *const argv[] = {(char *)"uhbench", (char *)"child", NULL};
	struct outcome o = {.status = STATUS_FAILED, .others = {NAN, NAN}};
	uint64_t start = nsec_now();
	struct inbox in = {.data = NULL};
	struct isolated i;
	enum ending ending;
	int window_fd = l->watcher ? l->watcher->window_fd : -1;
	int r, status, undead;

	if (l->others)
		others_begin(l->others);
	r = isolate_start(l->binary, argv, window_fd, &i, err);
	if (r)
		return r;
	if (l->watcher)
		l->watcher->launched(l->watcher->arg);
	o.isolation = isolate_describe(&i);
	fcntl(i.response_fd, F_SETFL, O_NONBLOCK);
	send_request(l, &i);
	ending = await(l, &i, &in, start + l->deadline_ns);
	if (ending == TIMED_OUT)
		judge_stalled(&o, l, i.init);
	if (l->others)
		others_last(l->others, isolate_joined(&i));
	undead = isolate_end(&i, &status);
	if (l->others)
		others_end(l->others);
	if (ending == ENDED)
		judge_ended(&o, &in, status, l->protocol ? (int)l->protocol : PROTOCOL_VERSION);
	else if (ending == BROKEN)
		snprintf(o.reason, sizeof(o.reason), "the child's response cannot be read");
	if (l->others)
		o.others = others_share(l->others, window_end(&o, "begin_ns"),
					window_end(&o, "end_ns"));
	if (undead)
		add_reason(&o, "; some of its threads cannot be killed");
	o.interrupted = ending == INTERRUPTED;
	o.took_ns = nsec_now() - start;
	free(in.data);
	*ret = o;
	return 0;
}

void outcome_free(struct outcome *o)
{
	cJSON_Delete(o->response);
	cJSON_Delete(o->stall);
	cJSON_Delete(o->isolation);
	o->response = o->stall = o->isolation = NULL;
}

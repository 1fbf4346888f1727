// SPDX-License-Identifier: MIT
/*
 * Arm, window, disarm. A command starts when everything is attached and the window opens; a process
 * that is there already is watched for a warm-up first, in which the kernel measures what the
 * programs cost. The window is closed early when the process ends or we are interrupted; nothing is
 * attached any more when this returns.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/cli/hunt.h"
#include "harness/cli/verb.h"
#include "harness/drive/procstat.h"
#include "harness/probe.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"

#define READY_NS (5 * NSEC_PER_MSEC)  /* for the prober, before the window of a command */
#define LATE_NS	 (20 * NSEC_PER_MSEC) /* for its last look before the window closes early */
#define LIVE_NS	 NSEC_PER_SEC

const char *const hunt_end_names[] = {"exited", "time", "interrupted"};

static struct probe_window *map_window(const struct hunt *h)
{
	int fd = h->ops->window_fd(h->prober);
	void *at = fd < 0 ? MAP_FAILED
			  : mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
				 MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

static void unmap_window(struct probe_window **w)
{
	if (*w)
		munmap(*w, (size_t)sysconf(_SC_PAGESIZE));
}

static void open_window(struct probe_window *w, uint64_t warmup_ns, uint64_t for_ns)
{
	w->start_ns = nsec_now();
	w->end_ns = for_ns ? w->start_ns + warmup_ns + for_ns : PROBE_WINDOW_OPEN;
	__atomic_store_n(&w->begin_ns, w->start_ns + warmup_ns, __ATOMIC_RELEASE);
}

static void close_window(struct probe_window *w, uint64_t at)
{
	if (at < w->end_ns)
		__atomic_store_n(&w->end_ns, at, __ATOMIC_RELEASE);
}

/* Some probe can see something, or all reasons have been told. */
static bool any_works(const struct hunt *h)
{
	_cleanup_json_ cJSON *probes = h->ops->read(h->prober, NULL, 0, true);
	const cJSON *probe;
	bool any = false;

	cJSON_ArrayForEach (probe, probes) {
		const char *reason =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(probe, "reason"));

		any |= !reason;
		if (reason)
			fprintf(stderr, "uhbench: probe %s: %s\n", probe->string, reason);
	}
	return any;
}

/* Ticks until a time, the process' end, or a signal. */
static bool watch_until(struct hunt *h, uint64_t until_ns)
{
	uint64_t now = nsec_now();

	while (now < until_ns && !*h->interrupted) {
		uint64_t next = now + h->ops->tick(h->prober);

		if (prey_wait(&h->prey, min_of(next, until_ns), &h->unblocked))
			return true;
		now = nsec_now();
	}
	return false;
}

static void watch_window(struct hunt *h, struct probe_window *w)
{
	uint64_t next = w->begin_ns;

	h->window = *w;
	h->live.at_ns = w->begin_ns;
	h->end = HUNT_TIME;
	while (next < w->end_ns && !*h->interrupted) {
		next = min_of(next + LIVE_NS, w->end_ns);
		if (watch_until(h, next)) {
			h->end = HUNT_EXITED;
			break;
		}
		if (h->live.on && next < w->end_ns)
			hunt_live(h);
	}
	if (*h->interrupted && h->end != HUNT_EXITED)
		h->end = HUNT_INTERRUPTED;
	close_window(w, nsec_now() + (h->end == HUNT_INTERRUPTED ? LATE_NS : 0));
	while (nsec_now() < w->end_ns)
		nsec_sleep_until(min_of(w->end_ns, nsec_now() + h->ops->tick(h->prober)));
	h->ops->tick(h->prober);
}

static void begin_usage(struct hunt *h, struct procstat **usage)
{
	if (h->prey.exited || procstat_begin_of(h->prey.pid, h->since_ns, usage, &h->usage_why))
		*usage = NULL;
}

static uint64_t timeval_ns(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * NSEC_PER_SEC + (uint64_t)tv.tv_usec * NSEC_PER_USEC;
}

static void add_unknown(cJSON *o, const char *name, const char *reason)
{
	char key[32];

	snprintf(key, sizeof(key), "reason_%s", name);
	cJSON_AddNullToObject(o, name);
	cJSON_AddStringToObject(o, key, reason);
}

/* Of a command from its start to its end, with all of its children that it waited for. */
static cJSON *usage_of_command(const struct rusage *a, const struct rusage *b)
{
	cJSON *usage = cJSON_CreateObject(), *o = cJSON_AddObjectToObject(usage, "process");
	uint64_t user = timeval_ns(b->ru_utime) - timeval_ns(a->ru_utime);
	uint64_t system = timeval_ns(b->ru_stime) - timeval_ns(a->ru_stime);

	add_unknown(o, "threads", "they have ended");
	cJSON_AddNumberToObject(o, "user_ns", (double)user);
	cJSON_AddNumberToObject(o, "system_ns", (double)system);
	cJSON_AddNumberToObject(o, "cpu_ns", (double)(user + system));
	add_unknown(o, "run_queue_ns", "wait4(2) does not tell");
	cJSON_AddNumberToObject(o, "voluntary", (double)(b->ru_nvcsw - a->ru_nvcsw));
	cJSON_AddNumberToObject(o, "involuntary", (double)(b->ru_nivcsw - a->ru_nivcsw));
	cJSON_AddNumberToObject(o, "minor_faults", (double)(b->ru_minflt - a->ru_minflt));
	cJSON_AddNumberToObject(o, "major_faults", (double)(b->ru_majflt - a->ru_majflt));
	return usage;
}

static void end_usage(struct hunt *h, struct procstat *begin)
{
	if (h->prey.exited && h->prey.command && !h->warmup_ns)
		h->usage = usage_of_command(&h->prey.gate->before, &h->prey.rusage);
	else if (h->prey.exited)
		err_set(&h->usage_why, -ESRCH, "the process ended before it could be read");
	else if (begin && !procstat_end(begin, &h->usage_why))
		h->usage = procstat_usage(begin, NULL);
	procstat_free(begin);
}

/* Opens the window, and lets a command go when the load is to start. */
static int begin(struct hunt *h, struct probe_window *w, struct err *err)
{
	uint64_t ready_ns = h->prey.command ? READY_NS : 0;
	int r = h->prey.command ? prey_ready(&h->prey, err) : 0;

	if (r)
		return r;
	clock_gettime(CLOCK_REALTIME, &h->started);
	open_window(w, ready_ns + h->warmup_ns, h->for_ns);
	if (h->prey.command)
		prey_release(&h->prey, w->start_ns + ready_ns);
	watch_until(h, w->start_ns + ready_ns);
	return 0;
}

static int watch_armed(struct hunt *h, struct probe_window *w, struct err *err)
{
	struct procstat *usage = NULL;
	int r = begin(h, w, err);

	if (!r && !h->warmup_ns)
		begin_usage(h, &usage);
	if (!r && h->prey.command)
		r = prey_executed(&h->prey, err);
	if (r) {
		procstat_free(usage);
		return r;
	}
	if (h->warmup_ns) {
		watch_until(h, w->begin_ns);
		begin_usage(h, &usage);
	}
	watch_window(h, w);
	end_usage(h, usage);
	return 0;
}

static int arm(struct hunt *h, struct err *err)
{
	struct timespec now;
	int r;

	r = h->ops->arm(h->prober, "process", h->prey.command ? 0 : h->prey.pid, err);
	clock_gettime(CLOCK_BOOTTIME, &now);
	h->since_ns = (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
	if (!r && h->prey.command) {
		r = prey_start(&h->prey, err);
		h->ops->launched(h->prober);
	}
	return r;
}

static enum exitcode code_of(int r)
{
	if (r == -ESRCH)
		return EXITCODE_USAGE;
	return r == -EOPNOTSUPP ? EXITCODE_NOTHING_RAN : EXITCODE_FAILURE;
}

static int watch(struct hunt *h, struct err *err)
{
	_cleanup_(unmap_window) struct probe_window *w = NULL;
	int r = arm(h, err);

	if (r)
		return verb_fail(code_of(r), "hunt: %s", err->text);
	w = map_window(h);
	if (!any_works(h) || !w)
		return verb_fail(EXITCODE_NOTHING_RAN,
				 "hunt: none of the probes works here; `uhbench doctor` says more");
	r = watch_armed(h, w, err);
	if (r)
		return verb_fail(r != -ECHILD	   ? EXITCODE_USAGE
				 : *h->interrupted ? EXITCODE_INTERRUPTED
						   : EXITCODE_FAILURE,
				 "hunt: %s", err->text);
	h->window = *w;
	h->ops->disarm(h->prober);
	h->probes = h->ops->read(h->prober, h->usage, 0, false);
	if (h->prey.command && prey_end(&h->prey))
		fprintf(stderr, "uhbench: something of the command could not be ended\n");
	if (!h->probes)
		return verb_fail(EXITCODE_FAILURE, "hunt: out of memory");
	return VERB_GO_ON;
}

static void see_foreign_again(struct hunt *h)
{
	cJSON *before = take_ptr(h->foreign), *after = h->ops->foreign(&h->foreign_why);

	if (after)
		h->foreign = probe_foreign_seen(before, after);
	else
		cJSON_Delete(before);
}

int hunt_watch(struct hunt *h)
{
	struct err err = {""};
	int rc;

	h->foreign = h->ops->foreign(&h->foreign_why);
	rc = watch(h, &err);
	h->ops->disarm(h->prober);
	if (h->foreign && rc == VERB_GO_ON)
		see_foreign_again(h);
	return rc;
}

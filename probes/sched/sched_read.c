// SPDX-License-Identifier: MIT
/*
 * What `sched` tells of the window: time of every role by class, and tables of waits. A thread has
 * one state at a time, so its classes and its lifetime are the same intervals cut in two ways;
 * the state that it is in when the window ends is closed here. So that the closure can fail, it
 * takes CPU time and wall time from the kernel's account, not from our own clock, where it can.
 */
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "harness/result.h"
#include "harness/util/cleanup.h"
#include "harness/util/syscall_name.h"
#include "probes/sched/sched_probe.h"

#define NO_CLASS "plain tracepoints do not tell what a thread waits for: it is in `other`"
#define NO_LOCK	 "the probe lock, which tells, could not be attached"
#define NO_TICK	 "no tick of the kernel's clock fell on it"
#define NO_USAGE "nothing else measured its CPU time"
#define PART	 "only a part of the window was watched, and the kernel's account is of all of it"
/* The measured process and what it may start in a role (harness/drive/roles.h). */
#define PROCESSES_TOLD 65

#define USAGE_TOLERANCE 0.02 /* of the window */

#define CHANGED "threads came or went: the kernel's account of them covers other times"

/* Sums of all threads of a role. */
struct role_sum {
	unsigned threads;
	bool changed; /* a thread that `usage` may know began or ended inside the window */
	uint64_t lives_ns, voluntary, involuntary;
	/* Of other processes than those of `usage`. */
	uint64_t other_lives_ns, other_on_ns, other_queue_ns;
	uint64_t ns[CLASS_COUNT], n[CLASS_COUNT];
};

struct wait_sum {
	uint32_t role, key;
	struct sched_sum sum;
};

struct reading {
	struct sched *sched;
	const struct probe_view *view;
	uint32_t told[PROCESSES_TOLD]; /* processes that `usage` is of; none: all that is watched */
	unsigned n_told;
	struct role_sum roles[PROBE_ROLE_COUNT];
	struct wait_sum *waits;
	size_t n_waits, room;
	uint64_t long_n, long_ns;
};

static bool is_told(const struct reading *r, uint32_t tgid)
{
	for (unsigned i = 0; i < r->n_told; i++)
		if (r->told[i] == tgid)
			return true;
	return false;
}

static uint64_t clip(const struct reading *r, uint64_t from, uint64_t to)
{
	from = max_of(from, r->view->begin_ns);
	to = min_of(to, r->view->end_ns);
	return to > from ? to - from : 0;
}

static struct sched_sum *wait_of(struct reading *r, uint32_t role, uint32_t key)
{
	struct wait_sum *bigger;

	for (size_t i = 0; i < r->n_waits; i++)
		if (r->waits[i].role == role && r->waits[i].key == key)
			return &r->waits[i].sum;
	if (r->n_waits == r->room) {
		bigger = realloc(r->waits, (r->room * 2 + 16) * sizeof(*bigger));
		if (!bigger)
			return NULL;
		r->waits = bigger;
		r->room = r->room * 2 + 16;
	}
	r->waits[r->n_waits] = (struct wait_sum){.role = role, .key = key};
	return &r->waits[r->n_waits++].sum;
}

static void add_wait(struct reading *r, uint32_t role, uint32_t key, const struct sched_sum *more)
{
	struct sched_sum *sum = wait_of(r, role, key);

	if (!sum)
		return;
	sum->count += more->count;
	sum->sum += more->sum;
	sum->max = max_of(sum->max, more->max);
}

/* What the thread was doing when the window ended, or it did. */
static void close_state(struct reading *r, struct role_sum *sum, const struct thread *t)
{
	uint64_t end = min_of(r->view->end_ns, t->end_ns ? t->end_ns : UINT64_MAX);
	uint64_t waking = t->waking_ns;
	uint32_t cls = t->cls < CLASS_COUNT ? t->cls : CLASS_OTHER;

	switch (t->state) {
	case THREAD_NEW: /* runnable when it was found, and never left the CPU since */
	case THREAD_ON:
		sum->ns[CLASS_ON_CPU] += clip(r, t->since_ns, end);
		break;
	case THREAD_RUNNABLE:
		sum->ns[CLASS_RUN_QUEUE] += clip(r, t->since_ns, end);
		break;
	case THREAD_BLOCKED:
		if (waking < t->since_ns || waking > end)
			waking = end;
		sum->ns[cls] += clip(r, t->since_ns, waking);
		sum->ns[CLASS_DELIVERY] += clip(r, waking, end);
		if (clip(r, t->since_ns, waking)) {
			uint64_t ns = clip(r, t->since_ns, waking);

			add_wait(r, t->role, wait_key(cls, t->nr),
				 &(struct sched_sum){.sum = ns, .max = ns});
		}
		break;
	default:
		break;
	}
}

static bool inside(const struct reading *r, uint64_t time)
{
	return time > r->view->begin_ns && time < r->view->end_ns;
}

static void add_thread(struct reading *r, const struct thread *t)
{
	struct role_sum *sum = &r->roles[t->role < PROBE_ROLE_COUNT ? t->role : PROBE_ROLE_HARNESS];
	uint64_t life = clip(r, t->begin_ns, t->end_ns ? t->end_ns : r->view->end_ns);
	uint64_t on = sum->ns[CLASS_ON_CPU], queue = sum->ns[CLASS_RUN_QUEUE];

	if (!life)
		return;
	sum->threads++;
	sum->lives_ns += life;
	sum->voluntary += t->voluntary;
	sum->involuntary += t->involuntary;
	for (unsigned i = 0; i < CLASS_COUNT; i++) {
		sum->ns[i] += t->by_class[i].ns;
		sum->n[i] += t->by_class[i].n;
	}
	r->long_n += t->long_n;
	r->long_ns += t->long_ns;
	for (unsigned i = 0; i < WAIT_ROWS && t->waits[i].key; i++)
		add_wait(r, t->role, t->waits[i].key,
			 &(struct sched_sum){t->waits[i].count, t->waits[i].sum, t->waits[i].max});
	close_state(r, sum, t);
	if (!r->n_told || is_told(r, t->tgid)) {
		sum->changed |= inside(r, t->begin_ns) || inside(r, t->end_ns);
	} else {
		sum->other_lives_ns += life;
		sum->other_on_ns += sum->ns[CLASS_ON_CPU] - on;
		sum->other_queue_ns += sum->ns[CLASS_RUN_QUEUE] - queue;
	}
}

static void add_more_waits(struct reading *r)
{
	struct sched_wait_key key, *last = NULL;
	struct sched_sum sum;
	int fd = sched_map_fd(r->sched, "more_waits");

	while (!bpf_map_get_next_key(fd, last, &key)) {
		if (!bpf_map_lookup_elem(fd, &key, &sum))
			add_wait(r, key.role, key.key, &sum);
		last = &key;
	}
}

/* The process that drives the load tells its usage and that of those it started in a role; those
 * that guard it, or that just help, do not. */
static void find_told(struct reading *r, const struct track *track)
{
	for (unsigned i = 1; i <= track_count(track); i++) {
		const struct thread *t = track_thread(track, i);
		bool in_role = t->role == PROBE_ROLE_DRIVER || t->role == PROBE_ROLE_TARGET ||
			       t->role == PROBE_ROLE_SINK;

		if (in_role && !is_told(r, t->tgid) && r->n_told < PROCESSES_TOLD)
			r->told[r->n_told++] = t->tgid;
	}
}

static void add_all(struct reading *r)
{
	const struct track *track = r->sched->env->track;

	find_told(r, track);
	for (unsigned i = 1; i <= track_count(track); i++)
		add_thread(r, track_thread(track, i));
	add_more_waits(r);
}

static double number(const cJSON *o, const char *name)
{
	return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(o, name));
}

static cJSON *add_class(cJSON *classes, const char *name, double ns, const char *reason)
{
	cJSON *o = cJSON_AddObjectToObject(classes, name);

	cJSON_AddItemToObject(o, "ns", reason ? cJSON_CreateNull() : cJSON_CreateNumber(ns));
	if (reason)
		cJSON_AddStringToObject(o, "reason", reason);
	return o;
}

/* Time on the CPU by the clock, in the ratio of what others measured; what is more than they
 * measured was stolen. */
static void add_on_cpu(const struct reading *r, cJSON *classes, unsigned role, const cJSON *usage)
{
	const struct role_sum *sum = &r->roles[role];
	double on = (double)sum->ns[CLASS_ON_CPU], ran = on, user = 0, sys = 0;
	bool part = r->view->env->part;
	uint64_t u, s;

	if (usage) {
		user = number(usage, "user_ns");
		sys = number(usage, "system_ns");
		if (!sum->changed && !part)
			ran = min_of(on, number(usage, "cpu_ns") + (double)sum->other_on_ns);
	} else if (sched_times_role(r->sched->times, r->sched->env->track, role, &u, &s)) {
		user = (double)u;
		sys = (double)s;
	}
	if (on > 0 && !(user + sys > 0)) {
		add_class(classes, "on_cpu", on, NULL);
		add_class(classes, "user", 0, NO_TICK);
		add_class(classes, "system", 0, NO_TICK);
		add_class(classes, "stolen", 0, NO_TICK);
		return;
	}
	add_class(classes, "user", on > 0 ? ran * user / (user + sys) : 0, NULL);
	add_class(classes, "system", on > 0 ? ran * sys / (user + sys) : 0, NULL);
	add_class(classes, "stolen", on - ran,
		  !usage	 ? NO_USAGE
		  : part	 ? PART
		  : sum->changed ? CHANGED
				 : NULL);
}

static const char *why_null(const struct reading *r, unsigned cls)
{
	if (cls == CLASS_LOCK && r->sched->no_locks[0])
		return r->sched->no_locks;
	if (cls == CLASS_LOCK)
		return r->sched->own_locks || sched_lock_sees(r->sched) ? NULL : NO_LOCK;
	if (cls == CLASS_FUTEX && probe_attached(r->view->env, "lock"))
		return NULL;
	if (r->sched->plain && cls > CLASS_RUN_QUEUE && cls != CLASS_OTHER)
		return NO_CLASS;
	return NULL;
}

/* Where others had the CPU, /proc was read late, and its figures are of another time. */
static bool is_of_window(const struct probe_view *v)
{
	return (double)v->usage_off_ns <= USAGE_TOLERANCE * (double)(v->end_ns - v->begin_ns);
}

/* Runnable or running, by the kernel's account where it is known, and blocked, by the probe, over
 * the wall time: neither knows of the other, so a wait that one of them missed shows. Run-queue
 * wait and CPU time cannot be checked one by one: a kernel that wakes a thread on an idle CPU
 * counts from the wake-up on (rq_clock_skip_update() in kernel/sched/core.c). */
static void add_closure(const struct reading *r, cJSON *o, unsigned role, const cJSON *usage)
{
	const struct role_sum *sum = &r->roles[role];
	double wall = (double)sum->lives_ns, all;
	bool checked = usage && !sum->changed && !r->view->env->part &&
		       number(usage, "threads") > 0 && is_of_window(r->view);

	all = (double)(sum->ns[CLASS_ON_CPU] + sum->ns[CLASS_RUN_QUEUE]);
	if (checked) {
		wall = number(usage, "threads") * (double)(r->view->end_ns - r->view->begin_ns) +
		       (double)sum->other_lives_ns;
		all = number(usage, "cpu_ns") + number(usage, "run_queue_ns") +
		      (double)(sum->other_on_ns + sum->other_queue_ns);
	}
	for (unsigned i = 0; i < CLASS_COUNT; i++)
		if (i != CLASS_ON_CPU && i != CLASS_RUN_QUEUE)
			all += (double)sum->ns[i];
	cJSON_AddNumberToObject(o, "wall_ns", wall);
	cJSON_AddItemToObject(o, "closure",
			      wall > 0 ? cJSON_CreateNumber(all / wall) : cJSON_CreateNull());
	cJSON_AddBoolToObject(o, "checked", checked);
}

static void add_role(const struct reading *r, cJSON *roles, unsigned role)
{
	const char *name = probe_role_names[role];
	const cJSON *usage = cJSON_GetObjectItemCaseSensitive(r->view->usage, name);
	const struct role_sum *sum = &r->roles[role];
	cJSON *o = cJSON_AddObjectToObject(roles, name), *classes;

	cJSON_AddNumberToObject(o, "threads", sum->threads);
	add_closure(r, o, role, usage);
	cJSON_AddNumberToObject(o, "voluntary", (double)sum->voluntary);
	cJSON_AddNumberToObject(o, "involuntary", (double)sum->involuntary);
	classes = cJSON_AddObjectToObject(o, "classes");
	add_on_cpu(r, classes, role, usage);
	for (unsigned i = CLASS_ON_CPU + 1; i < CLASS_COUNT; i++) {
		cJSON *c =
			add_class(classes, time_class_names[i], (double)sum->ns[i], why_null(r, i));

		cJSON_AddNumberToObject(c, "count", (double)sum->n[i]);
	}
	for (cJSON *c = classes->child; c; c = c->next)
		if (!cJSON_HasObjectItem(c, "count"))
			cJSON_AddNullToObject(c, "count");
}

static void add_histograms(const struct reading *r, cJSON *into, unsigned role)
{
	static const char *const names[SCHED_HISTS] = {"off_cpu", "run_queue", "delivery"};
	_cleanup_free_ struct hist *h = hist_new();
	cJSON *o = cJSON_AddObjectToObject(into, probe_role_names[role]);

	for (unsigned i = 0; h && i < SCHED_HISTS; i++) {
		uint32_t key = sched_hist_index(role, i);

		part_read_hist(sched_map_fd(r->sched, "hists"), &key, h);
		cJSON_AddItemToObject(o, names[i], hist_json(h));
	}
}

static int by_time(const void *a, const void *b)
{
	const struct wait_sum *x = a, *y = b;

	return x->sum.sum < y->sum.sum ? 1 : x->sum.sum > y->sum.sum ? -1 : 0;
}

static void add_waits(struct reading *r, cJSON *into)
{
	cJSON *list = cJSON_AddArrayToObject(into, "waits");

	if (r->n_waits)
		qsort(r->waits, r->n_waits, sizeof(*r->waits), by_time);
	for (size_t i = 0; i < r->n_waits; i++) {
		const struct wait_sum *w = &r->waits[i];
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "role", probe_role_names[w->role]);
		cJSON_AddStringToObject(o, "class", time_class_names[wait_key_class(w->key)]);
		sched_add_syscall(o, wait_key_nr(w->key));
		sched_add_sum(o, &w->sum);
		cJSON_AddItemToArray(list, o);
	}
}

static void add_waker(const struct reading *r, cJSON *list, unsigned from, unsigned to,
		      unsigned cls)
{
	_cleanup_free_ struct sched_count *cpus = calloc(part_cpus(), sizeof(*cpus));
	uint32_t key = sched_waker_index(from, to, cls);
	struct sched_count all = {.count = 0};
	cJSON *o;

	if (!cpus || bpf_map_lookup_elem(sched_map_fd(r->sched, "wakers"), &key, cpus))
		return;
	for (unsigned i = 0; i < part_cpus(); i++) {
		all.count += cpus[i].count;
		all.sum += cpus[i].sum;
	}
	if (!all.count)
		return;
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "from", probe_role_names[from]);
	cJSON_AddStringToObject(o, "to", probe_role_names[to]);
	cJSON_AddStringToObject(o, "class", time_class_names[cls]);
	cJSON_AddNumberToObject(o, "count", (double)all.count);
	cJSON_AddNumberToObject(o, "sum_ns", (double)all.sum);
	cJSON_AddItemToArray(list, o);
}

static void add_wakers(const struct reading *r, cJSON *into)
{
	cJSON *list = cJSON_AddArrayToObject(into, "wakers");

	for (unsigned to = 0; to < PROBE_ROLE_COUNT; to++)
		for (unsigned from = 0; r->roles[to].threads && from <= ROLE_OUTSIDE; from++)
			for (unsigned cls = CLASS_RUN_QUEUE + 1; cls < CLASS_COUNT; cls++)
				add_waker(r, list, from, to, cls);
}

/* Every switch, wake-up and its announcement was one run of a program for a watched thread. */
static uint64_t events(const struct reading *r)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < PROBE_ROLE_COUNT; i++)
		n += r->roles[i].voluntary + r->roles[i].involuntary +
		     r->roles[i].n[CLASS_RUN_QUEUE] + 2 * r->roles[i].n[CLASS_DELIVERY];
	return n;
}

static void add_losses(const struct reading *r, struct probe_losses *losses)
{
	struct sched_losses l = sched_losses(r->sched);

	losses->events = events(r);
	losses->map_full = l.waits_full + l.stacks_full;
	losses->untracked = track_control(r->sched->env->track)->n_untracked;
	memcpy(losses->sampling, r->sched->sampling, sizeof(losses->sampling));
}

static void add_tables(struct reading *r, cJSON *into)
{
	cJSON *histograms = cJSON_AddObjectToObject(into, "histograms"), *stacked;

	for (unsigned i = 0; i < PROBE_ROLE_COUNT; i++)
		if (r->roles[i].threads)
			add_histograms(r, histograms, i);
	add_wakers(r, into);
	sched_read_stacks(r->sched, into);
	stacked = cJSON_GetObjectItemCaseSensitive(into, "stacked");
	cJSON_AddNumberToObject(stacked, "long_waits", (double)r->long_n);
	cJSON_AddNumberToObject(stacked, "long_ns", (double)r->long_ns);
}

void sched_read(void *probe, const struct probe_view *view, cJSON *into,
		struct probe_losses *losses)
{
	struct reading r = {.sched = probe, .view = view};
	cJSON *roles = cJSON_AddObjectToObject(into, "roles");

	add_all(&r);
	for (unsigned i = 0; i < PROBE_ROLE_COUNT; i++)
		if (r.roles[i].threads)
			add_role(&r, roles, i);
	add_waits(&r, into);
	if (!view->live)
		add_tables(&r, into);
	add_losses(&r, losses);
	free(r.waits);
}

// SPDX-License-Identifier: MIT
/*
 * Two samples of the threads of a process, or of several, and of the machine, and their difference
 * summed by role. Kernel workers of io_uring are threads of the process and so are in the samples
 * too.
 */
#include "harness/drive/procstat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/drive/roles.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "harness/util/procfs.h"

#define ENDED_FROM_NS (10 * NSEC_PER_MSEC)

struct sampled {
	struct proc_thread thread;
	unsigned process; /* 0: this one or a relative; 1 + index of one in a role */
};

struct sample {
	struct sampled *threads;
	size_t n, size;
	uint64_t at_ns;		 /* in the middle of taking it */
	uint64_t process_cpu_ns; /* threads that have ended included */
	struct proc_host host;
};

struct procstat {
	pid_t pid;		   /* with what it started; 0: this process */
	uint64_t since_ns;	   /* but not before that */
	const struct roles *roles; /* whose processes count too; NULL: none */
	struct sample begin, end;
};

struct adding {
	struct sample *s;
	pid_t pid;
	uint64_t since_ns;
	unsigned process;
	char tasks[32]; /* /proc/PID/task */
};

static int add_thread(void *arg, int tid)
{
	const struct adding *a = arg;
	struct sample *s = a->s;
	char dir[64];
	int r;

	if (s->n == s->size) {
		size_t size = s->size ? s->size * 2 : 64;
		struct sampled *bigger = realloc(s->threads, size * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		s->threads = bigger;
		s->size = size;
	}
	snprintf(dir, sizeof(dir), "%s/%d", a->tasks, tid);
	s->threads[s->n].process = a->process;
	r = procfs_thread(dir, &s->threads[s->n].thread);
	if (r == -ENOENT || r == -ESRCH)
		return 0; /* ended since the folder was read */
	if (!r)
		s->n++;
	return r;
}

static uint64_t cpu_ns_of(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		return 0; /* just ended */
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static int add_process(struct adding *a, pid_t pid, pid_t proc_pid)
{
	clockid_t clock;
	int r;

	if (!clock_getcpuclockid(pid, &clock))
		a->s->process_cpu_ns += cpu_ns_of(clock);
	snprintf(a->tasks, sizeof(a->tasks), "/proc/%d/task", proc_pid);
	r = procfs_each(a->tasks, add_thread, a);
	return r == -ENOENT || r == -ESRCH ? 0 : r;
}

static int add_relative(void *arg, int pid)
{
	struct adding *a = arg;

	return procfs_descends(pid, a->pid, a->since_ns) ? add_process(a, pid, pid) : 0;
}

static int add_role_processes(struct adding *a, const struct roles *roles)
{
	const struct role_process *p;
	unsigned n = roles ? roles_processes(roles, &p) : 0;
	int r = 0;

	for (unsigned i = 0; !r && i < n; i++) {
		a->process = i + 1;
		r = add_process(a, p[i].pid, p[i].proc_pid);
	}
	return r;
}

static int add_threads(const struct procstat *p, struct adding *adding, struct err *err)
{
	int r;

	if (p->pid) {
		r = procfs_each("/proc", add_relative, adding);
		if (!r && !adding->s->n)
			r = -ESRCH;
		return r ? err_sys(err, r, "process %d", p->pid) : 0;
	}
	adding->s->process_cpu_ns = cpu_ns_of(CLOCK_PROCESS_CPUTIME_ID);
	r = procfs_each(adding->tasks, add_thread, adding);
	if (!r)
		r = add_role_processes(adding, p->roles);
	return r ? err_sys(err, r, "%s", adding->tasks) : 0;
}

static int take_sample(const struct procstat *p, struct sample *s, struct err *err)
{
	struct adding adding = {
		.s = s, .pid = p->pid, .since_ns = p->since_ns, .tasks = "/proc/self/task"};
	uint64_t before = nsec_now();
	int r = procfs_host(&s->host);

	if (r)
		return err_sys(err, r, "/proc/stat");
	r = add_threads(p, &adding, err);
	s->at_ns = before + (nsec_now() - before) / 2;
	return r;
}

static int begin(pid_t pid, uint64_t since_ns, const struct roles *roles, struct procstat **ret,
		 struct err *err)
{
	struct procstat *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return err_sys(err, -ENOMEM, "procstat");
	p->pid = pid;
	p->since_ns = since_ns;
	p->roles = roles;
	r = take_sample(p, &p->begin, err);
	if (r)
		procstat_free(p);
	else
		*ret = p;
	return r;
}

int procstat_begin(const struct roles *roles, struct procstat **ret, struct err *err)
{
	return begin(0, 0, roles, ret, err);
}

int procstat_begin_of(pid_t pid, uint64_t since_ns, struct procstat **ret, struct err *err)
{
	return begin(pid, since_ns, NULL, ret, err);
}

int procstat_end(struct procstat *p, struct err *err)
{
	return take_sample(p, &p->end, err);
}

/* What a thread had at the begin; zeros for one that started inside the window. */
static struct proc_thread at_begin(const struct procstat *p, int tid)
{
	for (size_t i = 0; i < p->begin.n; i++)
		if (p->begin.threads[i].thread.tid == tid)
			return p->begin.threads[i].thread;
	return (struct proc_thread){.tid = tid};
}

static void add_number(cJSON *o, const char *name, uint64_t v)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);

	if (item)
		cJSON_SetNumberValue(item, item->valuedouble + (double)v);
	else
		cJSON_AddNumberToObject(o, name, (double)v);
}

static void add_usage(cJSON *o, const struct proc_thread *a, const struct proc_thread *b)
{
	uint64_t cpu = b->run_ns - a->run_ns;
	uint64_t ticks = b->user_ns + b->system_ns - a->user_ns - a->system_ns;
	uint64_t user = b->user_ns - a->user_ns;

	/* Too short for a tick: split as over the thread's whole life. */
	if (!ticks) {
		ticks = b->user_ns + b->system_ns;
		user = b->user_ns;
	}
	user = ticks ? (uint64_t)((double)cpu * (double)user / (double)ticks) : 0;
	add_number(o, "threads", 1);
	add_number(o, "user_ns", user);
	add_number(o, "system_ns", cpu - user);
	add_number(o, "cpu_ns", cpu);
	add_number(o, "run_queue_ns", b->run_queue_ns - a->run_queue_ns);
	add_number(o, "voluntary", b->voluntary - a->voluntary);
	add_number(o, "involuntary", b->involuntary - a->involuntary);
	add_number(o, "minor_faults", b->minor_faults - a->minor_faults);
	add_number(o, "major_faults", b->major_faults - a->major_faults);
}

/* What threads used that were there at one end of the window only: the process has it, nobody else.
 */
static uint64_t ended_cpu_ns(const struct procstat *p)
{
	uint64_t begin = p->begin.process_cpu_ns, threads = 0;
	/* Processes that ended took theirs with them. */
	uint64_t process = max_of(p->end.process_cpu_ns, begin) - begin;

	for (size_t i = 0; i < p->end.n; i++) {
		const struct proc_thread *t = &p->end.threads[i].thread;

		threads += t->run_ns - at_begin(p, t->tid).run_ns;
	}
	/* The samples are not taken in one instant: what is less than a tick is no thread. */
	return process > threads + ENDED_FROM_NS ? process - threads : 0;
}

static const char *role_of(struct roles *roles, const struct proc_thread *t)
{
	if (roles)
		return roles_name(roles, t->tid, t->comm);
	return strncmp(t->comm, "iou-", 4) ? "process" : roles_name_of_comm(t->comm);
}

cJSON *procstat_usage(const struct procstat *p, struct roles *roles)
{
	cJSON *usage = cJSON_CreateObject();

	for (size_t i = 0; i < p->end.n; i++) {
		const struct proc_thread *t = &p->end.threads[i].thread;
		const char *name = role_of(roles, t);
		cJSON *o = cJSON_GetObjectItemCaseSensitive(usage, name);
		struct proc_thread begin = at_begin(p, t->tid);

		if (!o)
			o = cJSON_AddObjectToObject(usage, name);
		add_usage(o, &begin, t);
	}
	if (ended_cpu_ns(p))
		cJSON_AddNumberToObject(cJSON_AddObjectToObject(usage, "ended"), "cpu_ns",
					(double)ended_cpu_ns(p));
	return usage;
}

cJSON *procstat_processes(const struct procstat *p)
{
	const struct role_process *processes;
	unsigned n = p->roles ? roles_processes(p->roles, &processes) : 0;
	cJSON *array = cJSON_CreateArray();

	for (unsigned i = 0; i < n; i++) {
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "role", role_names[processes[i].role]);
		for (size_t k = 0; k < p->end.n; k++) {
			const struct proc_thread *t = &p->end.threads[k].thread;
			struct proc_thread begin = at_begin(p, t->tid);

			if (p->end.threads[k].process == i + 1)
				add_usage(o, &begin, t);
		}
		cJSON_AddItemToArray(array, o);
	}
	return array;
}

uint64_t procstat_interval_ns(const struct procstat *p)
{
	return p->end.at_ns - p->begin.at_ns;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

uint64_t procstat_off_ns(const struct procstat *p, uint64_t begin_ns, uint64_t end_ns)
{
	return max_of(distance(p->begin.at_ns, begin_ns), distance(p->end.at_ns, end_ns));
}

uint64_t procstat_cpu_ns(const struct procstat *p)
{
	return p->end.process_cpu_ns - p->begin.process_cpu_ns;
}

static void add_psi(cJSON *o, const char *what, bool known, uint64_t us)
{
	char name[32], reason[40];

	snprintf(name, sizeof(name), "psi_%s_some_us", what);
	if (known) {
		cJSON_AddNumberToObject(o, name, (double)us);
		return;
	}
	cJSON_AddNullToObject(o, name);
	snprintf(reason, sizeof(reason), "reason_%s", name);
	cJSON_AddStringToObject(o, reason, "this kernel has no pressure stall information");
}

cJSON *procstat_host(const struct procstat *p)
{
	const struct proc_host *a = &p->begin.host, *b = &p->end.host;
	uint64_t busy = b->busy_ns - a->busy_ns, own = procstat_cpu_ns(p);
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "steal_ns", (double)(b->steal_ns - a->steal_ns));
	add_psi(o, "cpu", b->has_psi_cpu, b->psi_cpu_us - a->psi_cpu_us);
	add_psi(o, "io", b->has_psi_io, b->psi_io_us - a->psi_io_us);
	cJSON_AddNumberToObject(o, "foreign_cpu_ns", busy > own ? (double)(busy - own) : 0);
	return o;
}

void procstat_free(struct procstat *p)
{
	if (!p)
		return;
	free(p->begin.threads);
	free(p->end.threads);
	free(p);
}

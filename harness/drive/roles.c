// SPDX-License-Identifier: MIT
/*
 * Starting threads in a role. The thread notes its own id before it runs anything of the plugin's;
 * placement is part of the creation, so no instruction of it runs elsewhere.
 */
#include "harness/drive/roles.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "harness/run.h"
#include "harness/util/cpuset.h"

#define THREADS_MAX 16384

const char *const role_names[ROLE_COUNT + 1] = {"driver", "target", "sink", NULL};

struct roles {
	pthread_mutex_t lock;
	unsigned n, numbers[ROLE_COUNT];
	struct {
		int tid;
		enum role role;
	} threads[THREADS_MAX];
};

struct starter {
	struct roles *roles;
	enum role role;
	unsigned number;
	void *(*fn)(void *);
	void *arg;
};

struct roles *roles_new(void)
{
	struct roles *r = calloc(1, sizeof(*r));

	if (r)
		pthread_mutex_init(&r->lock, NULL);
	return r;
}

void roles_free(struct roles *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static int proc_tid(void)
{
	char link[64] = "";
	ssize_t n = readlink("/proc/thread-self", link, sizeof(link) - 1);
	int tid;

	if (n > 0 && sscanf(link, "%*d/task/%d", &tid) == 1)
		return tid;
	return gettid();
}

static void note_self(struct roles *r, enum role role)
{
	int tid = proc_tid();

	pthread_mutex_lock(&r->lock);
	if (r->n < THREADS_MAX) {
		r->threads[r->n].tid = tid;
		r->threads[r->n++].role = role;
	}
	pthread_mutex_unlock(&r->lock);
}

static void *thread_main(void *arg)
{
	struct starter s = *(struct starter *)arg;
	char name[16];

	free(arg);
	snprintf(name, sizeof(name), "%s/%u", role_names[s.role], s.number % 100000);
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_TIMERSLACK, 1);
	note_self(s.roles, s.role);
	return s.fn(s.arg);
}

static int start(struct run *run, pthread_attr_t *attr, struct starter *s, pthread_t *thread)
{
	const char *cpus = run->axes->cpus[s->role];
	sigset_t all, old;
	cpu_set_t set;
	int r;

	if (*cpus) {
		r = cpuset_parse(cpus, &set);
		if (!r)
			r = -pthread_attr_setaffinity_np(attr, sizeof(set), &set);
		if (r)
			return err_sys(&run->err, r, "role %s on CPUs %s", role_names[s->role],
				       cpus);
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(thread, attr, thread_main, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return err_sys(&run->err, r, "starting a %s thread%s%s", role_names[s->role],
			       *cpus ? " on CPUs " : "", cpus);
	return 0;
}

int role_thread_start(struct run *run, enum role role, pthread_t *thread, void *(*fn)(void *),
		      void *arg)
{
	struct starter *s = malloc(sizeof(*s));
	pthread_attr_t attr;
	int r;

	if (!s)
		return err_sys(&run->err, -ENOMEM, "starting a thread");
	*s = (struct starter){.roles = run->roles, .role = role, .fn = fn, .arg = arg};
	pthread_mutex_lock(&run->roles->lock);
	s->number = run->roles->numbers[role]++;
	pthread_mutex_unlock(&run->roles->lock);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	r = start(run, &attr, s, thread);
	pthread_attr_destroy(&attr);
	if (r)
		free(s);
	return r;
}

const char *roles_name_of_comm(const char *comm)
{
	if (!strncmp(comm, "iou-wrk-", 8))
		return "kernel:iou-wrk";
	if (!strncmp(comm, "iou-sqp-", 8))
		return "kernel:iou-sqp";
	for (int i = 0; i < ROLE_COUNT; i++) {
		size_t n = strlen(role_names[i]);

		if (!strncmp(comm, role_names[i], n) && comm[n] == '/')
			return role_names[i];
	}
	return "harness";
}

const char *roles_name(struct roles *r, int tid, const char *comm)
{
	const char *name = NULL;

	pthread_mutex_lock(&r->lock);
	for (unsigned i = 0; i < r->n && !name; i++)
		if (r->threads[i].tid == tid)
			name = role_names[r->threads[i].role];
	pthread_mutex_unlock(&r->lock);
	return name ? name : roles_name_of_comm(comm);
}

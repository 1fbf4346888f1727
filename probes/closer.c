// SPDX-License-Identifier: MIT
/*
 * Closing a program's link to a perf event takes its program off the hook at once, but then waits
 * for RCU, and again when the tracepoint has lost its last user: 80 ms for one. The first wait is
 * shared by all that wait at the same time, so each link has a thread that does nothing else. They
 * take no signals, and there are none of them while a run is started.
 */
#include "probes/closer.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;
static unsigned closing;

static void count(int change)
{
	pthread_mutex_lock(&lock);
	closing += (unsigned)change;
	if (!closing)
		pthread_cond_broadcast(&done);
	pthread_mutex_unlock(&lock);
}

static void *close_one(void *link)
{
	bpf_link__destroy(link);
	count(-1);
	return NULL;
}

void closer_take(struct bpf_link *link)
{
	sigset_t all, before;
	pthread_t thread;
	int r;

	count(1);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, NULL, close_one, link);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		close_one(link); /* slower, but gone as well */
	else
		pthread_detach(thread);
}

void closer_wait(void)
{
	pthread_mutex_lock(&lock);
	while (closing)
		pthread_cond_wait(&done, &lock);
	pthread_mutex_unlock(&lock);
}

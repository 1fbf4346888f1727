// SPDX-License-Identifier: MIT
/*
 * Samples are few: when there is no room for another every second one goes, and the next ones come
 * half as often. What counts are differences, so a sample that cannot be taken is left out.
 */
#include "harness/session/others.h"

#include <math.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "harness/util/cgroup.h"
#include "harness/util/nsec.h"
#include "harness/util/procfs.h"

#define EVERY_NS (50 * NSEC_PER_MSEC)

static uint64_t our_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static uint64_t nsec_of(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * NSEC_PER_SEC + (uint64_t)t->tv_usec * NSEC_PER_USEC;
}

static uint64_t children_cpu_ns(void)
{
	struct rusage r;

	getrusage(RUSAGE_CHILDREN, &r);
	return nsec_of(&r.ru_utime) + nsec_of(&r.ru_stime);
}

static void thin_out(struct others *o)
{
	for (unsigned i = 0; 2 * i < o->n; i++)
		o->samples[i] = o->samples[2 * i];
	o->n = (o->n + 1) / 2;
	o->every_ns *= 2;
}

static void add(struct others *o, uint64_t run_ns)
{
	struct proc_host host;

	if (procfs_host(&host))
		return;
	if (o->n == OTHERS_SAMPLES)
		thin_out(o);
	o->samples[o->n++] = (struct others_sample){.at_ns = nsec_now(),
						    .busy_ns = host.busy_ns,
						    .steal_ns = host.steal_ns,
						    .own_ns = run_ns + our_cpu_ns()};
}

void others_begin(struct others *o)
{
	o->n = 0;
	o->every_ns = EVERY_NS;
	o->due_ns = 0;
	o->children_ns = children_cpu_ns();
	add(o, 0);
}

void others_last(struct others *o, const char *cgroup)
{
	uint64_t run_ns;

	if (*cgroup && !cgroup_cpu_ns_of(cgroup, &run_ns))
		add(o, run_ns);
}

uint64_t others_tick(struct others *o, const char *cgroup, uint64_t now)
{
	if (now >= o->due_ns) {
		others_last(o, cgroup);
		o->due_ns = now + o->every_ns;
	}
	return o->due_ns - now;
}

void others_end(struct others *o)
{
	if (o->n == 1)
		add(o, children_cpu_ns() - o->children_ns);
}

static double between(uint64_t a, uint64_t b, double share)
{
	return (double)a + ((double)b - (double)a) * share;
}

static struct others_sample at(const struct others *o, uint64_t ns)
{
	const struct others_sample *a = o->samples, *b = a + 1;
	double share;

	while (b->at_ns < ns && b + 1 < o->samples + o->n)
		a = b++;
	share = (double)(ns - a->at_ns) / (double)(b->at_ns - a->at_ns);
	return (struct others_sample){
		.at_ns = ns,
		.busy_ns = (uint64_t)between(a->busy_ns, b->busy_ns, share),
		.steal_ns = (uint64_t)between(a->steal_ns, b->steal_ns, share),
		.own_ns = (uint64_t)between(a->own_ns, b->own_ns, share),
	};
}

struct others_share others_share(const struct others *o, uint64_t begin_ns, uint64_t end_ns)
{
	const struct others_sample *first = o->samples;
	const struct others_sample *last = first + (o->n ? o->n - 1 : 0);
	struct others_sample a, b;
	double all, foreign, steal;

	if (o->n < 2 || last->at_ns <= first->at_ns)
		return (struct others_share){NAN, NAN};
	if (!(first->at_ns <= begin_ns && begin_ns < end_ns && end_ns <= last->at_ns)) {
		begin_ns = first->at_ns;
		end_ns = last->at_ns;
	}
	a = at(o, begin_ns);
	b = at(o, end_ns);
	all = (double)(end_ns - begin_ns) * (double)sysconf(_SC_NPROCESSORS_ONLN);
	/* Some hypervisors take back what they have told. */
	steal = (double)b.steal_ns - (double)a.steal_ns;
	foreign = ((double)b.busy_ns - (double)a.busy_ns) - ((double)b.own_ns - (double)a.own_ns);
	return (struct others_share){fmax(steal, 0) / all, fmax(foreign, 0) / all};
}

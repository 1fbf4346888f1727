// SPDX-License-Identifier: MIT
/*
 * What programs cost, and how much of the window is watched for that. Attached programs cost
 * whether they look or not, so where all of them together would take more of a CPU than probe_cost,
 * they watch the first part of the window only and are detached then: every count of that part is
 * complete, times are clipped to it, and what the run loses is that part of what watching all of it
 * would cost. The window that the programs read simply ends earlier.
 */
#include <stdio.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "probes/cost_plan.h"
#include "probes/prober.h"

#define AHEAD_NS (5 * NSEC_PER_MSEC)
#define RUNS_MIN 100 /* for a mean: the first runs find nothing in the caches */

static struct part_stats between(const struct part_stats *from, const struct part_stats *to)
{
	if (to->runs < from->runs)
		return (struct part_stats){.runs = 0}; /* that part was not reached */
	return (struct part_stats){.runs = to->runs - from->runs, .ns = to->ns - from->ns};
}

double prober_mean_ns(const struct watcher *w, unsigned program)
{
	struct part_stats warm = between(&w->start[program], &w->warm[program]);
	struct part_stats s = between(&w->begin[program], &w->inside[program]);

	if (s.runs < RUNS_MIN) {
		s.runs += warm.runs;
		s.ns += warm.ns;
	}
	return s.runs < RUNS_MIN ? -1 : (double)s.ns / (double)s.runs;
}

/* In the warm-up, hooks included. */
static double probe_cpu_ns(const struct watcher *w, unsigned cpu)
{
	struct part *part = w->plugin->part(w->probe);
	double sum = 0;

	for (unsigned i = 0; part->programs[i]; i++) {
		struct part_stats warm = between(&w->start[i], &w->warm[i]);
		double runs = (double)(part->hits[cpu][i] - w->start_hits[cpu][i]);
		double mean = warm.runs ? (double)warm.ns / (double)warm.runs : 0;

		sum += runs * (mean + HOOK_NS);
	}
	return sum;
}

struct probe_load prober_load(const struct watcher *w, double seconds)
{
	struct part *part = w->plugin->part(w->probe);
	struct probe_load most = {.seconds = seconds};

	for (unsigned cpu = 0; cpu < HITS_CPUS; cpu++) {
		double sum = probe_cpu_ns(w, cpu), all = 0;

		for (unsigned i = 0; part->programs[i]; i++)
			all += (double)(part->hits[cpu][i] - w->start_hits[cpu][i]);
		if (sum / seconds > most.ns_per_s) {
			most.ns_per_s = sum / seconds;
			most.hits_per_s = all / seconds;
		}
	}
	return most;
}

static double cpu_ns(const struct prober *p, unsigned cpu)
{
	double sum = 0;

	for (unsigned i = 0; i < p->n; i++) {
		const struct watcher *w = &p->watchers[i];

		if (w->attached)
			sum += w->eased * probe_cpu_ns(w, cpu);
	}
	return sum;
}

/* The watched part has to end in the future: programs have clipped to the whole window what they
 * counted so far. So where this comes late, since others had the CPU, the part is a longer one. */
static double share_ahead(double share, const struct probe_window *window, uint64_t now)
{
	double length = (double)(window->end_ns - window->begin_ns), passed;

	if (now + AHEAD_NS <= window->begin_ns)
		return share;
	passed = (double)(now + AHEAD_NS - window->begin_ns) / length;
	return passed < share ? share : min_of(1.0, passed);
}

static void watch_until(struct prober *p, struct probe_window *window, uint64_t end_ns)
{
	for (unsigned i = 0; i < p->n; i++)
		p->watchers[i].env.part = p->share < 1;
	__atomic_store_n(&window->end_ns, end_ns, __ATOMIC_RELEASE);
}

/* Attached for that part only, unless the caller watches all whatever it costs. */
static void apply(struct prober *p, const struct cost_plan *plan, struct probe_window *window,
		  uint64_t now)
{
	double length = (double)(window->end_ns - window->begin_ns);

	p->share = p->whole || plan->share >= 1 ? 1 : share_ahead(plan->share, window, now);
	if (p->share < 1)
		watch_until(p, window, window->begin_ns + (uint64_t)(p->share * length));
}

void prober_share_check(struct prober *p, struct probe_window *window, uint64_t end_ns,
			uint64_t now)
{
	if (p->share >= 1 || now < window->end_ns)
		return;
	p->share = 1;
	watch_until(p, window, end_ns);
	snprintf(p->why_share, sizeof(p->why_share),
		 "watching all of it would cost some %.0f %%, but that was known too late",
		 100 * p->predicted);
}

void prober_share(struct prober *p, struct probe_window *window, double seconds, uint64_t now)
{
	double most = 0, allowed = (double)p->config.cost / 100;
	struct cost_plan plan;

	for (unsigned cpu = 0; cpu < HITS_CPUS; cpu++)
		most = max_of(most, cpu_ns(p, cpu));
	cost_plan(most / seconds / (double)NSEC_PER_SEC, allowed,
		  (double)(window->end_ns - window->begin_ns), &plan);
	p->predicted = plan.predicted;
	apply(p, &plan, window, now);
	if (plan.predicted > allowed)
		snprintf(
			p->why_share, sizeof(p->why_share),
			"watching all of it would cost some %.0f %%, and probe_cost allows %d %%%s",
			100 * plan.predicted, (int)p->config.cost,
			p->share < 1	 ? ""
			: p->whole	 ? ", but a hunt watches all of it"
			: plan.share < 1 ? ", but that was known too late"
					 : ", but a part of it would not save enough");
}

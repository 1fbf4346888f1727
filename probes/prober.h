/* SPDX-License-Identifier: MIT */
/* What prober.c (when things happen) and prober_read.c (what is told of it) share. */
#pragma once

#include <stdbool.h>

#include "harness/probe.h"
#include "probes/plugin.h"

#define PROBES_MAX 8
/* What attaching costs beyond the time that the kernel measures: entering and leaving a program
 * of two instructions took 72 ns on the reference machine, of which about 25 are measured. */
#define HOOK_NS 50

/* A probe of the set. */
struct watcher {
	const struct probe_plugin *plugin;
	struct probe_env env;
	void *probe; /* NULL: not loaded, see reason */
	bool chosen, attached;
	char reason[ERR_MAX];	  /* why it was not loaded; "" */
	char run_reason[ERR_MAX]; /* why it could not be attached for this run; "" */
	/* Counters of each program when the run was armed, the load began, and the window began
	 * and ended. */
	struct part_stats armed[HITS_PROGRAMS], start[HITS_PROGRAMS], begin[HITS_PROGRAMS],
		end[HITS_PROGRAMS];
	uint64_t start_hits[HITS_CPUS][HITS_PROGRAMS]; /* when the load began */
	double eased; /* what it takes once calibrated, of what it took before */
};

/* Where a probed run is. */
enum probing { IDLE, ARMED, WARM_UP, WINDOW, AFTER };

struct prober {
	struct probe_config config;
	struct track *track;
	struct stacks *stacks;
	struct watcher watchers[PROBES_MAX];
	unsigned n;
	enum probing phase;
	int stats_fd;	     /* -1 when the kernel does not measure programs */
	bool measured;	     /* start to begin was long enough to tell what a run costs */
	bool began;	     /* the window, in this run */
	uint64_t started_ns; /* begin of measuring */
	uint64_t stats_ns;   /* how long it was measured */
	bool whole;	     /* the window is the caller's: all of it is watched */
	double share;	     /* of the window, from its begin, that is watched */
	char why_share[120]; /* when not all of it */
};

cJSON *prober_read(struct prober *p, const cJSON *usage, bool live);
/* CPU time that a probe took of a CPU in the warm-up, with so much for each run beyond its own. */
double prober_cpu_ns(const struct watcher *w, unsigned cpu, double extra_ns);
/* After calibration: lets the window end where probe_cost is used up. See prober_share.c. */
void prober_share(struct prober *p, struct probe_window *window, double seconds);
/* Mean of a run of a program in the warm-up, ns; negative when it ran less often than that. The
 * first runs find nothing in the caches: a few of them tell nothing of a million. */
double prober_mean_ns(const struct watcher *w, unsigned program, uint64_t runs_min);

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
	/* Counters of each program when the run was armed, the load began, the warm-up was over,
	 * the window began, was measured for a moment, and ended. Time is counted from start to
	 * inside. */
	struct part_stats armed[HITS_PROGRAMS], start[HITS_PROGRAMS], warm[HITS_PROGRAMS],
		begin[HITS_PROGRAMS], inside[HITS_PROGRAMS], end[HITS_PROGRAMS];
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
	bool measured;	     /* start to warm was long enough to tell what a run costs */
	bool inside;	     /* the snapshot `begin` is of the window's begin */
	bool began;	     /* the window, in this run */
	uint64_t started_ns; /* begin of measuring */
	bool whole;	     /* the window is the caller's: all of it is watched */
	double share;	     /* of the window, from its begin, that is watched */
	double predicted;    /* cost of watching all of it, of a CPU's time; -1: not known */
	char why_share[160]; /* when it is not as probe_cost or a whole window would have it; "" */
};

cJSON *prober_read(struct prober *p, const cJSON *usage, uint64_t usage_off_ns, bool live);
/* After calibration: lets the window end where probe_cost is used up. See prober_cost.c. */
void prober_share(struct prober *p, struct probe_window *window, double seconds, uint64_t now);
/* The clock as it is after that: where the new end had passed before programs saw it, as when the
 * CPU went to others in between, the window has its whole length again, to `end_ns`. */
void prober_share_check(struct prober *p, struct probe_window *window, uint64_t end_ns,
			uint64_t now);
/* Of the CPU on which it takes most, in the warm-up: that one's threads pay for it. */
struct probe_load prober_load(const struct watcher *w, double seconds);
/* Mean of a run of a program, ns, in the window, with the warm-up where those are too few; negative
 * when both are. */
double prober_mean_ns(const struct watcher *w, unsigned program);

/* SPDX-License-Identifier: MIT */
/*
 * One probe, as the prober sees it. Life of a probe:
 *
 *   open        open its skeleton, choose programs, load and verify      once per session
 *   reset       empty maps
 *   attach      links; from here on it costs                             per probed run
 *   calibrate   between warm-up and window: what it costs, what it may
 *   tick        (may be NULL) now and then inside the window
 *   detach
 *   read        the keys of results/README.md that are its own
 *   close       also after half an open
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdint.h>

#include "harness/probe.h"
#include "harness/util/err.h"
#include "probes/knobs.h"
#include "probes/part.h"
#include "probes/track.h"

struct stacks;
struct stacks_maps;

/* Outlives the probe. */
struct probe_env {
	struct track *track;
	struct stacks *stacks; /* not before all probes are open */
	const struct probe_config *config;
	bool plain;	   /* plain tracepoints only */
	unsigned chosen;   /* bit i: probe_plugins[i] is in the set, and once all are open: works */
	unsigned attached; /* likewise: in this run */
	bool part;	   /* only the first part of the window is watched */
};

/* What a probe costs as it stands on the CPU where it costs most, measured over the warm-up. */
struct probe_load {
	double ns_per_s;	/* CPU time in its programs and the hooks' own, per second */
	double budget_ns_per_s; /* what it may take */
	double hits_per_s;	/* runs of its programs, on that CPU */
	double seconds;		/* that were measured */
};

/* What every probe says about itself. */
struct probe_losses {
	uint64_t events, lost, map_full, untracked;
	uint64_t every;	    /* 1 in how many was looked at */
	char sampling[160]; /* why, when not 1 */
};

/* What `read` may need besides its own maps. */
struct probe_view {
	const struct probe_env *env;
	const cJSON *usage;	   /* the record's; may be NULL */
	uint64_t usage_off_ns;	   /* from the ends of the window to its readings, at most */
	uint64_t begin_ns, end_ns; /* of the window; `live`: what is over of it */
	bool live;
};

struct probe_plugin {
	struct probe_info info;
	const char *const *hooks; /* tracepoints by name, ended by NULL: "sched_switch" */

	int (*open)(const struct probe_env *env, void **ret, struct err *err);
	struct part *(*part)(void *probe);
	int (*attach)(void *probe, struct err *err);
	void (*detach)(void *probe);
	/* Every one below may be NULL. */
	int (*reset)(void *probe, struct err *err); /* beside part_clear, which is always done */
	bool (*sample_maps)(void *probe,
			    struct stacks_maps *ret); /* of sample.bpf.h, if it takes any */
	/* Puts what it takes from then on into load->ns_per_s. */
	void (*calibrate)(void *probe, struct probe_load *load);
	uint64_t (*tick)(void *probe, uint64_t now_ns); /* when again, from now */
	void (*read)(void *probe, const struct probe_view *view, cJSON *into,
		     struct probe_losses *losses);
	void (*close)(void *probe);
};

extern const struct probe_plugin *const probe_plugins[]; /* ended by NULL: registry.c */

/* Is the probe of this name attached in this run? */
bool probe_attached(const struct probe_env *env, const char *name);

/* The keys of a tally, as in records. For a full histogram: hist_json of harness/result.h. */
void probe_tally_json(cJSON *into, const struct tally *t);

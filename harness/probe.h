/* SPDX-License-Identifier: MIT */
/*
 * What the harness knows of probes: which there are, which knobs they have, and one prober that
 * loads them once and arms them around the runs that are probed. Life of a prober:
 *
 *   open                 load and verify what was chosen; what cannot be loaded gets a reason, and
 *                        the rest goes on
 *   per probed run:
 *     arm                links are created; whoever this thread forks from here on is watched
 *     launched           the run has been started: nobody else is watched any more
 *     tick               now and then while it runs: returns when to come again. A probe may
 *                        drop and renew links then: the record says so
 *     disarm             links are destroyed: nothing of ours is attached any more
 *     read               what was seen in the window
 *   close
 *
 * The window is said by who drives the load, in a page of memory that the programs read: see
 * probe_window.h. A run without probes has no such page.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/param.h"
#include "harness/probe_window.h"
#include "harness/util/err.h"

struct probe_info {
	const char *name;
	const char *help;  /* one line */
	const char *needs; /* another probe without which it sees nothing; NULL */
};

struct prober; /* an open one */

struct prober_ops {
	const struct probe_info *probes; /* ended by a NULL name; at most 32 */
	const struct param *params;	 /* knobs of all of them */
	size_t config_size;

	/* `set`: bit i stands for probes[i]. What a probe needs is added. Fails only without memory
	 * or for a set of 0: a probe that this machine refuses is one with a reason. */
	int (*open)(unsigned set, const void *config, struct prober **ret, struct err *err);
	/* `role`: what watched threads are until their name says more ("harness", "process").
	 * `pid` 0: watch what this thread forks from here on; else that process as it is, and what
	 * it forks. -ESRCH and the like with err when the process cannot be watched. */
	int (*arm)(struct prober *p, const char *role, pid_t pid, struct err *err);
	void (*launched)(struct prober *p);
	/* A descriptor of the page with the window, for mmap(MAP_SHARED); belongs to the prober. */
	int (*window_fd)(const struct prober *p);
	/* Returns how many nanoseconds from now it wants to be called again. Never blocks. */
	uint64_t (*tick)(struct prober *p);
	void (*disarm)(struct prober *p);
	/* The record's `probes` (results/README.md). `usage`: the record's, for the closure; may be
	 * NULL. `usage_off_ns`: how far from the ends of the window it was read. `live`: a quick
	 * look while armed, without stacks and symbols. */
	cJSON *(*read)(struct prober *p, const cJSON *usage, uint64_t usage_off_ns, bool live);
	void (*close)(struct prober *p);

	/* Programs of others that are on the hooks that we use now: [{hook, program, id}], or NULL
	 * with the reason why that cannot be told. */
	cJSON *(*foreign)(struct err *why);
	/* Can this probe run here? 0, or -errno with the reason; `ret_hooks`: "btf" or "plain". */
	int (*supported)(const char *name, const char **ret_hooks, struct err *why);
};

/* Adds a name with what it needs, "all" or "none"; -ENOENT with the nearest name in err. `ops` may
 * be NULL, where a build has no probes: then "none" is the only name. */
int probe_set_add(const struct prober_ops *ops, const char *name, unsigned *set, struct err *err);
/* The set for "all", "none", or names with commas between. -ENOENT or -EINVAL with err. */
int probe_set_parse(const struct prober_ops *ops, const char *list, unsigned *ret, struct err *err);
/* Those of `set` by name, as a JSON array. */
cJSON *probe_set_json(const struct prober_ops *ops, unsigned set);
/* Of what `foreign` told before a run and after it, [{hook, program, id, seen}], `seen` being
 * "before", "after" or "both". Takes both lists. */
cJSON *probe_foreign_seen(cJSON *before, cJSON *after);

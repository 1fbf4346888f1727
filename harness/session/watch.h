/* SPDX-License-Identifier: MIT */
/*
 * The probers of a session: one for each set of probes that its plan asks for, opened before the
 * first run and armed around the runs that are probed. Whatever becomes of a run, its prober is
 * disarmed when watch_launch returns; what cannot be watched is said in the record, and the run
 * itself counts.
 */
#pragma once

#include <cjson/cJSON.h>

#include "harness/session/launch.h"

struct matrix;
struct plan;
struct prober_ops;
struct watch;

/* 0 with a watch (also for a plan without a probed run), or -ENOMEM with err. `ops` may be NULL. */
int watch_open(const struct prober_ops *ops, const struct matrix *m, const struct plan *p,
	       struct watch **ret, struct err *err);

/*
 * launch(), watched by the probes of `set`, 0 being none. The request gets its `window`, so it must
 * not have one. `ret_probes`: the record's `probes`; untouched when launch fails or the run was
 * interrupted.
 */
int watch_launch(struct watch *w, unsigned set, cJSON *request, struct launch *l,
		 struct outcome *ret, cJSON **ret_probes, struct err *err);

/* Adds `foreign_bpf`, or null with its reason, to the host of the record of the run that was
 * launched last: what was there before it, and is there now. `host` may be NULL. */
void watch_add_foreign(struct watch *w, cJSON *host);

void watch_close(struct watch *w);

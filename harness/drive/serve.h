/* SPDX-License-Identifier: MIT */
/*
 * A run without load: what a target provides (a block device, say) is set up as for a run, and kept
 * for other programs until somebody says that it is enough.
 */
#pragma once

#include "harness/run.h"

struct serve_options {
	const char *workdir; /* absolute, exists, empty */
	double pad_iters_per_ns;
	/* Called once all is there; run->world is filled. Its result ends the serving if it is not
	 * 0. */
	int (*ready)(struct run *run, void *arg);
	/* At each signal: false where it should go on, since somebody still uses it; at the second
	 * one it ends all the same, with -EBUSY. NULL: it ends at the first one. */
	bool (*may_end)(struct run *run, void *arg);
	void *arg;
};

/*
 * Serves until SIGINT, SIGTERM or SIGHUP, or until the target gives up; then everything is gone
 * again. 0, or -errno with err: -EOPNOTSUPP where this machine cannot do it.
 */
int serve(const struct cell *cell, const struct serve_options *options, struct err *err);

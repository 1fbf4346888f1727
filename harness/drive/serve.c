// SPDX-License-Identifier: MIT
/*
 * The signals that end the serving stay blocked from before the set-up until it is over, so that
 * one that comes early is not lost, and none leaves half a device behind. run->stop, which a target
 * sets when it cannot go on, is looked at ten times a second.
 */
#include "harness/drive/serve.h"

#include <errno.h>
#include <signal.h>

#include "harness/drive/life.h"
#include "harness/target.h"
#include "harness/util/nsec.h"

#define LOOK_NS (100 * NSEC_PER_MSEC)

/* 0, -EBUSY when it was told to end although somebody uses it, -EIO when the target gave up. */
static int await_end(struct run *run, const struct serve_options *options, const sigset_t *ends)
{
	const struct timespec pause = nsec_to_timespec(LOOK_NS);
	bool used = false;

	while (!run->stop) {
		if (sigtimedwait(ends, NULL, &pause) < 0)
			continue;
		if (!options->may_end || options->may_end(run, options->arg))
			return 0;
		if (used)
			return err_set(&run->err, -EBUSY, "it was removed while it was in use");
		used = true;
	}
	return -EIO;
}

static int serve_run(struct run *run, const struct serve_options *options, const sigset_t *ends)
{
	int r = life_make_lanes(run), stopped;

	if (!r)
		r = life_set_up(run);
	if (!r)
		r = options->ready(run, options->arg);
	if (!r) {
		r = await_end(run, options, ends);
		stopped = life_call(run->cell->target->stop, run, "stopping the target");
		r = r ? r : stopped;
	}
	if (!r)
		run->err = (struct err){""};
	life_tear_down(run);
	return r || !run->err.text[0] ? r : -EBUSY;
}

int serve(const struct cell *cell, const struct serve_options *options, struct err *err)
{
	struct run run = {.cell = cell,
			  .axes = &cell->axes,
			  .workload_config = cell->workload_config,
			  .target_config = cell->target_config,
			  .workdir = options->workdir,
			  .sessiondir = options->workdir,
			  .serving = true,
			  .pad_iters_per_ns = options->pad_iters_per_ns};
	sigset_t ends, before;
	int r;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, &before);
	r = serve_run(&run, options, &ends);
	sigprocmask(SIG_SETMASK, &before, NULL);
	life_free_lanes(&run);
	if (r)
		*err = run.err;
	return r;
}

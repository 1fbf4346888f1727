/* SPDX-License-Identifier: MIT */
/*
 * Runs all lanes of a run over one window: opens them on their own threads, starts them together,
 * marks the window for the workload and procstat, reaps everything, closes the lanes, merges what
 * they counted. The caller has set workload and target up and tears them down.
 */
#pragma once

#include "harness/hist.h"
#include "harness/drive/lane_loop.h"
#include "harness/run.h"
#include "harness/workload.h"

struct procstat;

struct drive_result {
	struct window window;
	struct hist service, intended, lateness;
	struct hist *by_kind; /* [kinds of the workload] or NULL */
	uint64_t errors_sum_ns, errnos[ERRNO_SLOTS];
	uint64_t series_ops[SERIES_POINTS];
	double series_sum_ns[SERIES_POINTS];
	uint64_t interval_ns;
	double in_flight;	   /* time average over the window */
	uint64_t started, backlog; /* open loop: starts made and starts due but never made */
	struct procstat *procstat;
};

/* 0, or -errno with run->err filled. Lanes are closed on every path. */
int drive_run(struct run *run, struct drive_result **ret);
void drive_result_free(struct drive_result *r);

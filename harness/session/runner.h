/* SPDX-License-Identifier: MIT */
/*
 * Who makes runs, one after another, for a session or for a gate:
 *
 *   runner_claim    the machine is ours, and what dead sessions left is gone
 *   runner_open     a work folder below the results folder, and probers for what a plan watches
 *   runner_run      one run in an isolated child, whose folder is fresh and removed again
 *   runner_close
 */
#pragma once

#include <cjson/cJSON.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "harness/session/launch.h"

struct cell;
struct matrix;
struct plan;
struct prober_ops;
struct registry;
struct runner;

struct runner_options {
	const struct registry *registry;
	const struct prober_ops *prober; /* may be NULL */
	bool concurrent;		 /* beside other sessions, see solo.h */
	const volatile sig_atomic_t *interrupted;
};

struct runner_swept {
	uint64_t count;		 /* things that dead sessions, or runs, had left */
	char not_swept[ERR_MAX]; /* what of that could not be undone, the first; "" */
};

struct runner_job {
	const struct cell *cell; /* as it is sent to the child */
	const char *binary;	 /* a uhbench */
	unsigned protocol;	 /* that the binary speaks; 0: ours */
	const char *bin;	 /* the user's program under test, for who asks; NULL: none */
	uint64_t number;	 /* of the run: names its folder */
	uint64_t seed;
	double pad_iters_per_ns;
	double pad_iters_per_op; /* 0: none; needs a binary that speaks PROTOCOL_PADS */
	bool probed;		 /* by cell->probes; needs a binary that speaks PROTOCOL_WINDOWS */
	bool others;		 /* the outcome's is asked for */
	bool sync;		 /* what earlier runs wrote is on disk before it starts */
};

/* -EBUSY: another session is measuring; -EUSERS: see solo.h. */
int runner_claim(const struct runner_options *opt, struct runner **ret, struct err *err);
/* `dir` must exist. The plan says which sets of probes there will be; m is used until the end. */
int runner_open(struct runner *r, const struct matrix *m, const struct plan *p, const char *dir,
		struct err *err);
/* Absolute; it is removed in the end. */
const char *runner_workdir(const struct runner *r);
const struct runner_swept *runner_swept(const struct runner *r);

/*
 * 0 with an outcome whatever the run did, -errno when none could be started. `ret_probes`: the
 * record's `probes`, NULL when the run was interrupted. `ret_start`: CLOCK_REALTIME.
 */
int runner_run(struct runner *r, const struct runner_job *job, struct outcome *ret,
	       cJSON **ret_probes, struct timespec *ret_start, struct err *err);
/* How long a run of the cell may take, as the matrix says or as its plugins need. */
uint64_t runner_deadline(const struct matrix *m, const struct cell *cell);
void runner_close(struct runner *r); /* accepts NULL */

/* SPDX-License-Identifier: MIT */
/*
 * One `uhbench run`: every run of the plan, one after another, each stored before the next starts.
 * Nothing is printed here; who wants to show progress gets told.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/protocol.h"
#include "harness/util/err.h"

struct cell;
struct matrix;
struct plan;
struct outcome;
struct prober_ops;
struct registry;

struct session_options {
	const struct registry *registry;
	const char *dir;
	bool resume, concurrent;
	const char *binary;	/* the uhbench to run children with: a path */
	uint64_t seed, repeats; /* as used for the plan: these go into the manifest */
	const char *only;	/* may be NULL */
	bool probes_given;	/* the matrix's own were overridden: noted in the manifest */
	const struct prober_ops *prober; /* may be NULL */
	const volatile sig_atomic_t *interrupted;

	/* Called before and after every run; done counts runs of this call, of `todo`. */
	void (*begins)(void *arg, const struct cell *cell, bool probed, uint64_t done,
		       uint64_t todo);
	void (*ended)(void *arg, const struct cell *cell, bool probed, const struct outcome *o,
		      uint64_t done, uint64_t todo);
	void *arg;
};

struct session_summary {
	uint64_t todo, done;		  /* runs that were missing, and that were made */
	uint64_t kept;			  /* runs that an earlier session had made (resume) */
	uint64_t swept;			  /* things that dead sessions had left */
	uint64_t by_status[STATUS_COUNT]; /* of all records, kept ones too */
	char not_swept[ERR_MAX];	  /* what of that, or of a run, could not be undone; "" */
	bool interrupted;
};

/*
 * 0 when every run was made or the session was interrupted; else -errno:
 * -EBUSY another session is measuring, -EEXIST the folder holds a session, -ESTALE (resume) it
 * holds another matrix's session, others as they came from the system. `ret` is filled on every
 * path.
 */
int session_run(const struct matrix *m, const struct plan *p, const struct session_options *opt,
		struct session_summary *ret, struct err *err);

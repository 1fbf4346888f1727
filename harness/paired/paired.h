/* SPDX-License-Identifier: MIT */
/*
 * `uhbench ab`: two builds, or two settings of one, measured in turn until a gate can say which
 * cells became slower. Leaves gate.json, pairs.jsonl and verdicts.json (results/README.md,
 * "Gates"). Nothing is printed here; who wants to show progress gets told.
 */
#pragma once

#include <cjson/cJSON.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/gate/gate.h"
#include "harness/util/err.h"

struct cell;
struct matrix;
struct prober_ops;
struct registry;

#define PAIRED_BUILDS_MAX 16

struct paired_side_options {
	const char *const *paths; /* builds of this side; one is drawn for each pair */
	unsigned n_paths;
	const char *const *sets; /* WORKLOAD[/TARGET].KNOB=VALUE */
	unsigned n_sets;
	const char *name; /* what reports call it; NULL: its settings, its revision or its path */
};

struct paired_options {
	const struct registry *registry;
	const struct prober_ops *prober; /* may be NULL */
	const struct matrix *matrix;
	const char *only;	/* may be NULL */
	const char *dir;	/* is made, and holds no session and no gate */
	const char *own_binary; /* this program */
	struct paired_side_options sides[2];
	struct gate_params params;
	const char *margin_from;       /* "default", "calibration", "one build" or "given" */
	double effect, matters;	       /* fractions */
	double max_steal, max_foreign; /* of the CPUs' time in a window: above, a pair is dropped */
	bool fail_on_regressed, fail_on_inconclusive;
	uint64_t seed;
	uint64_t budget_ns; /* 0: none */
	bool concurrent;
	const cJSON *calibration; /* of this machine, quoted by the reports; NULL: there is none */
	const volatile sig_atomic_t *interrupted;

	/* Before each pair. `control`: of base and its copy. */
	void (*begins)(void *arg, const struct cell *cell, bool control, const char *stage);
	/* What became of it: "" when it counts. `left`: pairs that are wanted at present. */
	void (*ended)(void *arg, const struct cell *cell, const char *trouble, unsigned done,
		      unsigned left);
	void *arg;
};

struct paired_summary {
	uint64_t swept;
	char not_swept[ERR_MAX];
	cJSON *verdicts; /* the caller's; NULL on failure */
};

/*
 * 0 with verdicts, whatever they are. -EINVAL: what was asked for makes no sense, or a build is no
 * uhbench, or too old; -EEXIST: the folder holds something; -EBUSY, -EUSERS: see runner.h.
 */
int paired_run(const struct paired_options *opt, struct paired_summary *ret, struct err *err);

/*
 * A log for a calibration: what is known beforehand is measured by one gate after another, none of
 * which has a control, since the log is about just that. gate.json gets
 * `log: {gates, slow, pads_ns: [a number for each cell]}`; there is no verdicts.json.
 */
struct paired_log {
	unsigned gates; /* the budget may end it before */
	double slow;	/* by which a pad makes head's operations longer; 0: by nothing */
	/* Of each chosen cell: how long a lane takes for an operation of base; for slow > 0. */
	const double *op_ns;
};

/* As paired_run. -EINVAL, too: a build or a cell that cannot be slowed down. */
int paired_log_run(const struct paired_options *opt, const struct paired_log *log,
		   struct paired_summary *ret, struct err *err);

/* What of that can be told without running anything. op_ns may be NULL. */
int paired_log_check(const struct paired_options *opt, const struct paired_log *log,
		     struct err *err);

/* The plan of it, without running anything: {cells, pairs: {least, most}, seconds: {least, most}}.
 * -EINVAL as above. */
int paired_plan(const struct paired_options *opt, cJSON **ret, struct err *err);

/*
 * Writes verdicts.json from the other two files of the folder, the same bytes every time.
 * -ENOENT: it holds no gate. -EBADMSG with file and line: what is there is not what was written.
 */
int paired_analyse(const char *dir, cJSON **ret_verdicts, struct err *err);
/* Are that all lines of pairs.jsonl (`path`)? What was cut off while it was written is missed only
 * where nothing says that the gate ended. -EBADMSG with the place. */
int paired_check_lines(const cJSON *gate, const char *path, unsigned lines, unsigned torn,
		       struct err *err);
bool paired_is_folder(const char *dir);

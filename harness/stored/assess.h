/* SPDX-License-Identifier: MIT */
/*
 * The stored gate: a session, or a few, against those of a baseline. Each metric of each cell is
 * held against the prediction of one more session (predict.h), from the baseline's newest sessions
 * and, where they are others, from its pinned ones, so that a slow leak shows that no newest
 * session would. Holm over all cells and both. What comes out has the shape of verdicts.json
 * (results/README.md) and is made from the sheets alone: the same sheets, the same verdicts.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/registry.h"
#include "harness/stored/sheet.h"
#include "harness/util/err.h"

#define STORED_ALPHA 0.01

struct assess_side {
	const char *name;
	bool baseline;		    /* else a session */
	const struct sheet *sheets; /* [n], the oldest first */
	size_t n;
};

struct assess {
	const struct registry *registry; /* yardsticks of workloads, declarations of metrics */
	struct assess_side base, head;
	double alpha;
	/* Why the two are not comparable; the figures are then advice, and the verdict
	 * `inconclusive` at best. NULL: they are. */
	const char *advice;
	/* Verdicts whose exit code is to be 0. */
	bool forgive_regressed, forgive_inconclusive;
};

/* Cells are those of the newest session of the head; a line's `gate`, a cell's list,
 * says which metrics count beside those that always do. -ENOMEM. */
int assess_verdicts(const struct assess *j, cJSON **ret, struct err *err);

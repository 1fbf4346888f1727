/* SPDX-License-Identifier: MIT */
/*
 * What to say beside a word that is wrong where it stands: where it would be right, or else the
 * nearest word that would be right here, or else nothing. Each writes "; ..." or "" and returns
 * buf.
 */
#pragma once

#include "harness/registry.h"

#define HINT_MAX 192

struct nearest;

/* A key of the top level; `n` holds the words that may stand there. */
const char *hint_top(const struct nearest *n, char buf[static HINT_MAX]);
/* A key of an entry or a skip rule; `workload` may be NULL. */
const char *hint_entry(const struct registry *reg, const struct workload_ops *workload,
		       const struct nearest *n, char buf[static HINT_MAX]);
/* A knob that a target lacks. */
const char *hint_knob(const struct registry *reg, const struct target_ops *target, const char *knob,
		      char buf[static HINT_MAX]);
/* A target that a workload lacks. */
const char *hint_target(const struct registry *reg, const struct workload_ops *workload,
			const char *name, char buf[static HINT_MAX]);

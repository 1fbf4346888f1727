/* SPDX-License-Identifier: MIT */
/* `uhbench run --baseline`: what is looked at before anything runs, and judged when all has. */
#pragma once

#include "harness/cli/stored_side.h"
#include "harness/matrix/matrix.h"

struct run_gate {
	const char *baseline; /* its name; NULL: no gate */
	const char *root;
	struct option_words fail_on;
	bool other_machine;
	bool regressed, inconclusive; /* fail; from run_gate_open on, as what follows */
	struct stored_side base;
	char advice[ERR_MAX];
};

/* Is there a baseline, and is it of this machine and recipe? `dir`, the results folder, need not be
 * there yet. VERB_GO_ON, also without a gate, or the exit code. */
int run_gate_open(struct run_gate *g, const struct matrix *m, uint64_t repeats, const char *dir);
/* Writes DIR/verdicts.json, prints the verdict (to stderr when stdout is for JSON), and returns the
 * exit code. */
int run_gate_judge(const struct run_gate *g, const struct registry *reg, const char *dir,
		   bool json);
void run_gate_close(struct run_gate *g);

/* SPDX-License-Identifier: MIT */
/* Reading a matrix for a verb: everything that is wrong with it, and the notes, go to stderr. */
#pragma once

#include "harness/cli/verb.h"
#include "harness/matrix/matrix.h"

/* VERB_GO_ON with a matrix, or the exit code to leave with. */
int load_matrix(const struct registry *reg, const char *path, struct matrix **ret);

/* For _cleanup_. */
void cleanup_matrix(struct matrix **m);

/* SPDX-License-Identifier: MIT */
/* What `uhbench baseline list`, `show` and `diff` print. All return the exit code. */
#pragma once

#include "harness/cli/stored_side.h"

int baseline_list(const char *root, bool json);
int baseline_show(const struct registry *reg, const struct stored_side *b, bool json);
/* `b` NULL: against this machine, as it is now. */
int baseline_diff(const struct stored_side *a, const struct stored_side *b, bool json);

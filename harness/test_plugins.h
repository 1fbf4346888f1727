/* SPDX-License-Identifier: MIT */
/*
 * A registry for tests of the matrix: workload "log" (payload 4096, 64 to 1 MiB) with targets
 * "plain" and "group", whose knobs are of every type; workload "void" (no payload) with a target
 * "null" that has no knobs.
 */
#pragma once

#include "harness/matrix.h"

extern const struct registry test_registry;

/* matrix_load on a text instead of a file. */
int test_load(const char *text, size_t len, struct diag *diag, struct matrix **ret);

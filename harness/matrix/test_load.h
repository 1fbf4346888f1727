/* SPDX-License-Identifier: MIT */
/* For tests: matrix_load with test_registry on a text instead of a file. */
#pragma once

#include "harness/matrix/matrix.h"

int test_load(const char *text, size_t len, struct diag *diag, struct matrix **ret);

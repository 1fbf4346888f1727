/* SPDX-License-Identifier: MIT */
/* Holm's step-down procedure (Scand. J. Statist. 6, 1979): keeps the probability of any false
 * rejection among n tests at alpha, however they depend on each other. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* reject[i] for p[i]; `adjusted` (may be NULL) gets the adjusted p-values. -ENOMEM; -EINVAL for a
 * p outside [0, 1], and an alpha outside (0, 1). */
int holm(const double *p, size_t n, double alpha, bool *reject, double *adjusted);

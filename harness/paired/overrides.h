/* SPDX-License-Identifier: MIT */
/*
 * WORKLOAD[/TARGET].KNOB=VALUE: what one side of a comparison of settings is given instead of what
 * the matrix states. KNOB is a knob or an axis, VALUE as in a matrix, without quotes.
 */
#pragma once

#include <stddef.h>

#include "harness/cell.h"

/*
 * The cells of a side: those of the matrix, read anew with the overrides. -EINVAL with err for a
 * text of another shape, one that no cell has a use for, a bad value, and a cell that makes no
 * sense with it. The caller frees them by overrides_free.
 */
int overrides_apply(const struct registry *reg, const char *const *sets, unsigned n_sets,
		    struct cell *const *cells, size_t n, struct cell ***ret, struct err *err);
void overrides_free(struct cell **cells, size_t n);

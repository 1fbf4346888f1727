/* SPDX-License-Identifier: MIT */
/* Order statistics of doubles, none of which is NaN. */
#pragma once

#include <stddef.h>

/* Ascending. */
void order_sort(double *values, size_t n);

/* Of sorted values: the middle one, or the mean of the two in the middle; NAN for none. */
double order_median(const double *sorted, size_t n);

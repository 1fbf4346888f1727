/* SPDX-License-Identifier: MIT */
/* How far values lie apart. */
#pragma once

#include <stddef.h>

double spread_mean(const double *v, size_t n);	    /* NAN for none */
double spread_deviation(const double *v, size_t n); /* of a sample, n - 1 below; NAN for n < 2 */
/* 1.4826 times the median distance from the median: the deviation of normal values, whatever a few
 * outliers do. NAN for none; -ENOMEM is NAN, too. */
double spread_mad(const double *v, size_t n);
/* Autocorrelation of lag 1; NAN for n < 3, or where all are equal. */
double spread_autocorrelation(const double *v, size_t n);

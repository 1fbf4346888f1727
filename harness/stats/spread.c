// SPDX-License-Identifier: MIT
/* How far values lie apart: each in two passes, so that a large mean costs no digits. */
#include "harness/stats/spread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/order.h"

/* 1 / the upper quartile of the standard normal distribution. */
#define NORMAL_PER_MAD 1.4826022185056018

double spread_mean(const double *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return n ? sum / (double)n : NAN;
}

static double sum_of_squares(const double *v, size_t n, double mean)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (v[i] - mean) * (v[i] - mean);
	return sum;
}

double spread_deviation(const double *v, size_t n)
{
	if (n < 2)
		return NAN;
	return sqrt(sum_of_squares(v, n, spread_mean(v, n)) / (double)(n - 1));
}

double spread_mad(const double *v, size_t n)
{
	_cleanup_free_ double *sorted = n ? malloc(n * sizeof(*sorted)) : NULL;
	double median;

	if (!sorted)
		return NAN;
	memcpy(sorted, v, n * sizeof(*sorted));
	order_sort(sorted, n);
	median = order_median(sorted, n);
	for (size_t i = 0; i < n; i++)
		sorted[i] = fabs(v[i] - median);
	order_sort(sorted, n);
	return NORMAL_PER_MAD * order_median(sorted, n);
}

double spread_autocorrelation(const double *v, size_t n)
{
	double mean = spread_mean(v, n), sum = 0, squares;

	if (n < 3)
		return NAN;
	squares = sum_of_squares(v, n, mean);
	if (squares == 0)
		return NAN;
	for (size_t i = 0; i + 1 < n; i++)
		sum += (v[i] - mean) * (v[i + 1] - mean);
	return sum / squares;
}

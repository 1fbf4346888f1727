// SPDX-License-Identifier: MIT
/*
 * The prior by moments, as Smyth does: log s^2 is, but for known constants, normal enough that its
 * mean and variance over the cells give s0 and d0. Digamma and trigamma by recurrence to x >= 10
 * and the asymptotic series there (Abramowitz & Stegun 6.3.18, 6.4.12).
 */
#include "harness/stats/moderated.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/order.h"

#define SERIES_FROM   10.0
#define ZERO_VARIANCE 1e-5 /* of the median */

double moderated_digamma(double x)
{
	double sum = 0, y;

	for (; x < SERIES_FROM; x++)
		sum -= 1 / x;
	y = 1 / (x * x);
	return sum + log(x) - 0.5 / x -
	       y * (1. / 12 - y * (1. / 120 - y * (1. / 252 - y * (1. / 240 - y / 132))));
}

double moderated_trigamma(double x)
{
	double sum = 0, y;

	for (; x < SERIES_FROM; x++)
		sum += 1 / (x * x);
	y = 1 / (x * x);
	return sum + 1 / x + y / 2 +
	       y / x * (1. / 6 - y * (1. / 30 - y * (1. / 42 - y * (1. / 30 - y * 5 / 66))));
}

/* Trigamma falls from infinity to 0: bisection on the logarithm needs no derivative. */
double moderated_trigamma_inverse(double y)
{
	double low = -20, high = 20;

	if (y <= 0)
		return INFINITY;
	for (int i = 0; i < 100; i++) {
		double middle = (low + high) / 2;

		if (moderated_trigamma(exp(middle)) > y)
			low = middle;
		else
			high = middle;
	}
	return exp((low + high) / 2);
}

/* What takes the place of a variance of 0, whose logarithm says nothing. */
static double least_variance(const double *variance, size_t n)
{
	_cleanup_free_ double *sorted = malloc(n * sizeof(*sorted));
	double median;

	if (!sorted)
		return NAN;
	memcpy(sorted, variance, n * sizeof(*sorted));
	order_sort(sorted, n);
	median = order_median(sorted, n);
	return ZERO_VARIANCE * (median > 0 ? median : 1);
}

struct moderated_prior moderated_prior(const double *variance, const double *df, size_t n)
{
	struct moderated_prior prior = {.variance = n ? variance[0] : NAN, .df = 0};
	double least, sum = 0, squares = 0, noise = 0, mean;

	if (n < 2)
		return prior;
	least = least_variance(variance, n);
	for (size_t i = 0; i < n; i++) {
		double half = df[i] / 2, v = fmax(variance[i], least);
		double e = log(v) - moderated_digamma(half) + log(half);

		sum += e;
		squares += e * e;
		noise += moderated_trigamma(half);
	}
	mean = sum / (double)n;
	squares = fmax(0, squares - sum * mean) / (double)(n - 1);
	prior.df = 2 * moderated_trigamma_inverse(squares - noise / (double)n);
	prior.variance = exp(mean);
	if (isfinite(prior.df))
		prior.variance *= exp(moderated_digamma(prior.df / 2) - log(prior.df / 2));
	return prior;
}

/* Row i with length 1, gaps as 0; false for a row of zeroes, which correlates with nothing. */
static bool unit_row(const double *r, size_t n, double *ret)
{
	double length = 0;

	for (size_t j = 0; j < n; j++)
		length += isnan(r[j]) ? 0 : r[j] * r[j];
	length = sqrt(length);
	for (size_t j = 0; j < n; j++)
		ret[j] = isnan(r[j]) || length <= 0 ? 0 : r[j] / length;
	return length > 0;
}

/* The sum of the squared correlations of all pairs of rows is that of the entries of the n x n
 * product, which is the smaller one where there are many cells. */
double moderated_df_most(const double *residuals, size_t k, size_t n, double df)
{
	_cleanup_free_ double *gram = calloc(n * n + 1, sizeof(*gram));
	_cleanup_free_ double *row = malloc((n + 1) * sizeof(*row));
	double cells = 0, sum = 0;

	if (!gram || !row)
		return NAN;
	for (size_t i = 0; i < k; i++) {
		if (!unit_row(residuals + i * n, n, row))
			continue;
		cells++;
		for (size_t a = 0; a < n; a++)
			for (size_t b = 0; b < n; b++)
				gram[a * n + b] += row[a] * row[b];
	}
	for (size_t a = 0; a < n * n; a++)
		sum += gram[a] * gram[a];
	return sum > 0 ? df * cells * cells / sum : df;
}

double moderated_variance(const struct moderated_prior *prior, double df_most, double variance,
			  double *df)
{
	double room = fmax(0, df_most - *df); /* for the prior */
	double d0 = fmin(prior->df / 2, room), total = d0 + *df;
	double v = total > 0 ? (d0 * prior->variance + *df * variance) / total : variance;

	*df = total;
	return v;
}

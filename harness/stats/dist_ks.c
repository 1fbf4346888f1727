// SPDX-License-Identifier: MIT
/*
 * Kolmogorov-Smirnov. Far in the tail the two sides hardly ever both reach D, so that twice the
 * one-sided probability is right to ten digits, and it is a sum of positive terms. Nearer, Durbin's
 * matrix as in Marsaglia, Tsang & Wang ("Evaluating Kolmogorov's Distribution", J. Stat. Softw. 8,
 * 2003): its n-th power is not made; one row is multiplied by it n times, and the matrix is nearly
 * the same along its diagonals, so that it needs no memory either.
 */
#include "harness/stats/dist.h"

#include <math.h>
#include <string.h>

#define EXACT_MAX 1000 /* values; above, the limit */
#define FAR	  4    /* n D^2 from which on one side is enough: exp(-6 * 4) is lost */
#define ORDER_MAX 128  /* of the matrix: 2 sqrt(FAR n) + 1 */

/* P(D+ >= d): Smirnov's sum, its terms by their logarithms. */
static double one_side(size_t n, double d)
{
	double sum = 0, count = (double)n;
	int sign;

	for (size_t j = 0; j <= n; j++) {
		double at = d + (double)j / count, rest = 1 - at;
		double log_choose = lgamma_r(count + 1, &sign) - lgamma_r((double)j + 1, &sign) -
				    lgamma_r((double)(n - j) + 1, &sign);

		if (rest <= 0)
			break;
		sum += exp(log_choose + ((double)j - 1) * log(at) + (double)(n - j) * log(rest));
	}
	return fmin(1, d * sum);
}

struct durbin {
	size_t order;
	double diagonal[ORDER_MAX + 1]; /* [k]: 1 / k!, of row - column + 1 = k */
	double edge[ORDER_MAX + 1];	/* [k]: h^k / k!, off the first column and the last row */
	double corner;			/* onto the element that is in both */
};

static void durbin_init(struct durbin *m, size_t n, double d)
{
	double reach = (double)n * d, whole = floor(reach) + 1, h = whole - reach;
	double both = fmax(0, 2 * h - 1), corner = 1;

	m->order = 2 * (size_t)whole - 1;
	m->diagonal[0] = m->edge[0] = 1;
	for (size_t k = 1; k <= m->order; k++) {
		m->diagonal[k] = m->diagonal[k - 1] / (double)k;
		m->edge[k] = m->edge[k - 1] * h / (double)k;
		corner *= both / (double)k;
	}
	m->corner = corner;
}

/* to = from * matrix * scale */
static void durbin_multiply(const struct durbin *m, const double *from, double scale, double *to)
{
	size_t last = m->order - 1;

	for (size_t column = 0; column <= last; column++) {
		double sum = 0;

		for (size_t row = column ? column - 1 : 0; row <= last; row++)
			sum += from[row] * m->diagonal[row + 1 - column];
		to[column] = sum - from[last] * m->edge[m->order - column];
	}
	for (size_t row = 0; row <= last; row++)
		to[0] -= from[row] * m->edge[row + 1];
	to[0] += from[last] * m->corner;
	for (size_t column = 0; column <= last; column++)
		to[column] *= scale;
}

/* P(D < d); n! / n^n is spread evenly over the steps, which keeps all of them in range. */
static double below_exact(size_t n, double d)
{
	double row[ORDER_MAX] = {0}, next[ORDER_MAX];
	struct durbin m;
	double scale;
	int sign;

	durbin_init(&m, n, d);
	scale = exp(lgamma_r((double)n + 1, &sign) / (double)n - log((double)n));
	row[m.order / 2] = 1;
	for (size_t i = 0; i < n; i++) {
		durbin_multiply(&m, row, scale, next);
		memcpy(row, next, m.order * sizeof(*row));
	}
	return row[m.order / 2];
}

/* P(D >= d) in the limit, with M. A. Stephens's correction for n (J. R. Stat. Soc. B 32, 1970).
 * Two series for the same, of which one converges at once. */
static double limit(size_t n, double d)
{
	double root = sqrt((double)n), x = d * (root + 0.12 + 0.11 / root), sum = 0;

	if (x < 0.15)
		return 1;
	for (int k = 1; k <= 5; k++) {
		double odd = 2 * k - 1;

		if (x < 1)
			sum += exp(-odd * odd * M_PI * M_PI / (8 * x * x));
		else
			sum += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * x * x);
	}
	return x < 1 ? 1 - sqrt(2 * M_PI) / x * sum : sum;
}

static double ks_tail(size_t n, double d)
{
	if (n > EXACT_MAX)
		return limit(n, d);
	if (d >= 0.5 || (double)n * d * d >= FAR)
		return fmin(1, 2 * one_side(n, d));
	return fmin(1, fmax(0, 1 - below_exact(n, d)));
}

double dist_ks_uniform(const double *sorted, size_t n)
{
	double distance = 0;

	for (size_t i = 0; i < n; i++) {
		if (!(sorted[i] >= 0 && sorted[i] <= 1) || (i && sorted[i] < sorted[i - 1]))
			return NAN;
		distance = fmax(distance, fmax((double)(i + 1) / (double)n - sorted[i],
					       sorted[i] - (double)i / (double)n));
	}
	return n ? ks_tail(n, distance) : NAN;
}

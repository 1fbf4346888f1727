// SPDX-License-Identifier: MIT
/*
 * Distributions. All but the normal one follow from the regularised incomplete beta function, for
 * which x and 1 - x are both handed on: neither loses its digits where it is near 1. Quantiles and
 * bounds are found by bisection over doubles, so they agree with the tails to the last bit.
 */
#include "harness/stats/dist.h"

#include <float.h>
#include <math.h>

#include "harness/stats/bisect.h"

#define FRACTION_STEPS 100000 /* some sqrt(max(a, b)) are needed */
#define TAIL_TERMS     8
#define NEARLY_NORMAL  1e9 /* degrees of freedom: log B has fewer digits than that costs */

double dist_normal_cdf(double z)
{
	return erfc(-z * M_SQRT1_2) / 2;
}

/* Numerator and denominator, coefficients of falling powers. */
static double ratio(const double coefficients[2][TAIL_TERMS], double r)
{
	double sum[2] = {0, 0};

	for (int part = 0; part < 2; part++)
		for (int i = 0; i < TAIL_TERMS; i++)
			sum[part] = sum[part] * r + coefficients[part][i];
	return sum[0] / sum[1];
}

/* M. J. Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied
 * Statistics 37 (1988): the middle, the tails, and the far tails. */
static const double as241[3][2][TAIL_TERMS] = {
	{{2509.0809287301226727, 33430.575583588128105, 67265.770927008700853,
	  45921.953931549871457, 13731.693765509461125, 1971.5909503065514427,
	  133.14166789178437745, 3.3871328727963666080},
	 {5226.4952788528545610, 28729.085735721942674, 39307.895800092710610,
	  21213.794301586595867, 5394.1960214247511077, 687.18700749205790830,
	  42.313330701600911252, 1.0}},
	{{7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
	  1.27045825245236838258, 3.64784832476320460504, 5.76949722146069140550,
	  4.63033784615654529590, 1.42343711074968357734},
	 {1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
	  1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940,
	  2.05319162663775882187, 1.0}},
	{{2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
	  2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580,
	  5.46378491116411436990, 6.65790464350110377720},
	 {2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
	  7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
	  5.99832206555887937690e-1, 1.0}},
};

double dist_normal_quantile(double p)
{
	double q = p - 0.5, r;

	if (!(p >= 0 && p <= 1))
		return NAN;
	if (p == 0 || p == 1)
		return copysign(INFINITY, q);
	if (fabs(q) <= 0.425)
		return q * ratio(as241[0], 0.180625 - q * q);
	r = sqrt(-log(q < 0 ? p : 1 - p));
	r = r <= 5 ? ratio(as241[1], r - 1.6) : ratio(as241[2], r - 5);
	return copysign(r, q);
}

/* The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method: the
 * ratios of successive numerators and of successive denominators are kept, and not allowed to be 0.
 */
static double beta_fraction(double x, double a, double b)
{
	double above = 1, below = 0, value = 1;

	for (int i = 1; i < FRACTION_STEPS; i++) {
		double k = i / 2; /* whole */
		double term = i % 2 ? -(a + k) * (a + b + k) / ((a + 2 * k) * (a + 2 * k + 1))
				    : k * (b - k) / ((a + 2 * k - 1) * (a + 2 * k));
		double step;

		below = 1 + term * x * below;
		below = 1 / (below == 0 ? DBL_MIN : below);
		above = 1 + term * x / above;
		above = above == 0 ? DBL_MIN : above;
		step = above * below;
		value *= step;
		if (fabs(step - 1) < DBL_EPSILON)
			return 1 / value;
	}
	return NAN;
}

static long double log_of(double x, double rest)
{
	return x < 0.5 ? logl(x) : log1pl(-(long double)rest);
}

/* x^a y^b / B(a, b); in long double, since its logarithms are large and nearly cancel. */
static double beta_front(double x, double y, double a, double b)
{
	int sign;
	long double log_beta =
		lgammal_r(a, &sign) + lgammal_r(b, &sign) - lgammal_r((long double)a + b, &sign);

	return (double)expl(a * log_of(x, y) + b * log_of(y, x) - log_beta);
}

/* I_x(a, b) where y is 1 - x. */
static double beta_tail(double x, double y, double a, double b)
{
	if (x <= 0)
		return 0;
	if (y <= 0)
		return 1;
	if (x < (a + 1) / (a + b + 2))
		return beta_front(x, y, a, b) * beta_fraction(x, a, b) / a;
	return 1 - beta_front(y, x, b, a) * beta_fraction(y, b, a) / b;
}

double dist_beta_cdf(double x, double a, double b)
{
	if (!(x >= 0 && x <= 1 && a > 0 && b > 0))
		return NAN;
	return beta_tail(x, 1 - x, a, b);
}

/* P(T > t), t >= 0. */
static double t_upper(double t, double df)
{
	double square = t * t;

	if (df > NEARLY_NORMAL)
		return dist_normal_cdf(-t);
	if (isinf(square))
		return 0;
	return beta_tail(df / (df + square), square / (df + square), df / 2, 0.5) / 2;
}

double dist_t_cdf(double t, double df)
{
	if (isnan(t) || !(df > 0))
		return NAN;
	return t < 0 ? t_upper(-t, df) : 1 - t_upper(t, df);
}

struct t_wanted {
	double tail, df;
};

static bool t_is_beyond(double t, const void *ctx)
{
	const struct t_wanted *w = ctx;

	return t_upper(t, w->df) <= w->tail;
}

double dist_t_quantile(double p, double df)
{
	struct t_wanted w = {.tail = fmin(p, 1 - p), .df = df};

	if (!(p >= 0 && p <= 1 && df > 0))
		return NAN;
	if (w.tail == 0)
		return copysign(INFINITY, p - 0.5);
	if (w.tail == 0.5)
		return 0;
	return copysign(bisect_least(0, INFINITY, t_is_beyond, &w), p - 0.5);
}

double dist_binomial_upper(uint64_t k, uint64_t n, double p)
{
	if (!(p >= 0 && p <= 1))
		return NAN;
	if (k == 0)
		return 1;
	if (k > n)
		return 0;
	return beta_tail(p, 1 - p, (double)k, (double)(n - k) + 1);
}

double dist_binomial_half_two(uint64_t k, uint64_t n)
{
	if (k > n)
		return NAN;
	return fmin(1, 2 * dist_binomial_upper(k > n - k ? k : n - k, n, 0.5));
}

struct share_wanted {
	uint64_t k, n;
	double tail;
};

static bool so_many_are_likely(double p, const void *ctx)
{
	const struct share_wanted *w = ctx;

	return dist_binomial_upper(w->k, w->n, p) >= w->tail;
}

double dist_share_lower(uint64_t k, uint64_t n, double level)
{
	struct share_wanted w = {.k = k, .n = n, .tail = 1 - level};

	if (k > n || !(level > 0 && level < 1))
		return NAN;
	return k ? bisect_least(0, 1, so_many_are_likely, &w) : 0;
}

/* Those that were not seen are at least so many. */
double dist_share_upper(uint64_t k, uint64_t n, double level)
{
	return k > n ? NAN : 1 - dist_share_lower(n - k, n, level);
}

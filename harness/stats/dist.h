/* SPDX-License-Identifier: MIT */
/* Distributions: tails, quantiles, and bounds that are made of them. Probabilities in, or out of,
 * [0, 1]; NAN where an argument makes no sense. */
#pragma once

#include <stddef.h>
#include <stdint.h>

double dist_normal_cdf(double z);
double dist_normal_quantile(double p); /* Wichura, AS 241 (PPND16): relative error 1e-16 */
/* Student's t with df > 0 (real) degrees of freedom. */
double dist_t_cdf(double t, double df);
double dist_t_quantile(double p, double df);
double dist_beta_cdf(double x, double a, double b); /* regularised incomplete beta function */
/* P(X >= k), X ~ binomial(n, p). */
double dist_binomial_upper(uint64_t k, uint64_t n, double p);
/* Two-sided exact test of p = 1/2. */
double dist_binomial_half_two(uint64_t k, uint64_t n);
/* Clopper-Pearson: one-sided bounds of a share of which k of n were seen, each at `level`. */
double dist_share_upper(uint64_t k, uint64_t n, double level);
double dist_share_lower(uint64_t k, uint64_t n, double level);
/* Two-sided Kolmogorov-Smirnov p-value of `n` sorted values against the uniform distribution on
 * [0, 1] (Marsaglia, Tsang & Wang 2003 for small n, the limit above). */
double dist_ks_uniform(const double *sorted, size_t n);

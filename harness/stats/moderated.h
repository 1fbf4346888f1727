/* SPDX-License-Identifier: MIT */
/*
 * Variances of many cells that are each known from a few values only: what they have in common is
 * a prior for each (G. K. Smyth, "Linear models and empirical Bayes methods", Stat. Appl. Genet.
 * Mol. Biol. 3(1), 2004, section 6.2): s[i]^2 with d[i] degrees of freedom is moderated to
 *
 *     (d0 s0^2 + d[i] s[i]^2) / (d0 + d[i])      with d0 + d[i] degrees of freedom.
 *
 * Smyth takes the cells as independent. Values of one session are not: what the machine was like
 * that day is in all of its cells, and a hundred cells that moved together tell of the deviation
 * between sessions no more than one does. So the sum d0 + d[i] is held below what the correlation
 * of the residuals leaves (moderated_df_most). And the prior counts with half its d0: true
 * variances need not be distributed as it says. In simulated gates over cells whose deviations are
 * uniform on a logarithmic scale that brings false alarms from 1.4 % to 0.7 % where 1 % is allowed.
 */
#pragma once

#include <stddef.h>

double moderated_digamma(double x);  /* x > 0 */
double moderated_trigamma(double x); /* x > 0 */
double moderated_trigamma_inverse(double y);

struct moderated_prior {
	double variance, df; /* df: 0 (they have nothing in common) to INFINITY (all the same) */
};

/* Of n variances with df[i] > 0; a variance of 0 counts as 1e-5 of their median. */
struct moderated_prior moderated_prior(const double *variance, const double *df, size_t n);

/*
 * The most degrees of freedom that the pooled variance of k cells has, whose residuals are
 * r[i * n + j], i < k, j < n sessions, NAN where a session has no such cell; `df` is a cell's own.
 * df k^2 over the sum of all squared correlations (Satterthwaite): df where all cells moved
 * together; where they are independent, up to df^2, since the sample's own correlations count, too.
 * -ENOMEM is NAN.
 */
double moderated_df_most(const double *residuals, size_t k, size_t n, double df);

/* The variance that a cell gets; *df is its own before, and the sum after. */
double moderated_variance(const struct moderated_prior *prior, double df_most, double variance,
			  double *df);

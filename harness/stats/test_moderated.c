// SPDX-License-Identifier: MIT
/* The special functions against known constants, the prior against cases that can be worked out by
 * hand and against simulated cells, the degrees of freedom against rows that move together or not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "harness/stats/dist.h"
#include "harness/stats/moderated.h"
#include "harness/util/cleanup.h"
#include "harness/util/rng.h"

#define EULER 0.57721566490153286061

static void near(double is, double should, double tolerance)
{
	if (!(fabs(is - should) <= tolerance * fmax(1, fabs(should))))
		fail_msg("%.12g is not %.12g", is, should);
}

static void test_functions(void **state)
{
	(void)state;
	near(moderated_digamma(1), -EULER, 1e-12);
	near(moderated_digamma(0.5), -EULER - 2 * M_LN2, 1e-12);
	near(moderated_digamma(10), 7129. / 2520 - EULER, 1e-12);
	near(moderated_trigamma(1), M_PI * M_PI / 6, 1e-12);
	near(moderated_trigamma(0.5), M_PI * M_PI / 2, 1e-12);
	near(moderated_trigamma(3), M_PI * M_PI / 6 - 1.25, 1e-12);
	for (double x = 0.01; x < 1e6; x *= 7)
		near(moderated_trigamma_inverse(moderated_trigamma(x)), x, 1e-9);
	assert_true(isinf(moderated_trigamma_inverse(0)));
	assert_true(isinf(moderated_trigamma_inverse(-1)));
}

/* Two variances of 2 degrees of freedom each: log s^2 has the noise trigamma(1), and the variance
 * of the two logarithms is half the square of their distance. At a distance of pi sqrt(2/3) that is
 * twice trigamma(1), so d0 / 2 = 1; the prior is then the geometric mean. */
static void test_prior_by_hand(void **state)
{
	double apart = M_PI * sqrt(2. / 3);
	const double variance[] = {0.04, 0.04 * exp(apart)}, df[] = {2, 2};
	struct moderated_prior prior = moderated_prior(variance, df, 2);
	double d = 2;

	(void)state;
	near(prior.df, 2, 1e-9);
	near(prior.variance, 0.04 * exp(apart / 2), 1e-9);
	near(moderated_variance(&prior, INFINITY, 0.04, &d), (prior.variance + 2 * 0.04) / 3, 1e-9);
	near(d, 3, 1e-9);
	d = 2; /* no room: a cell by itself */
	near(moderated_variance(&prior, 2, 0.04, &d), 0.04, 1e-12);
	near(d, 2, 1e-12);
	d = 2; /* room for a half */
	near(moderated_variance(&prior, 2.5, 0.04, &d), (prior.variance + 4 * 0.04) / 5, 1e-9);
}

static void test_alike_and_alone(void **state)
{
	const double variance[] = {2, 2, 2}, df[] = {4, 4, 4};
	struct moderated_prior prior = moderated_prior(variance, df, 3);

	(void)state;
	assert_true(isinf(prior.df));
	prior = moderated_prior(variance, df, 1);
	near(prior.df, 0, 0);
	prior = moderated_prior((const double[]){0, 3, 3}, df, 3);
	assert_true(isfinite(prior.df) && prior.df > 0 && prior.variance > 0);
}

static double normal(struct rng *rng)
{
	return dist_normal_quantile(fmax(rng_double(rng), 1e-12));
}

static double chi_square(struct rng *rng, unsigned df)
{
	double sum = 0;

	while (df--) {
		double z = normal(rng);

		sum += z * z;
	}
	return sum;
}

/* sigma^2 drawn as d0 s0^2 / chi^2(d0), s^2 as sigma^2 chi^2(d) / d: the model itself. */
static void test_prior_of_simulated_cells(void **state)
{
	enum { CELLS = 20000, OWN = 4, PRIOR = 6 };
	_cleanup_free_ double *variance = calloc(CELLS, sizeof(double));
	_cleanup_free_ double *df = calloc(CELLS, sizeof(double));
	struct moderated_prior prior;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (int i = 0; i < CELLS; i++) {
		double sigma2 = PRIOR * 0.09 / chi_square(&rng, PRIOR);

		variance[i] = sigma2 * chi_square(&rng, OWN) / OWN;
		df[i] = OWN;
	}
	prior = moderated_prior(variance, df, CELLS);
	near(prior.df, PRIOR, 0.1);
	near(prior.variance / 0.09, 1, 0.05);
}

static void test_degrees_of_freedom(void **state)
{
	const double together[] = {1, -2, 1, 2, -4, 2, -1, 2, -1};
	const double apart[] = {1, -1, 0, 0, 0, 0, 1, -1};
	const double gaps[] = {1, -1, NAN, NAN, NAN, NAN, 1, -1};
	const double still[] = {0, 0, 0, 1, -2, 1};

	(void)state;
	near(moderated_df_most(together, 3, 3, 2), 2, 1e-12);
	near(moderated_df_most(apart, 2, 4, 3), 6, 1e-12);
	near(moderated_df_most(gaps, 2, 4, 3), 6, 1e-12);
	near(moderated_df_most(still, 2, 3, 2), 2, 1e-12);
	near(moderated_df_most(still, 1, 3, 2), 2, 1e-12);
	near(moderated_df_most(NULL, 0, 3, 2), 2, 1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_prior_by_hand),
		cmocka_unit_test(test_alike_and_alone),
		cmocka_unit_test(test_prior_of_simulated_cells),
		cmocka_unit_test(test_degrees_of_freedom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

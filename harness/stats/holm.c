// SPDX-License-Identifier: MIT
/*
 * Holm's procedure by adjusted p-values: in ascending order, each p times the number of tests not
 * yet rejected, and never less than the one before. A test is rejected when its adjusted p is at
 * most alpha; equal p-values have equal adjusted ones, so the order of the tests is of no account.
 */
#include "harness/stats/holm.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "harness/util/cleanup.h"

struct ranked {
	double p;
	size_t index;
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return (x->p > y->p) - (x->p < y->p);
}

int holm(const double *p, size_t n, double alpha, bool *reject, double *adjusted)
{
	_cleanup_free_ struct ranked *ranked = calloc(n ? n : 1, sizeof(*ranked));
	double so_far = 0;

	if (!ranked)
		return -ENOMEM;
	if (!(alpha > 0 && alpha < 1))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (!(p[i] >= 0 && p[i] <= 1))
			return -EINVAL;
		ranked[i] = (struct ranked){.p = p[i], .index = i};
	}
	qsort(ranked, n, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < n; i++) {
		so_far = fmax(so_far, fmin(1, (double)(n - i) * ranked[i].p));
		reject[ranked[i].index] = so_far <= alpha;
		if (adjusted)
			adjusted[ranked[i].index] = so_far;
	}
	return 0;
}

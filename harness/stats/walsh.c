// SPDX-License-Identifier: MIT
/*
 * Hodges-Lehmann estimate and interval. There are n (n + 1) / 2 Walsh averages, and only four of
 * them are wanted: in sorted differences, those that are at most x are counted in one pass, so a
 * bisection over x finds each in O(n) and makes none of the others. Halves are added, which is
 * exact and cannot overflow.
 */
#include "harness/stats/walsh.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "harness/stats/bisect.h"
#include "harness/stats/dist.h"
#include "harness/util/order.h"

#define EXACT_SUMS (WALSH_EXACT * (WALSH_EXACT + 1) / 2 + 1)

struct rank_wanted {
	const double *halves; /* of the differences, sorted */
	size_t n, rank;	      /* from 1 */
};

static bool as_many_are_below(double x, const void *ctx)
{
	const struct rank_wanted *w = ctx;
	size_t count = 0, end = w->n;

	for (size_t i = 0; i < end; i++) {
		while (end > i && w->halves[i] + w->halves[end - 1] > x)
			end--;
		count += end - i;
	}
	return count >= w->rank;
}

static double average_of_rank(const double *halves, size_t n, size_t rank)
{
	struct rank_wanted w = {.halves = halves, .n = n, .rank = rank};

	return bisect_least(2 * halves[0], 2 * halves[n - 1], as_many_are_below, &w);
}

static double median_average(const double *halves, size_t n)
{
	size_t averages = n * (n + 1) / 2;
	double below = average_of_rank(halves, n, (averages + 1) / 2);

	if (averages % 2)
		return below;
	return below / 2 + average_of_rank(halves, n, averages / 2 + 1) / 2;
}

/*
 * How many averages may be cut off at each end: the largest c with P(T <= c - 1) <= tail, T the sum
 * of the positive ranks. *ret_tail is that probability, 0 for c = 0.
 */
static size_t cut_exact(size_t n, double tail, double *ret_tail)
{
	double at[EXACT_SUMS], below = 0;
	size_t half = n * (n + 1) / 4, cut = 0;

	memset(at, 0, (half + 1) * sizeof(*at));
	at[0] = 1;
	for (size_t rank = 1; rank <= n; rank++) {
		for (size_t sum = half; sum >= rank; sum--)
			at[sum] = (at[sum] + at[sum - rank]) / 2;
		for (size_t sum = 0; sum < rank && sum <= half; sum++)
			at[sum] /= 2;
	}
	while (cut <= half && below + at[cut] <= tail)
		below += at[cut++];
	*ret_tail = below;
	return cut;
}

static size_t cut_normal(size_t n, double tail, double *ret_tail)
{
	double mean = n * (n + 1.0) / 4, deviation = sqrt(n * (n + 1.0) * (2 * n + 1.0) / 24);
	double last = floor(mean - 0.5 + dist_normal_quantile(tail) * deviation);

	if (last < 0) {
		*ret_tail = 0;
		return 0;
	}
	*ret_tail = dist_normal_cdf((last + 0.5 - mean) / deviation);
	return (size_t)last + 1;
}

static void set_interval(const double *halves, size_t n, double level, struct walsh *ret)
{
	size_t averages = n * (n + 1) / 2, cut;
	double tail = (1 - level) / 2;

	cut = n <= WALSH_EXACT ? cut_exact(n, tail, &tail) : cut_normal(n, tail, &tail);
	ret->level = 1 - 2 * tail;
	ret->low = -INFINITY;
	ret->high = INFINITY;
	if (!cut)
		return;
	ret->low = average_of_rank(halves, n, cut);
	ret->high = average_of_rank(halves, n, averages + 1 - cut);
}

int walsh_estimate(const double *d, size_t n, double level, struct walsh *ret)
{
	double halves[WALSH_MAX];

	if (n > WALSH_MAX)
		return -E2BIG;
	if (!(level > 0 && level < 1))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(d[i]))
			return -EINVAL;
		halves[i] = d[i] / 2;
	}
	if (!n) {
		*ret = (struct walsh){NAN, NAN, NAN, NAN};
		return 0;
	}
	order_sort(halves, n);
	ret->estimate = median_average(halves, n);
	set_interval(halves, n, level, ret);
	return 0;
}

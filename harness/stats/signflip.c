// SPDX-License-Identifier: MIT
/*
 * The clipped sign-flip test. The distribution of the sum is built up one difference at a time:
 * after each, at[s] is the probability that the scores so far sum to s. Halving is exact, so that
 * probabilities are exact up to 53 differences and rounded in the last place above. Additions are
 * in mirrored order for the two tails: exchanging base and head exchanges them to the last bit.
 */
#include "harness/stats/signflip.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "harness/util/order.h"

struct scored {
	size_t n;
	unsigned sum, max;
	uint8_t score[SIGNFLIP_MAX];
};

static double median_magnitude(const double *shifted, size_t n)
{
	double magnitudes[SIGNFLIP_MAX];

	for (size_t i = 0; i < n; i++)
		magnitudes[i] = fabs(shifted[i]);
	order_sort(magnitudes, n);
	return order_median(magnitudes, n);
}

static unsigned score_of(double magnitude, double median)
{
	double share = fmin(1, magnitude / median);

	return (unsigned)fmax(1, round(SIGNFLIP_LEVELS * share));
}

static void score_all(struct scored *s, const double *shifted)
{
	double median = median_magnitude(shifted, s->n);

	for (size_t i = 0; i < s->n; i++) {
		s->score[i] = score_of(fabs(shifted[i]), median);
		s->max += s->score[i];
		if (shifted[i] > 0)
			s->sum += s->score[i];
	}
}

static void distribute(const struct scored *s, double *at)
{
	unsigned top = 0;

	memset(at, 0, (s->max + 1) * sizeof(*at));
	at[0] = 1;
	for (size_t i = 0; i < s->n; i++) {
		unsigned score = s->score[i];

		top += score;
		for (unsigned sum = top; sum >= score; sum--)
			at[sum] = (at[sum] + at[sum - score]) / 2;
		for (unsigned sum = 0; sum < score; sum++)
			at[sum] /= 2;
	}
}

static void count_tails(const struct scored *s, struct signflip *ret)
{
	double at[SIGNFLIP_MAX * SIGNFLIP_LEVELS + 1], less = 0, greater = 0;

	distribute(s, at);
	for (unsigned sum = 0; sum <= s->sum; sum++)
		less += at[sum];
	for (unsigned sum = s->max + 1; sum-- > s->sum;)
		greater += at[sum];
	ret->p_less = fmin(1, less);
	ret->p_greater = fmin(1, greater);
	ret->p_equal = at[s->sum];
}

int signflip_test(const double *d, size_t n, double shift, struct signflip *ret)
{
	struct scored s = {0};
	double shifted[SIGNFLIP_MAX];

	if (n > SIGNFLIP_MAX)
		return -E2BIG;
	for (size_t i = 0; i < n; i++) {
		double x = d[i] - shift;

		if (!isfinite(x))
			return -EINVAL;
		if (x != 0)
			shifted[s.n++] = x;
	}
	score_all(&s, shifted);
	count_tails(&s, ret);
	ret->n = s.n;
	ret->sum = s.sum;
	ret->max = s.max;
	ret->p_two = fmin(1, 2 * fmin(ret->p_greater, ret->p_less));
	return 0;
}

double signflip_smallest_p(size_t n)
{
	return n > SIGNFLIP_MAX ? 0 : ldexp(1, -(int)n);
}

// SPDX-License-Identifier: MIT
/*
 * The scan itself. A part of the series is judged by nothing but its own values: ranks and scores
 * are made anew for each. Ties share the mean of their scores, and the deviation is that of the
 * scores as they are, so that the statistic stays that of a random order. Values near the largest
 * double are scaled by a power of two while they are scanned: no sum of them may become infinite.
 */
#include "harness/stats/rankscan.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/stats/dist.h"
#include "harness/stats/spread.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"

#define LARGE_EXPONENT 1000 /* RANKSCAN_MAX values of 2^LARGE_EXPONENT have a finite sum */
#define LARGE_SHIFT    30   /* and no double is above 2^LARGE_EXPONENT when it is scaled by this */

struct critical {
	unsigned n;
	double value;
};

/* Written by rankscan_gen.c, which says how. */
static const struct critical criticals[] = {
#include "rankscan_critical.inc"
};

/* What a scan needs beside the values; each array has room for n of them. */
struct scan {
	double *v, *scores, *sorted, *left, *right;
	int shift; /* the values are 2^-shift of what they were */
	struct rankscan *out;
};

double rankscan_critical(size_t n)
{
	const struct critical *c = criticals;
	double share;

	if (n < RANKSCAN_MIN)
		return INFINITY;
	while (c < criticals + array_size(criticals) - 2 && c[1].n < n)
		c++;
	share = log((double)n / c->n) / log((double)c[1].n / c->n);
	return c->value + share * (c[1].value - c->value);
}

void rankscan_scores(size_t n, double *scores)
{
	for (size_t i = 0; i < n; i++)
		scores[i] = dist_normal_quantile((double)(i + 1) / (double)(n + 1));
}

/* Of the sum of k out of n scores whose squares come to `squares`, over all orders. */
static double deviation(double squares, size_t k, size_t n)
{
	return sqrt(squares / (double)(n - 1) * (double)k * (double)(n - k) / (double)n);
}

static double sum_squares(const double *scores, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += scores[i] * scores[i];
	return sum;
}

double rankscan_statistic(const double *scores, size_t n)
{
	double squares = sum_squares(scores, n), sum = 0, most = 0;

	if (!(squares > 0))
		return 0;
	for (size_t k = 1; k + RANKSCAN_SEGMENT <= n; k++) {
		sum += scores[k - 1];
		if (k >= RANKSCAN_SEGMENT)
			most = fmax(most, fabs(sum) / deviation(squares, k, n));
	}
	return most;
}

/* First index of `sorted` that is not below x. */
static size_t rank_of(const double *sorted, size_t n, double x)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = (low + n) / 2;

		if (sorted[middle] < x)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

/* The score of each value of a part, at its place in the series. */
static void score_part(struct scan *s, size_t from, size_t n)
{
	double *by_rank = s->left;

	memcpy(s->sorted, s->v + from, n * sizeof(*s->sorted));
	order_sort(s->sorted, n);
	rankscan_scores(n, by_rank);
	for (size_t i = 0, end; i < n; i = end) {
		double sum = 0;

		for (end = i; end < n && s->sorted[end] == s->sorted[i]; end++)
			sum += by_rank[end];
		for (size_t j = i; j < end; j++)
			by_rank[j] = sum / (double)(end - i);
	}
	for (size_t i = 0; i < n; i++)
		s->scores[i] = by_rank[rank_of(s->sorted, n, s->v[from + i])];
}

/* cost[k]: sum of distances of the first k values (or the last k) from their median, k = 0..n. */
static void costs(struct scan *s, const double *v, size_t n, bool from_end, double *cost)
{
	for (size_t k = 0; k <= n; k++) {
		double median = order_median(s->sorted, k), sum = 0;

		for (size_t i = 0; i < k; i++)
			sum += fabs(s->sorted[i] - median);
		cost[k] = sum;
		if (k < n) {
			double x = from_end ? v[n - 1 - k] : v[k];
			size_t at = rank_of(s->sorted, k, x);

			memmove(s->sorted + at + 1, s->sorted + at, (k - at) * sizeof(*s->sorted));
			s->sorted[at] = x;
		}
	}
}

/* The best place for a step inside a part, from its start; `critical` is for its scores, 0 takes
 * every split. 0: there is none. */
static size_t place(struct scan *s, size_t from, size_t n, double critical)
{
	double squares = critical > 0 ? sum_squares(s->scores, n) : 0, sum = 0, least = INFINITY;
	size_t at = 0;

	costs(s, s->v + from, n, false, s->left);
	costs(s, s->v + from, n, true, s->right);
	for (size_t k = 1; k + RANKSCAN_SEGMENT <= n; k++) {
		double cost = s->left[k] + s->right[n - k];

		sum += s->scores[k - 1];
		if (k < RANKSCAN_SEGMENT || cost >= least)
			continue;
		if (critical > 0 && !(fabs(sum) / deviation(squares, k, n) > critical))
			continue;
		least = cost;
		at = k;
	}
	return at;
}

/* Steps come out in the order of the values: first those on the left. */
static void segment(struct scan *s, size_t from, size_t n)
{
	double critical = rankscan_critical(n);
	size_t at;

	if (n < RANKSCAN_MIN)
		return;
	score_part(s, from, n);
	if (!(rankscan_statistic(s->scores, n) > critical))
		return;
	at = place(s, from, n, critical);
	if (!at)
		return;
	segment(s, from, at);
	s->out->steps[s->out->n_steps++].at = from + at;
	segment(s, from + at, n - at);
}

static double median_of(struct scan *s, size_t from, size_t to)
{
	memcpy(s->sorted, s->v + from, (to - from) * sizeof(*s->sorted));
	order_sort(s->sorted, to - from);
	return order_median(s->sorted, to - from);
}

static size_t start_of(const struct rankscan *r, size_t step)
{
	return step ? r->steps[step - 1].at : 0;
}

static size_t end_of(const struct rankscan *r, size_t step, size_t n)
{
	return step + 1 < r->n_steps ? r->steps[step + 1].at : n;
}

static double step_between(double before, double after)
{
	if (after == before)
		return 0;
	return before != 0 ? (after - before) / fabs(before) : copysign(INFINITY, after);
}

static void fill_levels(struct scan *s, size_t n)
{
	struct rankscan *r = s->out;

	for (size_t i = 0; i < r->n_steps; i++) {
		struct rankscan_step *step = &r->steps[i];

		step->before = median_of(s, start_of(r, i), step->at);
		step->after = median_of(s, step->at, end_of(r, i, n));
		step->step = step_between(step->before, step->after);
	}
	r->level = median_of(s, start_of(r, r->n_steps), n);
}

/* Drops the smallest step while it is below `least`. */
static void drop_small(struct scan *s, size_t n, double least)
{
	struct rankscan *r = s->out;

	for (;;) {
		size_t smallest = 0;

		fill_levels(s, n);
		for (size_t i = 1; i < r->n_steps; i++)
			if (fabs(r->steps[i].step) < fabs(r->steps[smallest].step))
				smallest = i;
		if (!r->n_steps || fabs(r->steps[smallest].step) >= least)
			return;
		r->n_steps--;
		memmove(r->steps + smallest, r->steps + smallest + 1,
			(r->n_steps - smallest) * sizeof(*r->steps));
	}
}

/* A split was the best one of a part that had other steps in it: now it has none. */
static void place_again(struct scan *s, size_t n)
{
	struct rankscan *r = s->out;

	for (size_t i = 0; i < r->n_steps; i++) {
		size_t from = start_of(r, i);

		size_t at = place(s, from, end_of(r, i, n) - from, 0);

		if (at)
			r->steps[i].at = from + at;
	}
}

static double largest_of(const double *v, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs(v[i]));
	return most;
}

/* v[i] times 2^-shift */
static void scale(double *v, size_t n, int shift)
{
	for (size_t i = 0; shift && i < n; i++)
		v[i] = ldexp(v[i], -shift);
}

static void unscale_levels(struct rankscan *r, int shift)
{
	for (size_t i = 0; i < r->n_steps; i++) {
		r->steps[i].before = ldexp(r->steps[i].before, shift);
		r->steps[i].after = ldexp(r->steps[i].after, shift);
	}
	r->level = ldexp(r->level, shift);
}

static void judge_rest(struct scan *s, size_t n)
{
	struct rankscan *r = s->out;
	size_t next = 0;
	double level = r->n_steps ? r->steps[0].before : r->level;

	for (size_t i = 0; i < n; i++) {
		if (next < r->n_steps && r->steps[next].at == i)
			level = r->steps[next++].after;
		s->scores[i] = s->v[i] - level;
	}
	if (largest_of(s->scores, n) > 0) /* of squares the sum has to be finite */
		scale(s->scores, n, ilogb(largest_of(s->scores, n)));
	r->autocorrelation = spread_autocorrelation(s->scores, n);
	r->unreliable = r->autocorrelation > RANKSCAN_CORRELATED;
}

static int check_values(const double *v, size_t n)
{
	if (n > RANKSCAN_MAX)
		return -E2BIG;
	for (size_t i = 0; i < n; i++)
		if (!isfinite(v[i]))
			return -EINVAL;
	return n ? 0 : -EINVAL;
}

static void share_room(struct scan *s, double *room, size_t each)
{
	s->scores = room;
	s->sorted = room + each;
	s->left = room + 2 * each;
	s->right = room + 3 * each;
	s->v = room + 4 * each;
}

int rankscan(const double *v, size_t n, double least, struct rankscan *ret)
{
	_cleanup_free_ double *room = NULL;
	struct rankscan out = {.steps = NULL};
	struct scan s = {.out = &out};
	size_t each = n + 1;
	int r = check_values(v, n);

	if (r)
		return r;
	room = calloc(5 * each, sizeof(*room));
	out.steps = calloc(each, sizeof(*out.steps));
	if (!room || !out.steps) {
		free(out.steps);
		return -ENOMEM;
	}
	share_room(&s, room, each);
	s.shift = largest_of(v, n) > ldexp(1, LARGE_EXPONENT) ? LARGE_SHIFT : 0;
	memcpy(s.v, v, n * sizeof(*v));
	scale(s.v, n, s.shift);
	segment(&s, 0, n);
	drop_small(&s, n, least);
	place_again(&s, n);
	drop_small(&s, n, least);
	judge_rest(&s, n);
	unscale_levels(&out, s.shift);
	*ret = out;
	return 0;
}

void rankscan_free(struct rankscan *r)
{
	if (r)
		free(take_ptr(r->steps));
}

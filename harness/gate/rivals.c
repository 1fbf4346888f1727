// SPDX-License-Identifier: MIT
/*
 * The usual designs, judged in the same weather as the gate: each walks through the slots of the
 * same session, and what is stored comes from another one. Their tests are right as tests; what
 * they lack is in how the runs are laid out in time.
 */
#include "harness/gate/rivals.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "harness/stats/dist.h"
#include "harness/stats/holm.h"
#include "harness/stats/spread.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"

/* Of one cell, with one build: log times. */
struct block {
	double v[RIVAL_RUNS];
};

void rival_ranksum_tails(struct rival_ranksum *ret)
{
	/* Of the rank sums of k of the ranks so far: how many choices there are. */
	double ways[RIVAL_RUNS + 1][RIVAL_SUM_MAX + 1] = {{1}}, all = 0;

	for (unsigned rank = 1; rank <= 2 * RIVAL_RUNS; rank++)
		for (unsigned k = min_of(rank, (unsigned)RIVAL_RUNS); k >= 1; k--)
			for (unsigned s = rank; s <= RIVAL_SUM_MAX; s++)
				ways[k][s] += ways[k - 1][s - rank];
	for (unsigned s = RIVAL_SUM_MAX + 1; s-- > 0;) {
		all += ways[RIVAL_RUNS][s];
		ret->tail[s] = all;
	}
	for (unsigned s = 0; s <= RIVAL_SUM_MAX; s++)
		ret->tail[s] /= all;
}

/* One-sided: is `head` above `base`? */
static double ranksum_p(const struct rival_ranksum *ranksum, const struct block *base,
			const struct block *head)
{
	unsigned sum = RIVAL_RUNS * (RIVAL_RUNS + 1) / 2;

	for (unsigned i = 0; i < RIVAL_RUNS; i++)
		for (unsigned j = 0; j < RIVAL_RUNS; j++)
			sum += head->v[i] > base->v[j];
	return ranksum->tail[sum];
}

/* Welch, Biometrika 34 (1947): t and its degrees of freedom. */
static double welch_p(const struct block *base, const struct block *head)
{
	double sb = spread_deviation(base->v, RIVAL_RUNS);
	double sh = spread_deviation(head->v, RIVAL_RUNS);
	double vb = sb * sb / RIVAL_RUNS, vh = sh * sh / RIVAL_RUNS;
	double mean = spread_mean(head->v, RIVAL_RUNS) - spread_mean(base->v, RIVAL_RUNS);
	double df = (vb + vh) * (vb + vh) / ((vb * vb + vh * vh) / (RIVAL_RUNS - 1));

	return 1 - dist_t_cdf(mean / sqrt(vb + vh), df);
}

static double difference_of_medians(struct block base, struct block head)
{
	order_sort(base.v, RIVAL_RUNS);
	order_sort(head.v, RIVAL_RUNS);
	return order_median(head.v, RIVAL_RUNS) - order_median(base.v, RIVAL_RUNS);
}

static void run_blocks(struct noise *n, const struct sim_world *w, bool head, unsigned runs,
		       struct block *blocks)
{
	for (size_t c = 0; c < w->cells; c++)
		for (unsigned i = 0; i < runs; i++)
			blocks[c].v[i] = noise_run(n) + (head ? sim_truth(w, c) : 0);
}

/* Of all cells, in both builds. */
struct suite {
	struct block *base, *head;
	double *p;
	bool *slower;
};

static void cleanup_suite(struct suite *s)
{
	free(s->base);
	free(s->head);
	free(s->p);
	free(s->slower);
}

static int make_suite(struct suite *s, size_t cells)
{
	s->base = calloc(cells, sizeof(*s->base));
	s->head = calloc(cells, sizeof(*s->head));
	s->p = calloc(cells, sizeof(*s->p));
	s->slower = calloc(cells, sizeof(*s->slower));
	return s->base && s->head && s->p && s->slower ? 0 : -ENOMEM;
}

static void judge_single(const struct sim_world *w, struct suite *s)
{
	for (size_t c = 0; c < w->cells; c++)
		s->slower[c] = s->head[c].v[0] - s->base[c].v[0] > log1p(RIVAL_LIMIT);
}

static int judge_blocks(enum rival rival, const struct sim_world *w, struct suite *s)
{
	struct rival_ranksum ranksum;
	int r;

	if (rival == RIVAL_BLOCKS)
		rival_ranksum_tails(&ranksum);
	for (size_t c = 0; c < w->cells; c++)
		s->p[c] = rival == RIVAL_BLOCKS ? ranksum_p(&ranksum, &s->base[c], &s->head[c])
						: welch_p(&s->base[c], &s->head[c]);
	r = holm(s->p, w->cells, sim_params(w).alpha, s->slower, NULL);
	for (size_t c = 0; r == 0 && c < w->cells; c++)
		if (difference_of_medians(s->base[c], s->head[c]) < log1p(sim_series.matters))
			s->slower[c] = false;
	return r;
}

int rival_gate(enum rival rival, const struct sim_world *w, uint64_t seed, struct sim_outcome *ret)
{
	_cleanup_(cleanup_suite) struct suite s = {NULL};
	unsigned runs = rival == RIVAL_SINGLE ? 1 : RIVAL_RUNS;
	struct noise now, then;
	int r = make_suite(&s, w->cells);

	if (r < 0)
		return r;
	noise_start(&now, w->noise, seed, 0);
	noise_start(&then, w->noise, seed, 1);
	run_blocks(rival == RIVAL_BLOCKS ? &now : &then, w, false, runs, s.base);
	run_blocks(&now, w, true, runs, s.head);
	if (rival == RIVAL_SINGLE)
		judge_single(w, &s);
	else
		r = judge_blocks(rival, w, &s);
	if (r < 0)
		return r;
	*ret = (struct sim_outcome){.pairs = (unsigned)w->cells * runs};
	for (size_t c = 0; c < w->cells; c++)
		(c < w->changed ? ret->changed
				: ret->innocent)[s.slower[c] ? GATE_REGRESSED : GATE_UNCHANGED]++;
	return 0;
}

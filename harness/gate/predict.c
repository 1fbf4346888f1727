// SPDX-License-Identifier: MIT
/*
 * For each cell mean, variance and degrees of freedom; for each pool the prior of the variances and
 * what the correlation of its cells leaves of it; then for each cell Student's distribution. Where
 * the head is several sessions, their spread counts as well: nothing says that it is another.
 */
#include "harness/gate/predict.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/stats/dist.h"
#include "harness/stats/moderated.h"
#include "harness/util/cleanup.h"

struct moments {
	unsigned n;
	double mean, squares; /* sum of squared distances from the mean */
};

static struct moments moments_of(const double *values, size_t n)
{
	struct moments m = {0, 0, 0};

	for (size_t i = 0; i < n; i++) {
		double delta;

		if (isnan(values[i]))
			continue;
		delta = values[i] - m.mean;
		m.mean += delta / ++m.n;
		m.squares += delta * (values[i] - m.mean);
	}
	return m;
}

double predict_variance(const double *base, size_t n)
{
	struct moments m = moments_of(base, n);

	return m.n > 1 ? m.squares / (m.n - 1) : NAN;
}

#define FEW_CHARGE 5.0

/* What is known of a cell by itself. */
struct own {
	struct moments base, head;
	double df, variance;
	double above, below; /* farthest session of the base, each way */
};

/* How far a session of the base is from the mean of the others at most, to the side of `sign`. */
static double farthest(const double *base, size_t n, const struct moments *m, double sign)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, sign * (base[i] - m->mean)); /* fmax drops NAN */
	return m->n > 1 ? most * m->n / (m->n - 1) : NAN;
}

static struct own own_of(const struct predict *p, const struct predict_cell *cell)
{
	struct own o = {.base = moments_of(cell->base, p->n_base),
			.head = moments_of(cell->head, p->n_head)};
	double least = PREDICT_DEVIATION * PREDICT_DEVIATION;

	o.df = (o.base.n > 1 ? o.base.n - 1 : 0) + (o.head.n > 1 ? o.head.n - 1 : 0);
	o.variance = o.df > 0 ? fmax((o.base.squares + o.head.squares) / o.df, least) : NAN;
	o.above = farthest(cell->base, p->n_base, &o.base, 1);
	o.below = farthest(cell->base, p->n_base, &o.base, -1);
	return o;
}

/* Distances from the means, one row for each cell: the base's sessions, then the head's. */
static void residual_row(const struct predict *p, const struct predict_cell *cell,
			 const struct own *o, double *row)
{
	for (size_t i = 0; i < p->n_base; i++)
		row[i] = cell->base[i] - o->base.mean;
	for (size_t i = 0; i < p->n_head; i++)
		row[p->n_base + i] = cell->head[i] - o->head.mean;
}

struct pool {
	struct moderated_prior prior;
	double df_most;
	double above, below; /* farthest session of any of its cells, each way */
};

/* The cells of a pool of whose variance something is known, gathered. */
struct gathered {
	double *variance, *df, *residuals;
	size_t n;
	double df_least;
	double above, below;
};

static void gathered_free(struct gathered *g)
{
	free(g->variance);
	free(g->df);
	free(g->residuals);
}

static int gather(const struct predict *p, const struct own *own, unsigned pool, struct gathered *g)
{
	size_t width = p->n_base + p->n_head;

	*g = (struct gathered){.variance = calloc(p->n_cells + 1, sizeof(double)),
			       .df = calloc(p->n_cells + 1, sizeof(double)),
			       .residuals = calloc(p->n_cells * width + 1, sizeof(double)),
			       .df_least = INFINITY};
	if (!g->variance || !g->df || !g->residuals)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_cells; i++) {
		if (p->cells[i].pool != pool || !(own[i].df > 0))
			continue;
		g->variance[g->n] = own[i].variance;
		g->df[g->n] = own[i].df;
		g->df_least = fmin(g->df_least, own[i].df);
		g->above = fmax(g->above, own[i].above);
		g->below = fmax(g->below, own[i].below);
		residual_row(p, &p->cells[i], &own[i], g->residuals + g->n * width);
		g->n++;
	}
	return 0;
}

static int make_pool(const struct predict *p, const struct own *own, unsigned number,
		     struct pool *ret)
{
	_cleanup_(gathered_free) struct gathered g;
	int r = gather(p, own, number, &g);

	if (r)
		return r;
	ret->above = g.above;
	ret->below = g.below;
	ret->prior = moderated_prior(g.variance, g.df, g.n);
	ret->df_most =
		moderated_df_most(g.residuals, g.n, p->n_base + p->n_head, g.n ? g.df_least : 0);
	return isnan(ret->df_most) ? -ENOMEM : 0;
}

/* Of an estimate that goes as far as `least`; `runs` is where its most moderate runs are. */
static double tail(double estimate, double runs, double least, const struct predict_result *r)
{
	return estimate > least ? fmin(1, r->charge * dist_t_cdf(-runs / r->error, r->df)) : 1;
}

static void judge_cell(const struct predict *p, const struct predict_cell *cell,
		       const struct own *o, const struct pool *pool, struct predict_result *ret)
{
	double best = moments_of(cell->best, p->n_head).mean - o->base.mean;
	double worst = moments_of(cell->worst, p->n_head).mean - o->base.mean;

	*ret = (struct predict_result){.n_base = o->base.n,
				       .n_head = o->head.n,
				       .base = o->base.n ? o->base.mean : NAN,
				       .head = o->head.n ? o->head.mean : NAN,
				       .deviation = NAN,
				       .error = NAN,
				       .p_worse = NAN,
				       .p_better = NAN};
	ret->estimate = ret->head - ret->base;
	ret->df = o->df;
	if (isnan(ret->estimate) || !(o->df > 0))
		return;
	ret->deviation =
		sqrt(moderated_variance(&pool->prior, pool->df_most, o->variance, &ret->df));
	ret->deviation = fmax(ret->deviation, cell->least);
	ret->error = ret->deviation * sqrt(1. / o->base.n + 1. / o->head.n);
	ret->above = PREDICT_STRETCH * (cell->few ? pool->above : o->above);
	ret->below = PREDICT_STRETCH * (cell->few ? pool->below : o->below);
	ret->charge = cell->few ? FEW_CHARGE : 1;
	ret->p_worse = tail(ret->estimate, best, ret->above, ret);
	ret->p_better = tail(-ret->estimate, -worst, ret->below, ret);
}

double predict_reach(const struct predict_result *r, double alpha)
{
	if (isnan(r->p_worse))
		return NAN;
	return fmax(-dist_t_quantile(alpha / r->charge, r->df) * r->error, r->above);
}

enum gate_verdict predict_verdict(const struct predict_call *c)
{
	if (c->worse && c->estimate >= c->matters)
		return GATE_REGRESSED;
	if (c->better && c->estimate <= -c->matters)
		return GATE_IMPROVED;
	if (c->estimate >= fmax(c->matters, c->sees) || c->sees > c->blind)
		return GATE_INCONCLUSIVE;
	return GATE_UNCHANGED;
}

double predict_margin(const struct predict_result *r, double level)
{
	return isnan(r->p_worse) ? NAN : -dist_t_quantile((1 - level) / 2, r->df) * r->error;
}

static int judge_pools(const struct predict *p, const struct own *own,
		       struct predict_result *results)
{
	unsigned pools = 0;
	int r = 0;

	for (size_t i = 0; i < p->n_cells; i++)
		pools = max_of(pools, p->cells[i].pool + 1);
	for (unsigned number = 0; !r && number < pools; number++) {
		struct pool pool;

		r = make_pool(p, own, number, &pool);
		for (size_t i = 0; !r && i < p->n_cells; i++)
			if (p->cells[i].pool == number)
				judge_cell(p, &p->cells[i], &own[i], &pool, &results[i]);
	}
	return r;
}

int predict(const struct predict *p, struct predict_result *results, struct err *err)
{
	_cleanup_free_ struct own *own = calloc(p->n_cells + 1, sizeof(*own));
	int r = own ? 0 : -ENOMEM;

	for (size_t i = 0; own && i < p->n_cells; i++)
		own[i] = own_of(p, &p->cells[i]);
	if (!r)
		r = judge_pools(p, own, results);
	return r ? err_sys(err, r, "prediction") : 0;
}

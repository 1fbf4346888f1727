// SPDX-License-Identifier: MIT
/*
 * Each session has its own weather: its number is what noise.h starts it by. The last one is the
 * head's. Verdicts are made as harness/stored makes them of one pool: Holm over the cells, and
 * predict_verdict. Without a second reference, and without yardsticks.
 */
#include "harness/gate/simulate_stored.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "harness/gate/predict.h"
#include "harness/stats/holm.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"

/* Of a session: the runs of each cell, and how many of them there are so far. */
struct measured {
	double *runs;
	size_t *order;
	unsigned *done;
};

struct stored {
	struct measured m;
	double *base, *head, *best, *worst, *p_worse, *p_better;
	bool *slower, *faster;
	struct predict_cell *cells;
	struct predict_result *results;
};

static void cleanup_stored(struct stored *s)
{
	free(s->m.runs);
	free(s->m.order);
	free(s->m.done);
	free(s->base);
	free(s->head);
	free(s->best);
	free(s->worst);
	free(s->p_worse);
	free(s->p_better);
	free(s->slower);
	free(s->faster);
	free(s->cells);
	free(s->results);
}

static int make_stored(struct stored *s, const struct sim_world *w)
{
	size_t runs = w->cells * w->repeats;
	double **const rows[] = {&s->head, &s->best, &s->worst, &s->p_worse, &s->p_better};

	for (size_t i = 0; i < array_size(rows); i++) {
		*rows[i] = calloc(w->cells, sizeof(double));
		if (!*rows[i])
			return -ENOMEM;
	}
	s->base = calloc(w->cells * w->sessions, sizeof(*s->base));
	s->slower = calloc(w->cells, sizeof(*s->slower));
	s->faster = calloc(w->cells, sizeof(*s->faster));
	s->cells = calloc(w->cells, sizeof(*s->cells));
	s->results = calloc(w->cells, sizeof(*s->results));
	s->m.runs = calloc(runs, sizeof(*s->m.runs));
	s->m.order = calloc(runs, sizeof(*s->m.order));
	s->m.done = calloc(w->cells, sizeof(*s->m.done));
	return s->base && s->slower && s->faster && s->cells && s->results && s->m.runs &&
			       s->m.order && s->m.done
		       ? 0
		       : -ENOMEM;
}

/* The cell of each run, in random order. */
static void shuffle(const struct sim_world *w, struct rng *rng, size_t *order)
{
	size_t n = w->cells * w->repeats;

	for (size_t i = 0; i < n; i++)
		order[i] = i % w->cells;
	for (size_t i = n; i > 1; i--) {
		size_t k = rng_below(rng, i), cell = order[k];

		order[k] = order[i - 1];
		order[i - 1] = cell;
	}
}

/* Runs of each cell, ascending. */
static void measure(const struct sim_world *w, uint64_t seed, size_t session, struct measured *m)
{
	uint64_t state = seed + session;
	struct noise noise;
	struct rng rng;

	noise_start(&noise, w->noise, seed, session);
	rng_seed(&rng, rng_splitmix(&state));
	shuffle(w, &rng, m->order);
	memset(m->done, 0, w->cells * sizeof(*m->done));
	for (size_t i = 0; i < w->cells * w->repeats; i++) {
		size_t cell = m->order[i];

		m->runs[cell * w->repeats + m->done[cell]++] = noise_run(&noise);
	}
	for (size_t i = 0; i < w->cells; i++)
		order_sort(m->runs + i * w->repeats, w->repeats);
}

static void measure_all(const struct sim_world *w, uint64_t seed, struct stored *s)
{
	for (size_t k = 0; k <= w->sessions; k++) {
		measure(w, seed, k, &s->m);
		for (size_t i = 0; i < w->cells; i++) {
			const double *runs = s->m.runs + i * w->repeats;
			double median = order_median(runs, w->repeats), d = sim_truth(w, i);

			if (k < w->sessions) {
				s->base[i * w->sessions + k] = median;
				continue;
			}
			s->head[i] = median + d;
			s->best[i] = runs[0] + d;
			s->worst[i] = runs[w->repeats - 1] + d;
		}
	}
}

static enum gate_verdict verdict_of(const struct sim_world *w, const struct stored *s, size_t i)
{
	return predict_verdict(&(struct predict_call){
		.worse = s->slower[i],
		.better = s->faster[i],
		.estimate = s->results[i].estimate,
		.sees = predict_reach(&s->results[i], sim_params(w).alpha / (double)w->cells),
		.matters = log1p(sim_series.matters),
		.blind = log1p(PREDICT_BLIND)});
}

static int judge(const struct sim_world *w, struct stored *s, struct err *err)
{
	struct predict p = {
		.cells = s->cells, .n_cells = w->cells, .n_base = w->sessions, .n_head = 1};
	double alpha = sim_params(w).alpha;
	int r;

	for (size_t i = 0; i < w->cells; i++)
		s->cells[i] = (struct predict_cell){.base = s->base + i * w->sessions,
						    .head = &s->head[i],
						    .best = &s->best[i],
						    .worst = &s->worst[i],
						    .few = w->repeats < PREDICT_RUNS};
	r = predict(&p, s->results, err);
	if (r)
		return r;
	for (size_t i = 0; i < w->cells; i++) {
		s->p_worse[i] = s->results[i].p_worse;
		s->p_better[i] = s->results[i].p_better;
	}
	r = holm(s->p_worse, w->cells, alpha, s->slower, NULL);
	if (!r)
		r = holm(s->p_better, w->cells, alpha, s->faster, NULL);
	return r ? err_sys(err, r, "stored gate") : 0;
}

int simulate_stored(const struct sim_world *w, uint64_t seed, struct sim_outcome *ret,
		    struct err *err)
{
	_cleanup_(cleanup_stored) struct stored s = {.base = NULL};
	int r = make_stored(&s, w);

	if (r)
		return err_sys(err, r, "stored gate");
	measure_all(w, seed, &s);
	r = judge(w, &s, err);
	if (r)
		return r;
	*ret = (struct sim_outcome){
		.mde = predict_reach(&s.results[0], sim_params(w).alpha / (double)w->cells)};
	for (size_t i = 0; i < w->cells; i++)
		(i < w->changed ? ret->changed : ret->innocent)[verdict_of(w, &s, i)]++;
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * Drives gate.h as a live gate does, with pairs from noise.h. Generators: the weather and the runs'
 * noise belong to the machine, the coin and the order of cells to the gate, so that a gate that
 * tosses differently meets the same weather.
 */
#include "harness/gate/simulate.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/order.h"

#define PAIRS_MAX (GATE_LOOK2 + GATE_STAGE2_MAX)

const struct gate_series sim_series = {.effect = 0.05, .matters = 0.025};

struct gate_params sim_params(const struct sim_world *w)
{
	return (struct gate_params){
		.alpha = 0.01, .margin = 0.01, .confirm_improvements = w->improvements};
}

double sim_truth(const struct sim_world *w, size_t cell)
{
	return log1p(cell < w->changed ? w->effect : w->everywhere);
}

struct sim_cell {
	double d[PAIRS_MAX];
	unsigned n;
};

/* One gate under way. The control is the cell behind the last one. */
struct sim {
	const struct sim_world *w;
	struct gate *gate;
	struct noise noise;
	struct rng rng;
	struct sim_cell *cells;
	size_t *order; /* of the round */
};

static void cleanup_sim(struct sim *s)
{
	gate_free(s->gate);
	free(s->cells);
	free(s->order);
}

static int make_gate(struct sim *s, struct err *err)
{
	_cleanup_free_ struct gate_series *series = calloc(s->w->cells, sizeof(*series));
	const struct gate_params params = sim_params(s->w);

	if (!series)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < s->w->cells; i++)
		series[i] = sim_series;
	return gate_new(&params, series, s->w->cells, &s->gate, err);
}

static int start(struct sim *s, uint64_t seed, struct err *err)
{
	uint64_t state = seed;

	noise_start(&s->noise, s->w->noise, seed, 0);
	rng_seed(&s->rng, ~rng_splitmix(&state));
	s->cells = calloc(s->w->cells + 1, sizeof(*s->cells));
	s->order = calloc(s->w->cells + 1, sizeof(*s->order));
	if (!s->cells || !s->order)
		return err_set(err, -ENOMEM, "out of memory");
	return make_gate(s, err);
}

/* Two adjacent slots. log(head / base) */
static double run_pair(struct sim *s, double truth)
{
	bool base_first = s->w->fixed_order || rng_below(&s->rng, 2) == 0;
	double first = noise_run(&s->noise);
	double second = noise_run(&s->noise) + log1p(s->w->second);

	return (base_first ? second - first : first - second) + truth;
}

static int cell_pair(struct sim *s, size_t i, struct err *err)
{
	struct sim_cell *cell = &s->cells[i];

	double d = run_pair(s, i < s->w->cells ? sim_truth(s->w, i) : 0);

	if (cell->n == PAIRS_MAX)
		return err_set(err, -ERANGE, "the gate wants more than %d pairs", PAIRS_MAX);
	cell->d[cell->n++] = d;
	if (i < s->w->cells && gate_add(s->gate, i, d) < 0)
		return err_set(err, -EINVAL, "the gate refuses %g", d);
	return 0;
}

static bool wants(const struct sim *s, size_t i)
{
	return i < s->w->cells ? gate_wants(s->gate, i) > 0 : s->cells[i].n < GATE_CONTROL_PAIRS;
}

/* Who takes part, shuffled. How many. */
static size_t draw_round(struct sim *s)
{
	size_t n = 0;

	for (size_t i = 0; i <= s->w->cells; i++) {
		if (!wants(s, i))
			continue;
		size_t j = rng_below(&s->rng, ++n);

		s->order[n - 1] = s->order[j];
		s->order[j] = i;
	}
	return n;
}

static int run_gate(struct sim *s, struct err *err)
{
	bool more = true;
	int r = 0;

	while (more && r == 0) {
		size_t n;

		while (r == 0 && (n = draw_round(s)) > 0)
			for (size_t i = 0; i < n && r == 0; i++)
				r = cell_pair(s, s->order[i], err);
		more = r == 0 && gate_advance(s->gate);
	}
	return r;
}

static void note_cell(const struct sim *s, size_t i, struct sim_outcome *o, double *mde)
{
	const struct gate_result r = gate_result(s->gate, i);
	double truth = sim_truth(s->w, i);

	(i < s->w->changed ? o->changed : o->innocent)[r.verdict]++;
	o->pairs += s->cells[i].n;
	o->covered90 += r.inner_low <= truth && truth <= r.inner_high;
	o->covered95 += r.low <= truth && truth <= r.high;
	o->without_mde += r.verdict == GATE_INCONCLUSIVE && !(isfinite(r.mde) && r.mde > 0);
	*mde = r.mde;
}

static int note_gate(const struct sim *s, struct sim_outcome *o)
{
	_cleanup_free_ double *mde = calloc(s->w->cells, sizeof(*mde));
	const struct sim_cell *control = &s->cells[s->w->cells];
	double p;

	if (!mde)
		return -ENOMEM;
	for (size_t i = 0; i < s->w->cells; i++)
		note_cell(s, i, o, &mde[i]);
	order_sort(mde, s->w->cells);
	o->mde = order_median(mde, s->w->cells);
	o->pairs += control->n;
	return gate_control(control->d, control->n, sim_params(s->w).margin, &o->contaminated, &p);
}

int simulate_gate(const struct sim_world *w, uint64_t seed, struct sim_outcome *ret,
		  struct err *err)
{
	_cleanup_(cleanup_sim) struct sim s = {.w = w};
	struct sim_outcome o = {.pairs = 0};
	int r = start(&s, seed, err);

	if (r == 0)
		r = run_gate(&s, err);
	if (r < 0)
		return r;
	r = note_gate(&s, &o);
	if (r < 0)
		return err_set(err, r, "out of memory");
	*ret = o;
	return 0;
}

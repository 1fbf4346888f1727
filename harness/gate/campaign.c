// SPDX-License-Identifier: MIT
/*
 * Runs the scenarios of a campaign in threads. A gate's seed follows from the campaign's, the class
 * and the gate's number alone: every scenario of a class meets the same weather, and which thread
 * simulates which gate changes nothing. Outcomes have their places, and are added up in order.
 */
#include "harness/gate/campaign.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "harness/gate/campaign_rows.h"
#include "harness/gate/rivals.h"
#include "harness/gate/simulate_stored.h"
#include "harness/util/cleanup.h"

const char *const campaign_state_names[] = {"no bar", "ok", "few", "missed", NULL};

/* Many gates of one scenario in one class. */
struct batch {
	const struct campaign_scenario *scenario;
	struct sim_world world;
	uint64_t seed;
	size_t gates;
	struct sim_outcome *outcomes;
	atomic_size_t next;
	atomic_int failed;
	struct err err; /* written by whoever sets `failed` first */
};

static uint64_t gate_seed(uint64_t seed, const struct noise_class *class, size_t gate)
{
	uint64_t state = seed;

	state = rng_splitmix(&state) + (uint64_t)(class - noise_classes);
	state = rng_splitmix(&state) + gate;
	return rng_splitmix(&state);
}

static int run_one(struct batch *b, size_t i, struct err *err)
{
	uint64_t seed = gate_seed(b->seed, b->world.noise, i);
	int r;

	if (b->world.sessions)
		return simulate_stored(&b->world, seed, &b->outcomes[i], err);
	if (b->scenario->rival < 0)
		return simulate_gate(&b->world, seed, &b->outcomes[i], err);
	r = rival_gate((enum rival)b->scenario->rival, &b->world, seed, &b->outcomes[i]);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

static void *work(void *arg)
{
	struct batch *b = arg;
	struct err err;
	size_t i;

	while (!b->failed && (i = atomic_fetch_add(&b->next, 1)) < b->gates) {
		int r = run_one(b, i, &err), none = 0;

		if (r < 0 && atomic_compare_exchange_strong(&b->failed, &none, r))
			b->err = err;
	}
	return NULL;
}

/* The caller is one of the threads. */
static int run_batch(struct batch *b, unsigned threads, struct err *err)
{
	_cleanup_free_ pthread_t *others = calloc(threads, sizeof(*others));
	unsigned n = 0;
	int r = others ? 0 : ENOMEM;

	while (r == 0 && n + 1 < threads) {
		r = pthread_create(&others[n], NULL, work, b);
		n += r == 0;
	}
	if (r == 0)
		work(b);
	else
		atomic_store(&b->failed, -r);
	for (unsigned i = 0; i < n; i++)
		pthread_join(others[i], NULL);
	if (r)
		return err_sys(err, -r, "starting threads");
	if (b->failed)
		*err = b->err;
	return b->failed;
}

/* `seen`: what gates of WORLD_SAME say that they see, on d's scale. */
static struct sim_world world_of(const struct campaign *c, enum campaign_world which,
				 const struct noise_class *class, double seen)
{
	struct sim_world w = campaign_scenarios[which].world;

	w.noise = class;
	w.cells = w.cells ? w.cells : c->cells;
	if (which == WORLD_SLOWER_SEEN)
		w.effect = expm1(seen);
	return w;
}

static bool asked(const struct campaign *c, const struct noise_class *class)
{
	return !c->only || c->only == class;
}

static size_t gates_of(const struct campaign *c, const struct campaign_scenario *s)
{
	return s->times ? s->times * c->gates : c->gates;
}

static size_t count_classes(const struct campaign *c)
{
	size_t n = 0;

	for (const struct noise_class *k = noise_classes; k->name; k++)
		n += asked(c, k);
	return n;
}

static size_t count_scenarios(const struct campaign *c)
{
	size_t n = 0;

	for (size_t i = 0; i < WORLDS; i++)
		n += campaign_scenarios[i].brief || !c->brief;
	return n;
}

static size_t count_questions(const struct campaign *c)
{
	size_t n = 0;

	for (size_t i = 0; i < campaign_n_questions; i++)
		n += campaign_scenarios[campaign_questions[i].scenario].brief || !c->brief;
	return n;
}

/* A table of rows: questions down, classes across. */
struct table {
	const struct campaign *c;
	struct campaign_row *rows;
	size_t classes, done;
};

static int answer(const struct table *t, enum campaign_world scenario,
		  const struct noise_class *class, size_t column,
		  const struct sim_outcome *outcomes)
{
	size_t line = 0;
	int r = 0;

	for (size_t i = 0; i < campaign_n_questions && r == 0; i++) {
		const struct campaign_question *q = &campaign_questions[i];
		const struct campaign_scenario *s = &campaign_scenarios[q->scenario];
		bool barred = !q->bar_classes || strstr(q->bar_classes, class->name);
		struct campaign_row *row = &t->rows[line * t->classes + column];

		line += s->brief || !t->c->brief;
		if (q->scenario != scenario)
			continue;
		*row = (struct campaign_row){.design = s->design,
					     .title = q->title,
					     .class = class,
					     .gates = gates_of(t->c, s),
					     .bar_low = barred ? q->bar_low : NAN,
					     .bar_high = barred ? q->bar_high : NAN,
					     .exempt = barred ? NULL : q->exempt};
		r = campaign_answer(q, outcomes, row);
	}
	return r;
}

static double mean_mde(const struct sim_outcome *outcomes, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += outcomes[i].mde;
	return sum / (double)n;
}

static int run_class(struct table *t, const struct noise_class *class, size_t column,
		     struct sim_outcome *outcomes, struct err *err)
{
	const struct campaign *c = t->c;
	double seen = 0;
	int r = 0;

	for (size_t i = 0; i < WORLDS && r == 0; i++) {
		const struct campaign_scenario *s = &campaign_scenarios[i];
		struct batch b = {.scenario = s,
				  .world = world_of(c, (enum campaign_world)i, class, seen),
				  .seed = c->seed,
				  .gates = gates_of(c, s),
				  .outcomes = outcomes};

		if (c->brief && !s->brief)
			continue;
		if (c->tell)
			c->tell(c->priv, t->done++, t->classes * count_scenarios(c));
		r = run_batch(&b, c->threads, err);
		if (i == WORLD_SAME)
			seen = mean_mde(outcomes, c->gates);
		if (r == 0 && answer(t, (enum campaign_world)i, class, column, outcomes) < 0)
			r = err_set(err, -ENOMEM, "out of memory");
	}
	return r;
}

int campaign_run(const struct campaign *c, struct campaign_row **ret, size_t *ret_n,
		 struct err *err)
{
	_cleanup_free_ struct sim_outcome *outcomes =
		calloc(CAMPAIGN_TIMES_MOST * c->gates, sizeof(*outcomes));
	struct table t = {.c = c, .classes = count_classes(c)};
	size_t n = count_questions(c) * t.classes, column = 0;
	_cleanup_free_ struct campaign_row *rows = calloc(n, sizeof(*rows));
	int r = 0;

	if (!outcomes || !rows)
		return err_set(err, -ENOMEM, "out of memory");
	t.rows = rows;
	for (const struct noise_class *k = noise_classes; k->name && r == 0; k++)
		if (asked(c, k))
			r = run_class(&t, k, column++, outcomes, err);
	if (r < 0)
		return r;
	*ret = take_ptr(rows);
	*ret_n = n;
	return 0;
}

enum campaign_state campaign_judge(const struct campaign_row *rows, size_t n)
{
	enum campaign_state worst = CAMPAIGN_NO_BAR;

	for (size_t i = 0; i < n; i++)
		worst = max_of(worst, rows[i].state);
	return worst;
}

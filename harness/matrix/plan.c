// SPDX-License-Identifier: MIT
/*
 * Plans are made whole before the first run: 100 000 items are 3 MB, and a plan that is a pure
 * function of (matrix, seed, repeats, only) is what lets --resume find the missing runs.
 */
#include "harness/matrix/plan.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/registry.h"
#include "harness/util/cleanup.h"
#include "harness/util/fnv.h"
#include "harness/util/nearest.h"
#include "harness/util/rng.h"

uint64_t plan_run_seed(uint64_t seed, const char *cell_id, uint64_t repeat)
{
	uint64_t state = fnv_text(FNV_START, cell_id) ^ rng_splitmix(&seed);

	state += repeat;
	return rng_splitmix(&state);
}

static int matches(const struct cell *cell, const char *glob)
{
	_cleanup_free_ char *label = cell_label(cell);
	char name[128];

	if (!label)
		return -ENOMEM;
	snprintf(name, sizeof(name), "%s/%s", cell->workload->name, cell->target->name);
	/* A label that is pasted means itself, also where a knob's text holds a "[" or a "*". */
	return !strcmp(glob, label) || !fnmatch(glob, name, 0) || !fnmatch(glob, cell->id, 0) ||
	       !fnmatch(glob, label, 0);
}

/* The indices of the cells that `only` leaves. */
static int choose(const struct matrix *m, const char *only, size_t **ret, size_t *ret_n)
{
	_cleanup_free_ size_t *cells = calloc(m->n_cells + 1, sizeof(*cells));
	size_t n = 0;

	if (!cells)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_cells; i++) {
		int match = only ? matches(m->cells[i], only) : 1;

		if (match < 0)
			return match;
		if (match)
			cells[n++] = i;
	}
	*ret = take_ptr(cells);
	*ret_n = n;
	return 0;
}

/* One run of a round. */
struct slot {
	size_t cell;
	bool probed;
};

/* The runs of a round in the order of the cells: one for each, two where there are probes. */
static int make_round(const struct matrix *m, const size_t *cells, size_t n_cells,
		      struct slot **ret, size_t *ret_n)
{
	struct slot *slots = calloc(2 * n_cells, sizeof(*slots));
	size_t n = 0;

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < n_cells; i++) {
		slots[n++] = (struct slot){cells[i], false};
		if (m->cells[cells[i]]->probes)
			slots[n++] = (struct slot){cells[i], true};
	}
	*ret = slots;
	*ret_n = n;
	return 0;
}

/* Fisher and Yates, as in Knuth, TAOCP 2, 3.4.2 P. */
static void shuffle(struct slot *slots, size_t n, struct rng *rng)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = rng_below(rng, i);
		struct slot slot = slots[i - 1];

		slots[i - 1] = slots[j];
		slots[j] = slot;
	}
}

static void add(struct plan *p, const struct matrix *m, uint64_t seed, struct slot slot,
		uint64_t repeat)
{
	p->items[p->n] = (struct plan_item){
		.cell = slot.cell,
		.repeat = repeat,
		.order = p->n,
		.seed = plan_run_seed(seed, m->cells[slot.cell]->id, repeat),
		.probed = slot.probed,
	};
	p->n_probed += slot.probed;
	p->n++;
}

/* A pair stays together, and a coin says which of the two is first. */
static void add_repeats(struct plan *p, const struct matrix *m, uint64_t seed, uint64_t repeats,
			size_t cell, struct rng *rng)
{
	bool pair = m->cells[cell]->probes != 0;

	for (uint64_t repeat = 0; repeat < repeats; repeat++) {
		bool probed_first = pair && rng_below(rng, 2);

		add(p, m, seed, (struct slot){cell, probed_first}, repeat);
		if (pair)
			add(p, m, seed, (struct slot){cell, !probed_first}, repeat);
	}
}

static void fill(struct plan *p, const struct matrix *m, uint64_t seed, uint64_t repeats,
		 struct slot *slots, size_t n)
{
	struct rng rng;

	rng_seed(&rng, seed);
	if (m->order == ORDER_SEQUENTIAL) {
		for (size_t i = 0; i < n; i++)
			if (!slots[i].probed)
				add_repeats(p, m, seed, repeats, slots[i].cell, &rng);
		return;
	}
	for (uint64_t repeat = 0; repeat < repeats; repeat++) {
		shuffle(slots, n, &rng);
		for (size_t i = 0; i < n; i++)
			add(p, m, seed, slots[i], repeat);
	}
}

/* The nearest label, or the nearest workload/target where the text is no longer than that. */
static int tell_no_match(const struct matrix *m, const char *only, struct err *err)
{
	bool short_form = !strpbrk(only, " =");
	struct nearest n = nearest_to(only);
	_cleanup_free_ char *best = NULL;

	for (size_t i = 0; i < m->n_cells; i++) {
		_cleanup_free_ char *text = cell_label(m->cells[i]);
		const char *before = n.best;

		if (!text)
			return err_sys(err, -ENOMEM, "plan");
		if (short_form)
			text[strcspn(text, " ")] = 0;
		nearest_offer(&n, text);
		if (n.best == before)
			continue;
		free(best);
		n.best = best = take_ptr(text);
	}
	if (best)
		return err_set(err, -ENOENT, "no cell matches \"%s\"; the nearest is \"%s\"", only,
			       best);
	return err_set(err, -ENOENT,
		       "no cell matches \"%s\"; --dry-run without --only lists the labels", only);
}

int plan_make(const struct matrix *m, uint64_t seed, uint64_t repeats, const char *only,
	      struct plan **ret, struct err *err)
{
	_cleanup_free_ size_t *cells = NULL;
	_cleanup_free_ struct slot *slots = NULL;
	struct plan *p;
	size_t n_cells, n = 0;
	int rc = choose(m, only, &cells, &n_cells);

	if (rc < 0)
		return err_sys(err, rc, "plan");
	if (!n_cells)
		return tell_no_match(m, only ? only : "", err);
	rc = make_round(m, cells, n_cells, &slots, &n);
	if (rc < 0)
		return err_sys(err, rc, "plan");
	if (repeats > MATRIX_RUNS_MAX || n * repeats > MATRIX_RUNS_MAX)
		return err_set(err, -E2BIG,
			       "%zu cells with %" PRIu64 " repeats each%s are more than %d runs",
			       n_cells, repeats, n > n_cells ? ", with probes twice," : "",
			       MATRIX_RUNS_MAX);
	p = calloc(1, sizeof(*p) + n * repeats * sizeof(p->items[0]));
	if (!p)
		return err_sys(err, -ENOMEM, "plan");
	p->n_cells = n_cells;
	fill(p, m, seed, repeats, slots, n);
	*ret = p;
	return 0;
}

static cJSON *item_json(const struct registry *reg, const struct matrix *m,
			const struct plan_item *item)
{
	const struct cell *cell = m->cells[item->cell];
	_cleanup_free_ char *label = cell_label(cell);
	cJSON *o = cJSON_CreateObject();
	char seed[24];

	snprintf(seed, sizeof(seed), "%" PRIu64, item->seed);
	cJSON_AddNumberToObject(o, "order", (double)item->order);
	cJSON_AddNumberToObject(o, "repeat", (double)item->repeat);
	cJSON_AddStringToObject(o, "seed", seed);
	cJSON_AddBoolToObject(o, "probed", item->probed);
	cJSON_AddItemToObject(o, "probes",
			      probe_set_json(reg->prober, item->probed ? cell->probes : 0));
	cJSON_AddStringToObject(o, "cell", cell->id);
	cJSON_AddStringToObject(o, "label", label ? label : "");
	return o;
}

cJSON *plan_json(const struct registry *reg, const struct matrix *m, const struct plan *p)
{
	cJSON *o = cJSON_CreateObject(), *runs;

	cJSON_AddStringToObject(o, "name", m->name);
	cJSON_AddStringToObject(o, "matrix_hash", m->hash);
	runs = cJSON_AddArrayToObject(o, "runs");
	for (size_t i = 0; i < p->n; i++)
		cJSON_AddItemToArray(runs, item_json(reg, m, &p->items[i]));
	return o;
}

void plan_free(struct plan *p)
{
	free(p);
}

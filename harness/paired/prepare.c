// SPDX-License-Identifier: MIT
/*
 * What a gate is asked for, made sense of: the cells of both sides, the metrics that are judged,
 * and the time that it takes at least. All of this is known before anything is run or written.
 */
#include "harness/paired/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "harness/cell.h"
#include "harness/host/hostinfo.h"
#include "harness/matrix/matrix.h"
#include "harness/matrix/plan.h"
#include "harness/paired/metrics.h"
#include "harness/paired/overrides.h"
#include "harness/session/record.h"
#include "harness/target.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "harness/util/units.h"

#define RUN_OVERHEAD_NS (50 * NSEC_PER_MSEC) /* start, set-up and end of a run that has little */

static int choose_cells(struct live *l)
{
	const struct matrix *m = l->opt->matrix;
	_cleanup_free_ bool *chosen = calloc(m->n_cells + 1, sizeof(*chosen));
	int r = plan_make(m, l->opt->seed, 1, l->opt->only, &l->plan, l->err);

	if (r)
		return r == -ENOMEM ? r : -EINVAL;
	l->cells = calloc(m->n_cells + 1, sizeof(struct cell *));
	if (!l->cells || !chosen)
		return err_sys(l->err, -ENOMEM, "cells");
	for (size_t i = 0; i < l->plan->n; i++)
		chosen[l->plan->items[i].cell] = true;
	for (size_t i = 0; i < m->n_cells; i++)
		if (chosen[i])
			l->cells[l->n++] = m->cells[i];
	return 0;
}

static uint64_t run_ns(const struct live *l)
{
	return l->opt->matrix->warmup_ns + l->opt->matrix->duration_ns;
}

/* Runs of a pair: those with probes are made beside it. */
static uint64_t cell_runs(const struct cell *c, unsigned pairs, unsigned watched)
{
	return 2ull * pairs + (c->probes ? 2ull * min_of(pairs, watched) : 0);
}

unsigned live_control_pairs(const struct live *l)
{
	return l->log ? 0 : GATE_CONTROL_PAIRS;
}

/* Of all pairs up to a stage, with the control. */
static uint64_t runs_of(const struct live *l, unsigned pairs)
{
	uint64_t runs = 2ull * live_control_pairs(l);

	for (size_t i = 0; i < l->n; i++)
		runs += cell_runs(l->cells[i], pairs, GATE_STAGE1);
	return runs;
}

/* The windows alone, without any set-up, must fit: else it is known now that nothing comes of it.
 */
static int check_budget(const struct live *l)
{
	uint64_t least = runs_of(l, GATE_STAGE1) * run_ns(l);
	char has[UNITS_TEXT_MAX];

	if (!l->opt->budget_ns || least <= l->opt->budget_ns)
		return 0;
	return err_set(l->err, -EINVAL,
		       "--budget %s is too little: %zu cells need %.0f s at least (%u pairs of "
		       "each, %u of the control); choose fewer cells by --only, or shorter runs",
		       units_format_time(l->opt->budget_ns, has), l->n,
		       (double)least / (double)NSEC_PER_SEC, GATE_STAGE1, live_control_pairs(l));
}

void live_free(struct live *l)
{
	for (int side = 0; side < SIDES; side++)
		overrides_free(l->side_cells[side], l->n);
	judge_free(l->judge);
	folder_close(l->folder);
	runner_close(l->runner);
	cJSON_Delete(l->cells_json);
	cJSON_Delete(l->gate);
	plan_free(l->plan);
	free(l->cells);
}

static int describe_cells(const struct live *l, cJSON **ret)
{
	_cleanup_json_ cJSON *cells = cJSON_CreateArray();

	for (size_t i = 0; i < l->n; i++) {
		_cleanup_free_ char *label = cell_label(l->cells[i]);
		cJSON *o = cJSON_CreateObject(), *metrics;
		int r;

		cJSON_AddItemToArray(cells, o);
		cJSON_AddItemToObject(o, "cell", cell_describe(l->cells[i]));
		cJSON_AddStringToObject(o, "label", label ? label : l->cells[i]->id);
		r = metrics_describe(l->opt, l->cells[i], &metrics, l->err);
		if (r)
			return r;
		cJSON_AddItemToObject(o, "metrics", metrics);
	}
	*ret = take_ptr(cells);
	return 0;
}

static cJSON *describe_params(const struct live *l)
{
	const struct paired_options *opt = l->opt;
	cJSON *o = cJSON_CreateObject(), *fail;

	cJSON_AddNumberToObject(o, "alpha", opt->params.alpha);
	cJSON_AddNumberToObject(o, "effect", opt->effect);
	cJSON_AddNumberToObject(o, "matters", opt->matters);
	cJSON_AddNumberToObject(o, "margin", opt->params.margin);
	cJSON_AddStringToObject(o, "margin_from", opt->margin_from);
	cJSON_AddBoolToObject(o, "confirm_improvements", opt->params.confirm_improvements);
	cJSON_AddNumberToObject(o, "control_pairs", live_control_pairs(l));
	cJSON_AddNumberToObject(o, "max_steal", opt->max_steal);
	cJSON_AddNumberToObject(o, "max_foreign", opt->max_foreign);
	fail = cJSON_AddArrayToObject(o, "fail_on");
	if (opt->fail_on_regressed)
		cJSON_AddItemToArray(fail, cJSON_CreateString("regressed"));
	if (opt->fail_on_inconclusive)
		cJSON_AddItemToArray(fail, cJSON_CreateString("inconclusive"));
	if (opt->budget_ns)
		cJSON_AddNumberToObject(o, "budget_ns", (double)opt->budget_ns);
	else
		cJSON_AddNullToObject(o, "budget_ns");
	return o;
}

/* A plan that could never reject is refused before anything is made. */
static int check_plan(const struct live *l)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	struct judge *judge = NULL;
	int r;

	cJSON_AddStringToObject(o, "kind", "paired");
	cJSON_AddItemToObject(o, "params", describe_params(l));
	cJSON_AddItemReferenceToObject(o, "cells", l->cells_json);
	r = judge_new(o, "gate", &judge, l->err);
	judge_free(judge);
	return r == -EBADMSG ? -EINVAL : r;
}

/* The lanes burn the pad: where they wait for something else, it slows down nothing. */
static int check_slow(const struct live *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct cell *c = l->cells[i];
		_cleanup_free_ char *label = cell_label(c);

		if (c->axes.rate || c->target->own_ops)
			return err_set(l->err, -EINVAL, "%s cannot be slowed down by a pad: %s",
				       label ? label : c->id,
				       c->axes.rate ? "its rate is given"
						    : "its program makes its own load");
	}
	return 0;
}

int live_prepare(struct live *l)
{
	const struct paired_options *opt = l->opt;
	int r = choose_cells(l);

	for (int side = 0; !r && side < SIDES; side++)
		r = overrides_apply(opt->registry, opt->sides[side].sets, opt->sides[side].n_sets,
				    l->cells, l->n, &l->side_cells[side], l->err);
	if (!r && l->log && l->log->slow > 0)
		r = check_slow(l);
	if (!r)
		r = describe_cells(l, &l->cells_json);
	if (!r)
		r = check_plan(l);
	return r ? r : check_budget(l);
}

static void add_hex(cJSON *o, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)value);
	cJSON_AddStringToObject(o, key, text);
}

static void add_head(const struct live *l, cJSON *o)
{
	const struct matrix *m = l->opt->matrix;
	struct timespec now;
	uint64_t id = 0;
	char text[40];

	if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
		id = nsec_now();
	clock_gettime(CLOCK_REALTIME, &now);
	cJSON_AddNumberToObject(o, "schema", PAIRED_SCHEMA);
	cJSON_AddStringToObject(o, "kind", "paired");
	cJSON_AddStringToObject(o, "uhbench", UHBENCH_VERSION);
	add_hex(o, "gate", id);
	cJSON_AddStringToObject(o, "name", m->name);
	record_time(&now, text, sizeof(text));
	cJSON_AddStringToObject(o, "started", text);
	cJSON_AddNullToObject(o, "ended");
	cJSON_AddNullToObject(o, "pairs");
	cJSON_AddItemToObject(o, "matrix", cJSON_Duplicate(m->source, 1));
	cJSON_AddStringToObject(o, "matrix_hash", m->hash);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)l->opt->seed);
	cJSON_AddStringToObject(o, "seed", text);
	cJSON_AddItemToObject(o, "only",
			      l->opt->only ? cJSON_CreateString(l->opt->only) : cJSON_CreateNull());
	cJSON_AddNumberToObject(o, "warmup_ns", (double)m->warmup_ns);
	cJSON_AddNumberToObject(o, "duration_ns", (double)m->duration_ns);
	cJSON_AddNumberToObject(o, "pad_iters_per_ns", l->pad_iters_per_ns);
}

static cJSON *describe_log(const struct live *l)
{
	cJSON *o = cJSON_CreateObject(), *pads;

	cJSON_AddNumberToObject(o, "gates", l->log->gates);
	cJSON_AddNumberToObject(o, "slow", l->log->slow);
	pads = cJSON_AddArrayToObject(o, "pads_ns");
	for (size_t i = 0; l->log->slow > 0 && i < l->n; i++)
		cJSON_AddItemToArray(pads, cJSON_CreateNumber(l->log->slow * l->log->op_ns[i]));
	return o;
}

cJSON *live_describe(struct live *l)
{
	cJSON *o = cJSON_CreateObject();

	add_head(l, o);
	cJSON_AddItemToObject(o, "params", describe_params(l));
	for (int side = 0; side < SIDES; side++)
		cJSON_AddItemToObject(o, side_names[side],
				      builds_describe(&l->builds, side, &l->opt->sides[side]));
	cJSON_AddItemToObject(o, "cells", take_ptr(l->cells_json));
	if (l->log)
		cJSON_AddItemToObject(o, "log", describe_log(l));
	else
		cJSON_AddItemToObject(o, "calibration",
				      l->opt->calibration ? cJSON_Duplicate(l->opt->calibration, 1)
							  : cJSON_CreateNull());
	cJSON_AddItemToObject(o, "host", hostinfo_collect(l->opt->dir));
	return o;
}

static void add_range(cJSON *o, const char *key, double least, double most)
{
	cJSON *range = cJSON_AddObjectToObject(o, key);

	cJSON_AddNumberToObject(range, "least", least);
	cJSON_AddNumberToObject(range, "most", most);
}

int paired_log_check(const struct paired_options *opt, const struct paired_log *log,
		     struct err *err)
{
	struct live l = {.opt = opt, .log = log, .err = err};
	int r = live_prepare(&l);

	live_free(&l);
	return r;
}

int paired_plan(const struct paired_options *opt, cJSON **ret, struct err *err)
{
	struct live l = {.opt = opt, .err = err};
	unsigned most = GATE_STAGE1 + GATE_STAGE2_MAX;
	int r = live_prepare(&l);
	double each;
	cJSON *o;

	if (!r) {
		each = (double)(run_ns(&l) + RUN_OVERHEAD_NS) / (double)NSEC_PER_SEC;
		o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "name", opt->matrix->name);
		cJSON_AddItemToObject(o, "cells", take_ptr(l.cells_json));
		add_range(o, "pairs", (double)(l.n * GATE_STAGE1 + GATE_CONTROL_PAIRS),
			  (double)(l.n * most + GATE_CONTROL_PAIRS));
		add_range(o, "seconds", each * (double)runs_of(&l, GATE_STAGE1),
			  each * (double)runs_of(&l, most));
		*ret = o;
	}
	live_free(&l);
	return r;
}

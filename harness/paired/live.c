// SPDX-License-Identifier: MIT
/*
 * Round after round over the cells that the judge wants pairs of, in an order of their own each
 * time, so that a machine that warms up or gets busy hurts all cells alike. Pairs of the control
 * are spread over the rounds of the first stage, each on a cell that is drawn.
 *
 * All that is random comes from one generator and is written down. What follows from the pairs
 * (stages, verdicts) is the judge's.
 */
#include "harness/paired/live.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cell.h"
#include "harness/matrix/matrix.h"
#include "harness/matrix/matrix_gate.h"
#include "harness/matrix/plan.h"
#include "harness/pad.h"
#include "harness/session/counts.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"

/* One cell that is no command with ${bin} is enough for both to be asked: who compares programs of
 * his own has to be told which. */
static int ask_builds(struct live *l)
{
	_cleanup_free_ char *label = NULL;
	bool programs = false;
	size_t own = l->n;
	int r;

	for (size_t i = l->n; i-- > 0;) {
		programs |= l->cells[i]->workload->takes_program != NULL;
		if (!live_takes_program(l, i))
			own = i;
	}
	if (own == l->n)
		return 0;
	r = builds_ask(&l->builds, l->opt->interrupted, l->err);
	if (r != -EINVAL || !programs)
		return r;
	label = cell_label(l->cells[own]);
	return err_wrap(l->err, r, "for %s, which has no ${bin} to put a program at",
			label ? label : "a cell");
}

/* A build that ignored the pad would be found as fast as base. */
static int check_pads(const struct live *l)
{
	for (unsigned i = 0; l->log && l->log->slow > 0 && i < l->builds.n[SIDE_HEAD]; i++) {
		const struct build *b = &l->builds.side[SIDE_HEAD][i];

		if (b->protocol < PROTOCOL_PADS)
			return err_set(l->err, -EINVAL,
				       "%s cannot be slowed down by a pad: it speaks protocol %u, "
				       "and pads came with %d",
				       b->path, b->protocol, PROTOCOL_PADS);
	}
	return 0;
}

/* NULL: none of those that are gated is counted by a probe. */
static const char *probed_count(const struct cell *c)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, c->gate)
		if (counts_probe(gate_name(item)))
			return gate_name(item);
	return NULL;
}

/* What is too old to say where its window lies cannot be watched: its counts would never come. */
static int check_counts(const struct live *l, size_t cell)
{
	const char *count = live_takes_program(l, cell) ? NULL : probed_count(l->cells[cell]);

	for (int side = 0; count && side < SIDES; side++)
		for (unsigned i = 0; i < l->builds.n[side]; i++) {
			const struct build *b = &l->builds.side[side][i];

			if (b->protocol < PROTOCOL_WINDOWS)
				return err_set(l->err, -EINVAL,
					       "%s: \"gate\" has \"%s\", which needs probes, and "
					       "%s is too old for them: it speaks protocol %u, and "
					       "they came with %d",
					       l->cells[cell]->id, count, b->path, b->protocol,
					       PROTOCOL_WINDOWS);
		}
	return 0;
}

static int make_builds(struct live *l)
{
	char dir[PATH_MAX];
	int r;

	snprintf(dir, sizeof(dir), "%.4000s/builds", runner_workdir(l->runner));
	r = fs_mkdir_p(dir);
	if (r)
		return err_sys(l->err, r, "%s", dir);
	r = builds_copy(&l->builds, l->opt, dir, l->err);
	if (!r)
		r = ask_builds(l);
	if (!r)
		r = check_pads(l);
	for (size_t i = 0; !r && i < l->n; i++)
		r = check_counts(l, i);
	return r;
}

static int open_gate(struct live *l)
{
	int r;

	l->pad_iters_per_ns = pad_calibrate();
	l->gate = live_describe(l);
	r = l->gate ? folder_open(l->opt->dir, l->gate, &l->folder, l->err)
		    : err_sys(l->err, -ENOMEM, "gate");
	return r ? r : judge_new(l->gate, "gate.json", &l->judge, l->err);
}

static int open_live(struct live *l)
{
	struct runner_options opt = {.registry = l->opt->registry,
				     .prober = l->opt->prober,
				     .concurrent = l->opt->concurrent,
				     .interrupted = l->opt->interrupted};
	int r = runner_claim(&opt, &l->runner, l->err);

	if (!r)
		r = folder_prepare(l->opt->dir, l->err);
	if (!r)
		r = runner_open(l->runner, l->opt->matrix, l->plan, l->opt->dir, l->err);
	if (!r)
		r = make_builds(l);
	return r ? r : open_gate(l);
}

static bool budget_is_used_up(const struct live *l)
{
	return l->opt->budget_ns && nsec_now() - l->began_ns >= l->opt->budget_ns;
}

static bool goes_on(const struct live *l)
{
	return !l->stopped && !*l->opt->interrupted && !budget_is_used_up(l);
}

/* How many pairs of the control should be done after so many rounds. */
static unsigned control_due(const struct live *l)
{
	unsigned all = live_control_pairs(l);

	return min_of(all, (all * (l->round + 1) + GATE_STAGE1 - 1) / GATE_STAGE1);
}

/* It runs, and is not known to have nothing that the control compares. */
static bool can_control(const struct judged_cell *c)
{
	return !c->failed && (!c->kept || c->metrics[0].sides[SIDE_BASE].n);
}

/* -ENOENT: there is none. */
static int draw_control(struct live *l, size_t *ret)
{
	size_t working = 0, chosen;

	for (size_t i = 0; i < l->n; i++)
		working += can_control(&l->judge->cells[i]);
	if (!working)
		return -ENOENT;
	chosen = rng_below(&l->rng, working);
	for (size_t i = 0; i < l->n; i++)
		if (can_control(&l->judge->cells[i]) && !chosen--) {
			*ret = i;
			return 0;
		}
	return -ENOENT;
}

static int control_pairs(struct live *l, unsigned due)
{
	size_t cell;
	int r = 0;

	while (!r && goes_on(l) && l->control_done < due && judge_wants_control(l->judge) &&
	       !draw_control(l, &cell))
		r = live_pair(l, cell, true);
	return r;
}

static size_t shuffle_wanted(struct live *l, size_t *order)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (judge_wants(l->judge, i))
			order[n++] = i;
	for (size_t i = n; i > 1; i--) {
		size_t k = rng_below(&l->rng, i), other = order[k];

		order[k] = order[i - 1];
		order[i - 1] = other;
	}
	return n;
}

/* The control's pairs of a round stand before, between or behind the others. */
static int one_round(struct live *l, size_t *order)
{
	size_t n = shuffle_wanted(l, order), at = rng_below(&l->rng, n + 1);
	int r = 0;

	for (size_t i = 0; !r && i <= n && goes_on(l); i++) {
		if (i == at)
			r = control_pairs(l, control_due(l));
		if (!r && i < n && goes_on(l) && judge_wants(l->judge, order[i]))
			r = live_pair(l, order[i], false);
	}
	l->round++;
	return r;
}

static bool has_failed(const struct live *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->judge->cells[i].failed && !l->judge->cells[i].skipped)
			return true;
	return false;
}

static int one_gate(struct live *l, size_t *order)
{
	int r = 0;

	while (!r && !l->judge->over && goes_on(l))
		r = one_round(l, order);
	return r;
}

/* A gate after the other, each from nothing. */
static int all_gates(struct live *l, size_t *order)
{
	int r = one_gate(l, order);

	for (unsigned i = 1; !r && i < l->log->gates && goes_on(l) && !has_failed(l); i++) {
		judge_free(take_ptr(l->judge));
		r = judge_new(l->gate, "gate.json", &l->judge, l->err);
		if (!r)
			r = one_gate(l, order);
	}
	return r;
}

static int all_rounds(struct live *l)
{
	_cleanup_free_ size_t *order = calloc(l->n + 1, sizeof(*order));
	int r = order ? 0 : err_sys(l->err, -ENOMEM, "gate");

	l->began_ns = nsec_now();
	if (!r)
		r = l->log ? all_gates(l, order) : one_gate(l, order);
	/* What a short gate has not had yet, and what was disturbed. */
	return r ? r : control_pairs(l, UINT_MAX);
}

static const char *how_it_ended(const struct live *l)
{
	if (l->stopped || *l->opt->interrupted)
		return "interrupted";
	return l->judge->over ? "complete" : "budget";
}

static int measure(const struct paired_options *opt, const struct paired_log *log,
		   struct paired_summary *ret, struct err *err)
{
	struct live *l = calloc(1, sizeof(*l));
	int r;

	*ret = (struct paired_summary){.swept = 0};
	if (!l)
		return err_sys(err, -ENOMEM, "gate");
	l->opt = opt;
	l->log = log;
	l->err = err;
	rng_seed(&l->rng, opt->seed);
	r = live_prepare(l);
	if (!r)
		r = open_live(l);
	if (!r)
		r = all_rounds(l);
	if (!r)
		r = folder_end(l->folder, how_it_ended(l), err);
	if (l->runner) {
		ret->swept = runner_swept(l->runner)->count;
		snprintf(ret->not_swept, sizeof(ret->not_swept), "%s",
			 runner_swept(l->runner)->not_swept);
	}
	live_free(l);
	free(l);
	return r;
}

int paired_run(const struct paired_options *opt, struct paired_summary *ret, struct err *err)
{
	int r = measure(opt, NULL, ret, err);

	return r ? r : paired_analyse(opt->dir, &ret->verdicts, err);
}

int paired_log_run(const struct paired_options *opt, const struct paired_log *log,
		   struct paired_summary *ret, struct err *err)
{
	return measure(opt, log, ret, err);
}

// SPDX-License-Identifier: MIT
/*
 * One pair: base and head one after the other, in the order that a coin says, with the same seed,
 * from the same state: what was written is on disk, folders are fresh, nothing of the last run is
 * left. Both are always made, so that a cell that neither can run is told from one that broke.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cell.h"
#include "harness/paired/live.h"
#include "harness/paired/metrics.h"
#include "harness/session/record.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "harness/workload.h"

struct side_run {
	struct outcome outcome;
	cJSON *probes;
	char start[40];
	bool made;
};

struct measured {
	struct live *live;
	size_t cell;
	bool control;
	int first; /* a side */
	uint64_t seed;
	unsigned builds[SIDES];
	struct side_run runs[SIDES], watched[SIDES];
};

static void free_run(struct side_run *run)
{
	if (run->made)
		outcome_free(&run->outcome);
	cJSON_Delete(run->probes);
}

static void free_measured(struct measured *m)
{
	for (int side = 0; side < SIDES; side++) {
		free_run(&m->runs[side]);
		free_run(&m->watched[side]);
	}
}

static const cJSON *at(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

/* Of a control pair both sides are base, as it was copied twice. */
static const struct build *build_of(const struct measured *m, int side)
{
	return &m->live->builds.side[m->control ? SIDE_BASE : side][m->builds[side]];
}

bool live_takes_program(const struct live *l, size_t cell)
{
	const struct cell *c = l->cells[cell];

	return !l->builds.one && c->workload->takes_program && c->workload->takes_program(c);
}

static void choose_program(const struct measured *m, int side, struct runner_job *job)
{
	const struct live *l = m->live;
	const struct build *build = build_of(m, side);
	const char *copy = m->control && side == SIDE_HEAD ? build->control : build->copy;

	job->binary = copy;
	job->protocol = build->protocol;
	if (!live_takes_program(l, m->cell))
		return;
	job->binary = l->opt->own_binary;
	job->protocol = 0;
	job->bin = copy;
}

/* Of the head of a log that is to be slower. */
static double pad_of(const struct measured *m, int side)
{
	const struct live *l = m->live;

	if (!l->log || !(l->log->slow > 0) || m->control || side != SIDE_HEAD)
		return 0;
	return l->log->slow * l->log->op_ns[m->cell] * l->pad_iters_per_ns;
}

static int run_side(struct measured *m, int side, bool probed, struct side_run *run)
{
	struct live *l = m->live;
	struct runner_job job = {.number = l->runs++,
				 .seed = m->seed,
				 .pad_iters_per_ns = l->pad_iters_per_ns,
				 .probed = probed,
				 .others = !probed,
				 .sync = true};
	struct timespec start;
	int r;

	job.pad_iters_per_op = pad_of(m, side);
	job.cell = l->side_cells[m->control ? SIDE_BASE : side][m->cell];
	choose_program(m, side, &job);
	r = runner_run(l->runner, &job, &run->outcome, &run->probes, &start, l->err);
	run->made = !r;
	if (r)
		return r;
	l->stopped |= run->outcome.interrupted || *l->opt->interrupted;
	record_time(&start, run->start, sizeof(run->start));
	return 0;
}

static int run_both(struct measured *m, bool probed, struct side_run runs[SIDES])
{
	int r = run_side(m, m->first, probed, &runs[m->first]);

	if (r || m->live->stopped)
		return r;
	return run_side(m, !m->first, probed, &runs[!m->first]);
}

/* Neither side's program may be too old to be watched. */
static bool can_watch(const struct measured *m)
{
	for (int side = 0; !live_takes_program(m->live, m->cell) && side < SIDES; side++)
		if (build_of(m, side)->protocol < PROTOCOL_WINDOWS)
			return false;
	return m->live->cells[m->cell]->probes;
}

static bool is_lacking(enum status status)
{
	return status == STATUS_UNSUPPORTED || status == STATUS_SKIPPED;
}

/* What broke comes before what this machine lacks. */
static int failed_side(const struct side_run runs[SIDES])
{
	enum status base = runs[SIDE_BASE].outcome.status, head = runs[SIDE_HEAD].outcome.status;

	if (base == STATUS_OK && head == STATUS_OK)
		return -1;
	if (base == STATUS_OK)
		return SIDE_HEAD;
	if (head == STATUS_OK)
		return SIDE_BASE;
	if (is_lacking(base) == is_lacking(head))
		return SIDE_BOTH;
	return is_lacking(base) ? SIDE_HEAD : SIDE_BASE;
}

static cJSON *failure_text(const char *reason, bool by_watched)
{
	char text[ERR_MAX + 32];

	snprintf(text, sizeof(text), "%s%s", by_watched ? "in the run with probes: " : "", reason);
	return cJSON_CreateString(text);
}

/* A watched run that failed breaks the pair like any other: its counts are those of half a run. */
static int add_failure(cJSON *o, const struct measured *m, bool watched)
{
	bool by_watched = watched && failed_side(m->runs) < 0;
	const struct side_run *runs = by_watched ? m->watched : m->runs;
	int side = failed_side(runs);
	const struct outcome *told = &runs[side == SIDE_HEAD ? SIDE_HEAD : SIDE_BASE].outcome;
	cJSON *failed;

	if (side < 0)
		return -1;
	failed = cJSON_AddObjectToObject(o, "failed");
	cJSON_AddStringToObject(failed, "side", side_names[side]);
	cJSON_AddStringToObject(failed, "status", status_names[told->status]);
	cJSON_AddItemToObject(failed, "reason", failure_text(told->reason, by_watched));
	return side;
}

static bool add_discard_by(cJSON *o, const double shares[SIDES], const char *reason, double limit)
{
	bool any = limit < 1; /* ticks are counted for whole CPUs: more than all of them is noise */
	bool base = any && shares[SIDE_BASE] > limit, head = any && shares[SIDE_HEAD] > limit;
	cJSON *discarded;

	if (!base && !head)
		return false;
	discarded = cJSON_AddObjectToObject(o, "discarded");
	cJSON_AddStringToObject(discarded, "reason", reason);
	cJSON_AddStringToObject(discarded, "side",
				side_names[base && head ? SIDE_BOTH
					   : base	? SIDE_BASE
							: SIDE_HEAD]);
	return true;
}

/* By what we saw ourselves: what builds say of their machine may differ where it does not. */
static bool add_discard(const struct live *l, cJSON *o, const struct side_run runs[SIDES])
{
	const struct others_share *base = &runs[SIDE_BASE].outcome.others;
	const struct others_share *head = &runs[SIDE_HEAD].outcome.others;

	return add_discard_by(o, (const double[]){base->steal, head->steal}, "steal",
			      l->opt->max_steal) ||
	       add_discard_by(o, (const double[]){base->foreign, head->foreign}, "foreign",
			      l->opt->max_foreign);
}

static cJSON *describe_others(const struct others_share *others)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddItemToObject(o, "steal",
			      isfinite(others->steal) ? cJSON_CreateNumber(others->steal)
						      : cJSON_CreateNull());
	cJSON_AddItemToObject(o, "foreign",
			      isfinite(others->foreign) ? cJSON_CreateNumber(others->foreign)
							: cJSON_CreateNull());
	return o;
}

static void add_sides(const struct measured *m, cJSON *o, bool watched)
{
	const cJSON *cell = cJSON_GetArrayItem(at(m->live->gate, "cells"), (int)m->cell);
	const cJSON *metrics = at(cell, "metrics");

	for (int side = 0; side < SIDES; side++) {
		const struct side_run *run = &m->runs[side], *seen = &m->watched[side];
		cJSON *values;

		if (run->outcome.status != STATUS_OK) {
			cJSON_AddNullToObject(o, side_names[side]);
			continue;
		}
		values = metrics_of_run(metrics, run->outcome.response, run->start);
		if (watched && seen->outcome.status == STATUS_OK)
			metrics_add_watched(metrics, seen->outcome.response, seen->probes, values);
		cJSON_AddItemToObject(values, "others", describe_others(&run->outcome.others));
		cJSON_AddItemToObject(o, side_names[side], values);
	}
}

static const char *stage_name(const struct measured *m)
{
	enum gate_stage stage = judge_stage(m->live->judge, m->cell);

	return gate_stage_names[m->control ? GATE_IN_STAGE1 : stage];
}

static cJSON *describe(const struct measured *m, const char *stage, double seconds, bool watched)
{
	const struct live *l = m->live;
	cJSON *o = cJSON_CreateObject(), *builds;
	char seed[24];

	cJSON_AddNumberToObject(o, "schema", PAIRED_SCHEMA);
	cJSON_AddNumberToObject(o, "pair", l->pairs);
	cJSON_AddNumberToObject(o, "round", l->round);
	cJSON_AddStringToObject(o, "stage", stage);
	cJSON_AddStringToObject(o, "cell", l->cells[m->cell]->id);
	cJSON_AddBoolToObject(o, "control", m->control);
	cJSON_AddStringToObject(o, "first", side_names[m->first]);
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)m->seed);
	cJSON_AddStringToObject(o, "seed", seed);
	builds = cJSON_AddObjectToObject(o, "builds");
	for (int side = 0; side < SIDES; side++)
		cJSON_AddNumberToObject(builds, side_names[side], m->builds[side]);
	cJSON_AddStringToObject(o, "start", m->runs[m->first].start);
	cJSON_AddNumberToObject(o, "duration", seconds);
	if (add_failure(o, m, watched) < 0)
		cJSON_AddNullToObject(o, "failed");
	if (!cJSON_IsNull(at(o, "failed")) || !add_discard(l, o, m->runs))
		cJSON_AddNullToObject(o, "discarded");
	add_sides(m, o, watched);
	return o;
}

static void trouble_of(const cJSON *pair, char *text, size_t size)
{
	const cJSON *failed = at(pair, "failed"), *discarded = at(pair, "discarded");

	text[0] = 0;
	if (cJSON_IsObject(failed))
		snprintf(text, size, "%s: %s: %s", at(failed, "side")->valuestring,
			 at(failed, "status")->valuestring, at(failed, "reason")->valuestring);
	else if (cJSON_IsObject(discarded))
		snprintf(text, size, "discarded: %s",
			 strcmp(at(discarded, "reason")->valuestring, "steal")
				 ? "others had too much of the CPUs"
				 : "the hypervisor had too much of the CPUs");
}

static unsigned left(const struct live *l)
{
	unsigned n = judge_wants_control(l->judge);

	for (size_t i = 0; i < l->n; i++)
		n += judge_wants(l->judge, i);
	return n;
}

static int write_pair(const struct measured *m, const cJSON *pair)
{
	struct live *l = m->live;
	_cleanup_json_ cJSON *again = NULL;
	char place[64], trouble[ERR_MAX];
	int r = folder_append(l->folder, pair, &again, place, l->err);

	if (!r)
		r = judge_add(l->judge, again, place, l->err);
	if (r)
		return r;
	l->pairs++;
	l->control_done += m->control;
	trouble_of(again, trouble, sizeof(trouble));
	l->opt->ended(l->opt->arg, l->cells[m->cell], trouble, l->pairs, left(l));
	return 0;
}

static void draw(struct measured *m)
{
	struct live *l = m->live;

	m->first = rng_next(&l->rng) >> 63 ? SIDE_HEAD : SIDE_BASE;
	m->seed = rng_next(&l->rng);
	for (int side = 0; side < SIDES; side++)
		m->builds[side] = (unsigned)rng_below(&l->rng, l->builds.n[side]);
	if (m->control)
		m->builds[SIDE_HEAD] = m->builds[SIDE_BASE];
}

int live_pair(struct live *l, size_t cell, bool control)
{
	_cleanup_(free_measured) struct measured m = {.live = l, .cell = cell, .control = control};
	uint64_t began = nsec_now();
	const char *stage = stage_name(&m);
	_cleanup_json_ cJSON *pair = NULL;
	bool watched = false;
	int r;

	draw(&m);
	l->opt->begins(l->opt->arg, l->cells[cell], control, stage);
	r = run_both(&m, false, m.runs);
	if (!r && !l->stopped && !control && failed_side(m.runs) < 0 && can_watch(&m) &&
	    judge_wants_counts(l->judge, cell)) {
		r = run_both(&m, true, m.watched);
		watched = true;
	}
	if (r || l->stopped)
		return r;
	pair = describe(&m, stage, (double)(nsec_now() - began) / (double)NSEC_PER_SEC, watched);
	return write_pair(&m, pair);
}

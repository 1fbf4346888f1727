// SPDX-License-Identifier: MIT
/*
 * Every gate is a judge of its own, that is fed from one queue for each cell. The verdicts depend
 * on the pairs alone and not on the order in which cells get theirs, so feeding cell by cell is the
 * same as the rounds in which they were measured. A gate that the log is too short for is dropped.
 */
#include "harness/calibrate/cut.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/paired/judge_read.h"
#include "harness/paired/paired.h"
#include "harness/stats/walsh.h"
#include "harness/util/cleanup.h"
#include "harness/util/jsonl.h"

#define TRIAL_SHARE 0.8 /* of its metrics that a gate has to judge */

static const double levels[CUT_LEVELS] = {0.90, 0.95};

/* The lines of one cell, in order. */
struct queue {
	cJSON **lines;
	size_t n, room, next;
};

struct cutter {
	struct cut *cut;
	const struct judge *judge; /* knows the cells and metrics; is given nothing */
	struct queue *queues;	   /* [judge->n] */
	char path[PATH_MAX];
	struct err *err;
};

static void cleanup_judge(struct judge **j)
{
	judge_free(*j);
}

static void cleanup_cut(struct cut **c)
{
	cut_free(*c);
}

/* Makes room for one more of `size` bytes. */
static int grow(void **array, size_t n, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : 64;
	void *bigger;

	if (n < *room)
		return 0;
	bigger = reallocarray(*array, more, size);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	*room = more;
	return 0;
}

static int cell_of(const struct judge *j, const char *id)
{
	for (size_t i = 0; i < j->n; i++)
		if (!strcmp(j->cells[i].id, id))
			return (int)i;
	return -1;
}

static void note_failure(struct cutter *c, const struct judged_cell *cell, const struct pair *p)
{
	bool lacking = p->failed == SIDE_BOTH &&
		       (!strcmp(p->status, "unsupported") || !strcmp(p->status, "skipped"));

	if (!lacking && !c->cut->failed[0])
		snprintf(c->cut->failed, sizeof(c->cut->failed), "%.100s: %.140s", cell->label,
			 p->reason);
}

static int add_line(void *arg, cJSON *line, const char *place, struct err *err)
{
	struct cutter *c = arg;
	struct pair p;
	struct queue *q;
	int cell, r = pair_read(line, place, &p, err);

	if (r)
		return r;
	c->cut->lines++;
	if (p.control)
		return 0;
	cell = cell_of(c->judge, p.cell);
	if (cell < 0)
		return err_set(err, -EBADMSG, "%s: cell \"%s\" is none of gate.json", place,
			       p.cell);
	if (p.failed >= 0)
		note_failure(c, &c->judge->cells[cell], &p);
	c->cut->discarded += p.discarded >= 0;
	q = &c->queues[cell];
	r = grow((void **)&q->lines, q->n, &q->room, sizeof(*q->lines));
	if (!r) {
		q->lines[q->n] = cJSON_Duplicate(line, true);
		r = q->lines[q->n] ? 0 : -ENOMEM;
		q->n += !r;
	}
	return r ? err_sys(err, r, "%s", place) : 0;
}

static int list_series(struct cutter *c)
{
	const struct judge *j = c->judge;
	struct cut *cut = c->cut;
	size_t room = 0;

	for (size_t i = 0; i < j->n; i++)
		for (size_t k = 0; k < j->cells[i].n; k++) {
			const struct judged_metric *m = &j->cells[i].metrics[k];
			int r = grow((void **)&cut->series, cut->n_series, &room,
				     sizeof(*cut->series));

			if (r)
				return r;
			if (m->gated)
				cut->series[cut->n_series++] = (struct cut_series){
					i,	 k,	   j->cells[i].id, j->cells[i].label,
					m->name, m->effect};
		}
	return cut->n_series ? 0 : -EINVAL;
}

static unsigned build_of(const cJSON *line, int side)
{
	const cJSON *builds = cJSON_GetObjectItemCaseSensitive(line, "builds");
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(builds, side_names[side]);

	return cJSON_IsNumber(n) && n->valuedouble > 0 ? (unsigned)n->valuedouble : 0;
}

/* All pairs that count, of one cell. */
static int list_pairs(struct cutter *c, size_t series, const struct queue *q, size_t *room)
{
	struct cut *cut = c->cut;
	const struct cut_series *s = &cut->series[series];
	const struct judged_metric *m = &c->judge->cells[s->cell].metrics[s->metric];

	for (size_t i = 0; i < q->n; i++) {
		struct cut_pair pair = {.series = series};
		double v[SIDES] = {NAN, NAN};
		struct pair p;
		int r = pair_read(q->lines[i], c->path, &p, c->err);

		if (r)
			return r;
		if (p.failed >= 0 || p.discarded >= 0)
			continue;
		for (int side = 0; side < SIDES; side++) {
			pair_value(p.sides[side], m, &v[side]);
			pair.build[side] = build_of(q->lines[i], side);
		}
		pair.base = v[SIDE_BASE];
		pair.d = pair_effect(m, &p, v);
		r = grow((void **)&cut->pairs, cut->n_pairs, room, sizeof(pair));
		if (r)
			return r;
		if (isfinite(pair.d))
			cut->pairs[cut->n_pairs++] = pair;
	}
	return 0;
}

/* 1: over; 0: the log is too short for it. */
static int feed(struct cutter *c, struct judge *j)
{
	bool fed = true;

	while (!j->over && fed) {
		fed = false;
		for (size_t i = 0; i < j->n; i++) {
			struct queue *q = &c->queues[i];

			while (q->next < q->n && judge_wants(j, i)) {
				int r = judge_add(j, q->lines[q->next++], c->path, c->err);

				if (r)
					return r;
				fed = true;
			}
		}
	}
	return j->over;
}

static struct cut_sample sample_of(const struct judged_metric *m)
{
	struct cut_sample s = {.result = gate_result(m->gate, m->series), .estimate1 = NAN};
	const double *d = m->effects.values;
	bool stage2 = s.result.stage == GATE_IN_STAGE2;
	size_t from = stage2 ? s.result.n1 : 0, n = stage2 ? s.result.n2 : s.result.n1;
	size_t all = m->effects.n;
	struct walsh w;

	for (size_t i = 0; i < min_of(all, (size_t)GATE_STAGE1); i++)
		s.first[i] = d[i];
	if (!walsh_estimate(d, min_of(all, (size_t)GATE_STAGE1), levels[0], &w))
		s.estimate1 = w.estimate;
	for (int i = 0; i < CUT_LEVELS; i++)
		s.covers[i] = from + n <= all && !walsh_estimate(d + from, n, levels[i], &w) &&
			      w.low <= 0 && w.high >= 0;
	return s;
}

/* Was nearly all judged that this machine can run? What had its pairs dropped cannot give an alarm,
 * and a gate that is mostly of that is none of what the share of alarms is about. */
static bool is_trial(const struct cut *cut, const struct judge *j, size_t gate)
{
	size_t judged = 0, all = 0;

	for (size_t i = 0; i < cut->n_series; i++) {
		const struct cut_sample *s = &cut->samples[gate * cut->n_series + i];

		all += !j->cells[cut->series[i].cell].skipped;
		judged += s->result.n1 >= GATE_STAGE1;
	}
	return judged && (double)judged >= TRIAL_SHARE * (double)all;
}

static int take_gate(struct cutter *c, const struct judge *j, size_t *room)
{
	struct cut *cut = c->cut;
	bool trial;
	int r = grow((void **)&cut->samples, cut->n_gates, room,
		     cut->n_series * sizeof(*cut->samples));

	for (size_t i = 0; !r && i < cut->n_series; i++) {
		const struct cut_series *s = &cut->series[i];

		cut->samples[cut->n_gates * cut->n_series + i] =
			sample_of(&j->cells[s->cell].metrics[s->metric]);
	}
	cut->skipped = 0;
	for (size_t i = 0; i < j->n; i++)
		cut->skipped += j->cells[i].skipped;
	if (r)
		return r;
	trial = is_trial(cut, j, cut->n_gates);
	cut->n_gates += trial;
	cut->unjudged += !trial;
	return 0;
}

/* A cell that failed is decided without pairs, so where one did no gate counts. */
static int cut_gates(struct cutter *c)
{
	size_t room = 0;
	int r = !c->cut->failed[0];

	while (r > 0) {
		_cleanup_(cleanup_judge) struct judge *j = NULL;
		size_t before = 0, after = 0;

		for (size_t i = 0; i < c->judge->n; i++)
			before += c->queues[i].next;
		r = judge_new(c->cut->gate, c->path, &j, c->err);
		if (!r)
			r = feed(c, j);
		for (size_t i = 0; i < c->judge->n; i++)
			after += c->queues[i].next;
		if (r > 0 && after > before) {
			int failed = take_gate(c, j, &room);

			r = failed ? err_sys(c->err, failed, "gate") : 1;
		} else if (r > 0) {
			r = 0;
		}
	}
	return r;
}

static int read_lines(struct cutter *c, const char *dir)
{
	unsigned torn = 0;
	size_t room = 0;
	int r;

	snprintf(c->path, sizeof(c->path), "%.4000s/pairs.jsonl", dir);
	r = jsonl_each(c->path, PAIRED_SCHEMA, add_line, c, &torn, c->err);
	if (!r)
		r = paired_check_lines(c->cut->gate, c->path, (unsigned)c->cut->lines, torn,
				       c->err);
	if (!r)
		r = list_series(c) ? err_set(c->err, -EINVAL, "%s: nothing is gated", dir) : 0;
	for (size_t i = 0; !r && i < c->cut->n_series; i++) {
		r = list_pairs(c, i, &c->queues[c->cut->series[i].cell], &room);
		if (r == -ENOMEM)
			err_sys(c->err, r, "%s", c->path);
	}
	return r;
}

static void free_queues(struct cutter *c)
{
	for (size_t i = 0; c->queues && i < c->judge->n; i++) {
		for (size_t k = 0; k < c->queues[i].n; k++)
			cJSON_Delete(c->queues[i].lines[k]);
		free(c->queues[i].lines);
	}
	free(c->queues);
}

int cut_read(const char *dir, struct cut **ret, struct err *err)
{
	_cleanup_(cleanup_judge) struct judge *judge = NULL;
	_cleanup_(cleanup_cut) struct cut *cut = calloc(1, sizeof(*cut));
	struct cutter c = {.cut = cut, .err = err};
	char path[PATH_MAX];
	int r;

	if (!cut)
		return err_sys(err, -ENOMEM, "%s", dir);
	snprintf(path, sizeof(path), "%.4000s/gate.json", dir);
	r = jsonl_document(path, PAIRED_SCHEMA, &cut->gate, err);
	if (!r)
		r = judge_new(cut->gate, path, &judge, err);
	if (r)
		return r;
	c.judge = judge;
	c.queues = calloc(judge->n, sizeof(*c.queues));
	r = c.queues ? read_lines(&c, dir) : err_sys(err, -ENOMEM, "%s", dir);
	if (!r)
		r = cut_gates(&c);
	free_queues(&c);
	if (!r)
		*ret = take_ptr(cut);
	return r;
}

void cut_free(struct cut *c)
{
	if (!c)
		return;
	cJSON_Delete(c->gate);
	free(c->series);
	free(c->samples);
	free(c->pairs);
	free(c);
}

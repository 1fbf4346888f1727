// SPDX-License-Identifier: MIT
/*
 * Pairs go to the gates one by one, and a stage is judged as soon as nothing is wanted any more:
 * when that is follows from the pairs alone, so a replay takes the same steps.
 *
 * A pair that was disturbed is dropped whole. What says so was measured outside both builds, yet it
 * is counted by side: a build that disturbs its own runs would choose its pairs.
 */
#include "harness/paired/judge.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/paired/confirm.h"
#include "harness/paired/judge_read.h"
#include "harness/stats/dist.h"
#include "harness/util/cleanup.h"

#define DISCARD_P	  0.01 /* two-sided: as likely on either side? */
#define CONTROL_DISCARDED 6    /* that are measured again: a fifth of 30 */

static int values_add(struct judged_values *v, double value)
{
	if (v->n == v->room) {
		size_t room = v->room ? 2 * v->room : 32;
		double *values = reallocarray(v->values, room, sizeof(*values));

		if (!values)
			return -ENOMEM;
		v->values = values;
		v->room = room;
	}
	v->values[v->n++] = value;
	return 0;
}

static int make_own_gate(const struct judge *j, struct judged_metric *m, struct err *err)
{
	struct gate_params params = j->params;

	params.margin = fmin(params.margin, m->target.effect / 2);
	m->series = 0;
	return gate_new(&params, &m->target, 1, &m->gate, err);
}

static int make_gates(struct judge *j, struct err *err)
{
	_cleanup_free_ struct gate_series *series = NULL;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < j->n; i++)
		for (size_t k = 0; k < j->cells[i].n; k++)
			n += j->cells[i].metrics[k].gated;
	series = calloc(n + 1, sizeof(*series));
	if (!series)
		return err_sys(err, -ENOMEM, "gate");
	n = 0;
	for (size_t i = 0; i < j->n; i++)
		for (size_t k = 0; k < j->cells[i].n; k++) {
			struct judged_metric *m = &j->cells[i].metrics[k];

			if (m->gated) {
				m->series = n;
				series[n++] = m->target;
			}
		}
	r = n ? gate_new(&j->params, series, n, &j->gate, err) : 0;
	for (size_t i = 0; !r && i < j->n; i++)
		for (size_t k = 0; !r && k < j->cells[i].n; k++) {
			struct judged_metric *m = &j->cells[i].metrics[k];

			if (m->gated)
				m->gate = j->gate;
			else
				r = make_own_gate(j, m, err);
		}
	return r;
}

int judge_new(const cJSON *gate_json, const char *place, struct judge **ret, struct err *err)
{
	struct judge *j = calloc(1, sizeof(*j));
	int r;

	if (!j)
		return err_sys(err, -ENOMEM, "%s", place);
	j->json = gate_json;
	r = judge_read(j, place, err);
	if (r == -ENOMEM)
		err_sys(err, r, "%s", place);
	if (!r)
		r = make_gates(j, err);
	if (r) {
		judge_free(j);
		return r;
	}
	j->over = j->gate_over = !j->gate;
	*ret = j;
	return 0;
}

static void free_cell(struct judge *j, struct judged_cell *c)
{
	for (size_t k = 0; c->metrics && k < c->n; k++) {
		struct judged_metric *m = &c->metrics[k];

		if (m->gate != j->gate)
			gate_free(m->gate);
		for (int i = 0; i < SIDES; i++)
			free(m->sides[i].values);
		free(m->effects.values);
	}
	free(c->metrics);
	free(c->failed);
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	for (size_t i = 0; j->cells && i < j->n; i++)
		free_cell(j, &j->cells[i]);
	if (j->gate)
		gate_free(j->gate);
	free(j->cells);
	free(j->control.values);
	free(j->control_failed);
	free(j);
}

/* Its pairs are not to be trusted: no verdict, unless it has one from before that was known. */
static void distrust(struct judged_metric *m, const char *why)
{
	if (gate_result(m->gate, m->series).verdict == GATE_UNDECIDED)
		gate_void(m->gate, m->series, why);
}

static void distrust_cell(struct judged_cell *c, const char *why)
{
	for (size_t k = 0; k < c->n; k++)
		distrust(&c->metrics[k], why);
}

static unsigned metric_wants(const struct judge *j, const struct judged_cell *c,
			     const struct judged_metric *m)
{
	bool asks = m->gated || (c->confirmed && confirm_strikes(j, m));

	return asks ? gate_wants(m->gate, m->series) : 0;
}

unsigned judge_wants(const struct judge *j, size_t cell)
{
	const struct judged_cell *c = &j->cells[cell];
	unsigned most = 0;

	for (size_t k = 0; !j->over && k < c->n; k++)
		most = max_of(most, metric_wants(j, c, &c->metrics[k]));
	return most;
}

bool judge_wants_counts(const struct judge *j, size_t cell)
{
	const struct judged_cell *c = &j->cells[cell];

	for (size_t k = 0; k < c->n; k++) {
		const struct judged_metric *m = &c->metrics[k];
		struct gate_result r = gate_result(m->gate, m->series);

		if (m->effect.count && (metric_wants(j, c, m) || (r.stage == GATE_IN_STAGE1 &&
								  gate_wants(m->gate, m->series))))
			return true;
	}
	return false;
}

unsigned judge_wants_control(const struct judge *j)
{
	size_t have = j->control.n;

	/* One that is disturbed over and over is judged by what there is. */
	if (j->control_failed || have >= j->control_wanted ||
	    j->control_discarded > CONTROL_DISCARDED)
		return 0;
	return j->control_wanted - (unsigned)have;
}

enum gate_stage judge_stage(const struct judge *j, size_t cell)
{
	const struct judged_cell *c = &j->cells[cell];

	for (size_t k = 0; k < c->n; k++)
		if (metric_wants(j, c, &c->metrics[k]))
			return gate_result(c->metrics[k].gate, c->metrics[k].series).stage;
	return GATE_IN_STAGE1;
}

static struct judged_cell *find_cell(const struct judge *j, const char *id)
{
	for (size_t i = 0; i < j->n; i++)
		if (!strcmp(j->cells[i].id, id))
			return &j->cells[i];
	return NULL;
}

static bool is_lacking(const char *status)
{
	return !strcmp(status, "unsupported") || !strcmp(status, "skipped");
}

static int fail_cell(struct judged_cell *c, const struct pair *p)
{
	if (c->failed)
		return 0;
	c->failed = strdup(p->reason);
	if (!c->failed)
		return -ENOMEM;
	c->failed_status = p->status;
	c->failed_side = p->failed;
	/* What has run once broke: this machine does not lack it. */
	c->skipped = p->failed == SIDE_BOTH && c->pairs == 1 && !cJSON_IsObject(p->sides[0]) &&
		     is_lacking(p->status);
	distrust_cell(c, c->skipped ? "this machine cannot run it" : "a run failed");
	return 0;
}

/* The statuses of the JSON live as long as the line does: those that are kept are names. */
static const char *kept_status(const char *status)
{
	static const char *const names[] = {"failed", "stalled", "unsupported", "skipped"};

	for (size_t i = 0; i < array_size(names); i++)
		if (!strcmp(names[i], status))
			return names[i];
	return names[0];
}

/* A fifth of all that are measured is a quarter of those that are kept. */
static void discard(struct judge *j, struct judged_cell *c, int side)
{
	unsigned all, goal = c->kept + judge_wants(j, (size_t)(c - j->cells));
	unsigned one_sided;
	char why[160];

	j->discarded++;
	c->discarded[side]++;
	one_sided = c->discarded[SIDE_BASE] + c->discarded[SIDE_HEAD];
	all = one_sided + c->discarded[SIDE_BOTH];
	if (dist_binomial_half_two(c->discarded[SIDE_BASE], one_sided) < DISCARD_P)
		snprintf(why, sizeof(why),
			 "disturbances were not alike on both sides: %u of base, %u of head",
			 c->discarded[SIDE_BASE], c->discarded[SIDE_HEAD]);
	else if (all > goal / 4)
		snprintf(why, sizeof(why),
			 "%u of %u pairs were disturbed by others: more than a fifth of what it "
			 "takes",
			 all, c->pairs);
	else
		return;
	distrust_cell(c, why);
}

/* Why a pair has no effect. */
static void explain(const struct judge *j, const struct judged_metric *m, const struct pair *p,
		    const double v[SIDES], char *why, size_t size)
{
	int side = isfinite(v[SIDE_BASE]) ? SIDE_HEAD : SIDE_BASE;
	const char *reason = pair_reason(p->sides[side], m);

	if (isfinite(v[side]))
		snprintf(why, size,
			 "%s was %g and %g in pair %u, and only what is above 0 has a ratio",
			 m->name, v[SIDE_BASE], v[SIDE_HEAD], j->pairs - 1);
	else
		snprintf(why, size, "%s was not measured in pair %u%s%.100s", m->name, j->pairs - 1,
			 reason ? ": " : "", reason ? reason : "");
}

/* One metric's values of a pair. What lacks one is not judged at all: a metric that is measured now
 * and then would be judged by the runs that suit it. */
static int add_metric(struct judge *j, const struct judged_cell *c, struct judged_metric *m,
		      const struct pair *p)
{
	double n = fmin(pair_operations(p->sides[SIDE_BASE]), pair_operations(p->sides[SIDE_HEAD]));
	double v[SIDES] = {NAN, NAN}, d;
	enum value there[SIDES];
	char why[160];
	int r = 0;

	for (int i = 0; i < SIDES; i++)
		there[i] = pair_value(p->sides[i], m, &v[i]);
	/* Asked for and not brought, it would be asked for again for ever. */
	if (there[SIDE_BASE] == VALUE_ABSENT && there[SIDE_HEAD] == VALUE_ABSENT &&
	    !metric_wants(j, c, m))
		return 0;
	d = pair_effect(m, p, v);
	if (n < m->operations_min)
		snprintf(why, sizeof(why), "%s needs %.0f operations a run, and there were %.0f",
			 m->name, m->operations_min, n);
	else if (!isfinite(d))
		explain(j, m, p, v, why, sizeof(why));
	else
		r = gate_add(m->gate, m->series, d);
	if (n < m->operations_min || !isfinite(d)) {
		distrust(m, why);
		return 0;
	}
	for (int i = 0; !r && i < SIDES; i++)
		r = values_add(&m->sides[i], v[i]);
	return r ? r : values_add(&m->effects, d);
}

static int add_values(struct judge *j, struct judged_cell *c, const struct pair *p)
{
	int r = 0;

	c->kept++;
	for (size_t k = 0; !r && k < c->n; k++)
		r = add_metric(j, c, &c->metrics[k], p);
	return r;
}

/* What stage 2 has at least. */
static bool has_enough(const struct judge *j, const struct judged_metric *m)
{
	return gate_result(m->gate, m->series).n2 >=
	       gate_stage2_pairs(&j->params, &m->target, 0, 1);
}

/* Metrics that are not gated go on by themselves. What confirms one is short, whatever its noise.
 */
static void advance_own(const struct judge *j, struct judged_cell *c)
{
	for (size_t k = 0; k < c->n; k++) {
		struct judged_metric *m = &c->metrics[k];

		if (!m->gated && c->confirmed && confirm_strikes(j, m) && has_enough(j, m))
			gate_give_up(m->gate, m->series, "");
		while (!m->gated && !gate_wants(m->gate, m->series) && gate_advance(m->gate))
			;
	}
}

static bool wants_any(const struct judge *j)
{
	for (size_t i = 0; i < j->n; i++)
		if (judge_wants(j, i))
			return true;
	return false;
}

/* When the gate is over, counts that fail nothing may still be confirmed. */
static void advance(struct judge *j)
{
	while (!j->over && !wants_any(j)) {
		j->over = j->gate_over;
		if (!j->gate_over)
			j->gate_over = !gate_advance(j->gate);
		if (!j->past_stage1) {
			j->past_stage1 = true;
			confirm_choose(j);
		}
	}
}

/* Base is broken, whatever its other runs say. */
static int fail_control(struct judge *j, const struct judged_cell *c, const struct pair *p)
{
	static const char *const who[] = {"base", "the copy of base", "base and its copy"};

	if (!j->control_failed && asprintf(&j->control_failed, "%s: %s: %s: %s", c->label,
					   who[p->failed], p->status, p->reason) < 0) {
		j->control_failed = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int add_control(struct judge *j, const struct judged_cell *c, const struct pair *p)
{
	const struct judged_metric *m = &c->metrics[0];
	double v[SIDES] = {NAN, NAN}, d;

	if (p->failed >= 0 && !(p->failed == SIDE_BOTH && is_lacking(p->status)))
		return fail_control(j, c, p);
	if (p->failed >= 0 || p->discarded >= 0) {
		j->control_discarded++;
		return 0;
	}
	for (int i = 0; i < SIDES; i++)
		pair_value(p->sides[i], m, &v[i]);
	d = pair_effect(m, p, v);
	if (isfinite(d))
		return values_add(&j->control, d);
	j->control_discarded++;
	return 0;
}

int judge_add(struct judge *j, const cJSON *json, const char *place, struct err *err)
{
	struct judged_cell *c;
	struct pair p;
	int r = pair_read(json, place, &p, err);

	if (r)
		return r;
	c = find_cell(j, p.cell);
	if (!c)
		return err_set(err, -EBADMSG, "%s: cell \"%s\" is none of gate.json", place,
			       p.cell);
	j->seconds += p.seconds;
	if (p.control) {
		r = add_control(j, c, &p);
		return r ? err_sys(err, r, "%s", place) : 0;
	}
	j->pairs++;
	c->pairs++;
	p.status = p.status ? kept_status(p.status) : NULL;
	if (p.failed >= 0)
		r = fail_cell(c, &p);
	else if (p.discarded >= 0)
		discard(j, c, p.discarded);
	else
		r = add_values(j, c, &p);
	advance_own(j, c);
	advance(j);
	return r ? err_sys(err, r, "%s", place) : 0;
}

void judge_end(struct judge *j, const char *why)
{
	for (size_t i = 0; i < j->n; i++)
		for (size_t k = 0; k < j->cells[i].n; k++) {
			struct judged_metric *m = &j->cells[i].metrics[k];
			bool undecided = gate_result(m->gate, m->series).verdict == GATE_UNDECIDED;

			if (undecided)
				gate_give_up(m->gate, m->series,
					     metric_wants(j, &j->cells[i], m)
						     ? why
						     : "not gated: it gets no pairs of its own");
			if (!m->gated)
				while (gate_advance(m->gate))
					;
		}
	while (j->gate && gate_advance(j->gate))
		;
	j->over = true;
}

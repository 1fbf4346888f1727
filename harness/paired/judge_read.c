// SPDX-License-Identifier: MIT
/*
 * What others have written is looked at before it is believed: a gate.json or a pair that was cut,
 * edited or damaged must end in a message with its place, never in a verdict.
 */
#include "harness/paired/judge_read.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"

const char *const side_names[] = {"base", "head", "both", NULL};

static const cJSON *at(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static int lacks(const char *place, const char *key, const char *what, struct err *err)
{
	return err_set(err, -EBADMSG, "%s: \"%s\" is not %s", place, key, what);
}

static int need_number(const cJSON *o, const char *key, double low, double high, double *ret,
		       const char *place, struct err *err)
{
	const cJSON *item = at(o, key);

	if (!cJSON_IsNumber(item) || !(item->valuedouble >= low && item->valuedouble <= high))
		return err_set(err, -EBADMSG, "%s: \"%s\" is not a number from %g to %g", place,
			       key, low, high);
	*ret = item->valuedouble;
	return 0;
}

static int need_text(const cJSON *o, const char *key, const char **ret, const char *place,
		     struct err *err)
{
	const char *text = cJSON_GetStringValue(at(o, key));

	if (!text)
		return lacks(place, key, "a text", err);
	*ret = text;
	return 0;
}

/* The index of the text in `words`. */
static int need_word(const cJSON *o, const char *key, const char *const *words, int n, int *ret,
		     const char *place, struct err *err)
{
	const char *text = "";
	int r = need_text(o, key, &text, place, err);

	for (int i = 0; !r && i < n; i++)
		if (words[i] && !strcmp(words[i], text)) {
			*ret = i;
			return 0;
		}
	return r ? r : err_set(err, -EBADMSG, "%s: \"%s\" cannot be \"%s\"", place, key, text);
}

static int read_metric(const cJSON *o, struct judged_metric *m, const char *place, struct err *err)
{
	static const char *const channels[] = {"time", "count"};
	int better = 0, channel = 0;
	int r = need_text(o, "metric", &m->name, place, err);

	if (!r)
		r = need_text(o, "unit", &m->unit, place, err);
	if (!r)
		r = need_word(o, "better", better_names, BETTER_NONE, &better, place, err);
	if (!r)
		r = need_word(o, "channel", channels, array_size(channels), &channel, place, err);
	if (!r)
		r = need_number(o, "effect", 1e-6, 100, &m->target.effect, place, err);
	if (!r)
		r = need_number(o, "matters", 0, 100, &m->target.matters, place, err);
	if (!r && channel)
		r = need_number(o, "floor", 1e-12, 1e15, &m->effect.floor, place, err);
	if (!r)
		r = need_number(o, "operations_min", 0, 1e15, &m->operations_min, place, err);
	if (!r && !cJSON_IsBool(at(o, "gated")))
		r = lacks(place, "gated", "true or false", err);
	m->effect.better = (enum better)better;
	m->effect.count = m->target.count = channel;
	m->gated = cJSON_IsTrue(at(o, "gated"));
	return r;
}

static int read_cell(const cJSON *o, struct judged_cell *c, const char *place, struct err *err)
{
	const cJSON *metrics = at(o, "metrics"), *metric;
	int r = need_text(at(o, "cell"), "id", &c->id, place, err);

	if (!r)
		r = need_text(o, "label", &c->label, place, err);
	if (!r && (!cJSON_IsArray(metrics) || !metrics->child))
		r = lacks(place, "metrics", "a list that has any", err);
	if (r)
		return r;
	c->metrics = calloc((size_t)cJSON_GetArraySize(metrics), sizeof(*c->metrics));
	if (!c->metrics)
		return -ENOMEM;
	cJSON_ArrayForEach (metric, metrics) {
		r = read_metric(metric, &c->metrics[c->n++], place, err);
		if (r)
			return r;
	}
	return 0;
}

static int read_params(struct judge *j, const char *place, struct err *err)
{
	const cJSON *params = at(j->json, "params");
	double control;
	int r = need_number(params, "alpha", 1e-9, 0.5, &j->params.alpha, place, err);

	if (!r)
		r = need_number(params, "margin", 0, 1, &j->params.margin, place, err);
	if (!r)
		r = need_number(params, "control_pairs", 0, 1000, &control, place, err);
	if (!r && !cJSON_IsBool(at(params, "confirm_improvements")))
		r = lacks(place, "confirm_improvements", "true or false", err);
	j->params.confirm_improvements = cJSON_IsTrue(at(params, "confirm_improvements"));
	j->control_wanted = r ? 0 : (unsigned)control;
	return r;
}

int judge_read(struct judge *j, const char *place, struct err *err)
{
	static const char *const kinds[] = {"paired"};
	const cJSON *cells = at(j->json, "cells"), *cell;
	char where[ERR_MAX / 2];
	int kind, r = need_word(j->json, "kind", kinds, 1, &kind, place, err);

	if (!r)
		r = read_params(j, place, err);
	if (!r && (!cJSON_IsArray(cells) || !cells->child))
		r = lacks(place, "cells", "a list that has any", err);
	if (r)
		return r;
	j->cells = calloc((size_t)cJSON_GetArraySize(cells), sizeof(*j->cells));
	if (!j->cells)
		return -ENOMEM;
	cJSON_ArrayForEach (cell, cells) {
		snprintf(where, sizeof(where), "%.200s: cells[%zu]", place, j->n);
		r = read_cell(cell, &j->cells[j->n++], where, err);
		if (r)
			return r;
	}
	return 0;
}

/* null, or {side: ...}: *ret is the side, or stays -1. */
static int read_side_of(const cJSON *json, const char *key, int *ret, const char *place,
			struct err *err)
{
	const cJSON *o = at(json, key);

	*ret = -1;
	if (cJSON_IsNull(o))
		return 0;
	if (!cJSON_IsObject(o))
		return lacks(place, key, "null or an object", err);
	return need_word(o, "side", side_names, SIDE_BOTH + 1, ret, place, err);
}

static int read_sides(const cJSON *json, struct pair *p, const char *place, struct err *err)
{
	double operations;
	int r = 0;

	for (int i = 0; !r && i < SIDES; i++) {
		p->sides[i] = at(json, side_names[i]);
		if (p->failed >= 0)
			continue;
		if (!cJSON_IsObject(at(p->sides[i], "metrics")) ||
		    !cJSON_IsObject(at(p->sides[i], "counts")))
			r = err_set(err, -EBADMSG, "%s: \"%s\" has no metrics or no counts", place,
				    side_names[i]);
		else
			r = need_number(p->sides[i], "operations", 0, 1e18, &operations, place,
					err);
	}
	return r;
}

int pair_read(const cJSON *json, const char *place, struct pair *ret, struct err *err)
{
	struct pair p = {.cell = NULL};
	const cJSON *failed = at(json, "failed");
	int r = need_text(json, "cell", &p.cell, place, err);

	if (!r && !cJSON_IsBool(at(json, "control")))
		r = lacks(place, "control", "true or false", err);
	p.control = cJSON_IsTrue(at(json, "control"));
	if (!r)
		r = need_number(json, "duration", 0, 1e9, &p.seconds, place, err);
	if (!r)
		r = read_side_of(json, "discarded", &p.discarded, place, err);
	if (!r)
		r = read_side_of(json, "failed", &p.failed, place, err);
	if (!r && p.failed >= 0)
		r = need_text(failed, "status", &p.status, place, err);
	if (!r && p.failed >= 0)
		r = need_text(failed, "reason", &p.reason, place, err);
	if (!r)
		r = read_sides(json, &p, place, err);
	if (!r)
		*ret = p;
	return r;
}

enum value pair_value(const cJSON *side, const struct judged_metric *m, double *ret)
{
	const cJSON *values = at(side, m->effect.count ? "counts" : "metrics");
	const cJSON *value = at(values, m->name);

	if (!value)
		return VALUE_ABSENT;
	if (!cJSON_IsNumber(value))
		return VALUE_NULL;
	*ret = value->valuedouble;
	return VALUE_THERE;
}

const char *pair_reason(const cJSON *side, const struct judged_metric *m)
{
	return cJSON_GetStringValue(at(at(side, "reasons"), m->name));
}

double pair_operations(const cJSON *side)
{
	const cJSON *n = at(side, "operations");

	return cJSON_IsNumber(n) ? n->valuedouble : NAN;
}

double pair_effect(const struct judged_metric *m, const struct pair *p, const double v[SIDES])
{
	const double operations[SIDES] = {pair_operations(p->sides[SIDE_BASE]),
					  pair_operations(p->sides[SIDE_HEAD])};

	return effect_of_runs(&m->effect, v, operations);
}

// SPDX-License-Identifier: MIT
/*
 * The verdict of a gate is the worst that counts: what broke comes before what was found, since a
 * comparison that did not take place says nothing, and a machine that cannot tell base from its own
 * copy says nothing either.
 */
#include "harness/paired/verdicts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/exitcode.h"
#include "harness/paired/verdict_line.h"
#include "harness/stats/walsh.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"

#define LEVEL 0.95

/* Worst first: the order of cells, and of metrics where one stands for its cell. */
static const char *const ranks[] = {"failed",  "regressed", "inconclusive", "improved", "unchanged",
				    "skipped", NULL};
enum { FAILED, REGRESSED, INCONCLUSIVE, IMPROVED, UNCHANGED, SKIPPED };

struct ranked {
	size_t cell;
	int rank;
	double estimate; /* the worst of those of that rank */
	cJSON *json;
};

static void add_figure(cJSON *o, const char *key, double value)
{
	if (isfinite(value))
		cJSON_AddNumberToObject(o, key, value);
	else
		cJSON_AddNullToObject(o, key);
}

static double median(const struct judged_values *v)
{
	_cleanup_free_ double *sorted = calloc(v->n + 1, sizeof(*sorted));

	if (!sorted || !v->n)
		return NAN;
	memcpy(sorted, v->values, v->n * sizeof(*sorted));
	order_sort(sorted, v->n);
	return order_median(sorted, v->n);
}

static int rank_of(const struct judged_cell *c, const struct gate_result *r)
{
	if (c->failed)
		return c->skipped ? SKIPPED : FAILED;
	switch (r->verdict) {
	case GATE_REGRESSED:
		return REGRESSED;
	case GATE_IMPROVED:
		return IMPROVED;
	case GATE_UNCHANGED:
		return UNCHANGED;
	default:
		return INCONCLUSIVE;
	}
}

static void add_judgement(cJSON *o, const struct judged_metric *m, const struct gate_result *r,
			  int rank)
{
	cJSON_AddStringToObject(o, "verdict", ranks[rank]);
	add_figure(o, "estimate", effect_fraction(&m->effect, r->estimate));
	add_figure(o, "low", effect_fraction(&m->effect, r->low));
	add_figure(o, "high", effect_fraction(&m->effect, r->high));
	add_figure(o, "p", isnan(r->p2) ? r->p1 : r->p2);
	add_figure(o, "p_adjusted", r->p2_adjusted);
	cJSON_AddStringToObject(o, "stage", gate_stage_names[r->stage]);
	cJSON_AddNumberToObject(o, "n1", r->n1);
	cJSON_AddNumberToObject(o, "n2", r->n2);
	add_figure(o, "mde", effect_fraction(&m->effect, r->mde));
	cJSON_AddNumberToObject(o, "effect", m->target.effect);
	cJSON_AddNumberToObject(o, "matters", m->target.matters);
	add_figure(o, "base", median(&m->sides[SIDE_BASE]));
	add_figure(o, "head", median(&m->sides[SIDE_HEAD]));
	if (rank == INCONCLUSIVE)
		cJSON_AddStringToObject(o, "why", r->why);
	else
		cJSON_AddNullToObject(o, "why");
}

static cJSON *describe_metric(const struct judged_cell *c, const struct judged_metric *m,
			      struct ranked *cell)
{
	struct gate_result r = gate_result(m->gate, m->series);
	int rank = rank_of(c, &r);
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "metric", m->name);
	cJSON_AddStringToObject(o, "unit", m->unit);
	cJSON_AddStringToObject(o, "better", better_names[m->effect.better]);
	cJSON_AddStringToObject(o, "channel", m->effect.count ? "count" : "time");
	cJSON_AddBoolToObject(o, "gated", m->gated);
	add_judgement(o, m, &r, rank);
	if (m->gated && rank < cell->rank) {
		cell->rank = rank;
		cell->estimate = r.estimate;
	} else if (m->gated && rank == cell->rank && !(cell->estimate >= r.estimate)) {
		cell->estimate = r.estimate;
	}
	return o;
}

static void describe_failure(cJSON *o, const struct judged_cell *c)
{
	cJSON *failed;

	if (!c->failed) {
		cJSON_AddNullToObject(o, "failed");
		return;
	}
	failed = cJSON_AddObjectToObject(o, "failed");
	cJSON_AddStringToObject(failed, "side", side_names[c->failed_side]);
	cJSON_AddStringToObject(failed, "status", c->failed_status);
	cJSON_AddStringToObject(failed, "reason", c->failed);
}

static cJSON *describe_cell(const struct judged_cell *c, struct ranked *cell)
{
	cJSON *o = cJSON_CreateObject(), *discarded, *metrics;

	cJSON_AddStringToObject(o, "cell", c->id);
	cJSON_AddStringToObject(o, "label", c->label);
	describe_failure(o, c);
	cJSON_AddNumberToObject(o, "pairs", c->pairs);
	discarded = cJSON_AddObjectToObject(o, "discarded");
	for (int i = 0; i <= SIDE_BOTH; i++)
		cJSON_AddNumberToObject(discarded, side_names[i], c->discarded[i]);
	metrics = cJSON_AddArrayToObject(o, "metrics");
	for (size_t k = 0; k < c->n; k++)
		if (c->metrics[k].gated || c->metrics[k].sides[SIDE_BASE].n)
			cJSON_AddItemToArray(metrics, describe_metric(c, &c->metrics[k], cell));
	return o;
}

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->estimate != y->estimate && isfinite(x->estimate) && isfinite(y->estimate))
		return x->estimate > y->estimate ? -1 : 1;
	return x->cell < y->cell ? -1 : x->cell > y->cell;
}

/* Worst first; counts by rank of what is gated. */
static cJSON *describe_cells(const struct judge *j, unsigned counts[])
{
	_cleanup_free_ struct ranked *cells = calloc(j->n, sizeof(*cells));
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; cells && i < j->n; i++) {
		const struct judged_cell *c = &j->cells[i];

		cells[i] = (struct ranked){.cell = i, .rank = SKIPPED + 1, .estimate = NAN};
		cells[i].json = describe_cell(c, &cells[i]);
		for (size_t k = 0; k < c->n; k++) {
			struct gate_result r =
				gate_result(c->metrics[k].gate, c->metrics[k].series);

			counts[rank_of(c, &r)] += c->metrics[k].gated;
		}
	}
	if (cells)
		qsort(cells, j->n, sizeof(*cells), compare_ranked);
	for (size_t i = 0; cells && i < j->n; i++)
		cJSON_AddItemToArray(list, cells[i].json);
	return list;
}

static bool describe_control(const struct judge *j, cJSON *o)
{
	const struct judged_values *v = &j->control;
	struct walsh w = {NAN, NAN, NAN, NAN};
	bool contaminated = false;
	double p = NAN;
	cJSON *control;

	if (!v->n) {
		cJSON_AddNullToObject(o, "control");
		return false;
	}
	/* Fewer than could ever show it show nothing. */
	if (gate_control(v->values, v->n, j->params.margin, &contaminated, &p))
		p = NAN;
	walsh_estimate(v->values, v->n, LEVEL, &w);
	control = cJSON_AddObjectToObject(o, "control");
	cJSON_AddNumberToObject(control, "pairs", (double)v->n);
	cJSON_AddNumberToObject(control, "wanted", j->control_wanted);
	cJSON_AddNumberToObject(control, "discarded", j->control_discarded);
	add_figure(control, "estimate", expm1(w.estimate));
	add_figure(control, "low", expm1(w.low));
	add_figure(control, "high", expm1(w.high));
	add_figure(control, "p", p);
	cJSON_AddBoolToObject(control, "contaminated", contaminated);
	return contaminated;
}

static double sees(const struct judge *j)
{
	struct judged_values v = {calloc(j->n, sizeof(double)), 0, 0};
	double result;

	for (size_t i = 0; v.values && i < j->n; i++) {
		const struct judged_metric *m = &j->cells[i].metrics[0];
		double mde = gate_result(m->gate, m->series).mde;

		if (isfinite(mde) && !j->cells[i].failed)
			v.values[v.n++] = effect_fraction(&m->effect, mde);
	}
	result = median(&v);
	free(v.values);
	return result;
}

static bool fails_on(const struct judge *j, const char *what)
{
	const cJSON *params = cJSON_GetObjectItemCaseSensitive(j->json, "params"), *word;
	const cJSON *words = cJSON_GetObjectItemCaseSensitive(params, "fail_on");

	if (!cJSON_IsArray(words))
		return true;
	cJSON_ArrayForEach (word, words)
		if (cJSON_IsString(word) && !strcmp(word->valuestring, what))
			return true;
	return false;
}

static bool text_is(const cJSON *o, const char *key, const char *text)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return value && !strcmp(value, text);
}

/* Are there enough pairs to show a difference? */
static bool control_tells(const struct judge *j)
{
	bool contaminated;
	double p;

	return j->control.n &&
	       !gate_control(j->control.values, j->control.n, j->params.margin, &contaminated, &p);
}

/* NULL: the cells say it. */
static const char *control_trouble(const struct judge *j, int exit, bool contaminated,
				   char text[static VERDICT_LINE_MAX])
{
	if (exit == EXITCODE_FAILURE && j->control_failed)
		snprintf(text, VERDICT_LINE_MAX, "the control could not be measured: %.320s",
			 j->control_failed);
	else if (exit == EXITCODE_ENVIRONMENT && !contaminated)
		snprintf(text, VERDICT_LINE_MAX,
			 "the control could not be measured: %zu of %u pairs are too few to tell "
			 "base from its copy",
			 j->control.n, j->control_wanted);
	else
		return NULL;
	return text;
}

static const char *conclude(const struct judge *j, const unsigned *n, bool contaminated, int *exit)
{
	unsigned judged = n[REGRESSED] + n[INCONCLUSIVE] + n[IMPROVED] + n[UNCHANGED];
	const char *verdict = n[IMPROVED] ? "improved" : "passed";

	*exit = EXITCODE_OK;
	if (!text_is(j->json, "ended", "complete") && !text_is(j->json, "ended", "budget")) {
		*exit = EXITCODE_INTERRUPTED;
		return "inconclusive";
	}
	if (n[FAILED] || j->control_failed) {
		*exit = EXITCODE_FAILURE;
		return "failed";
	}
	if (!judged) {
		*exit = EXITCODE_NOTHING_RAN;
		return "skipped";
	}
	if (contaminated) {
		*exit = EXITCODE_ENVIRONMENT;
		return "contaminated";
	}
	if (n[REGRESSED]) {
		*exit = fails_on(j, "regressed") ? EXITCODE_REGRESSION : EXITCODE_OK;
		verdict = "regressed";
	}
	if (n[INCONCLUSIVE] && *exit == EXITCODE_OK) {
		*exit = fails_on(j, "inconclusive") ? EXITCODE_INCONCLUSIVE : EXITCODE_OK;
		verdict = n[REGRESSED] ? verdict : "inconclusive";
	}
	/* Nothing passes by sides of which nobody knows whether they are alike. */
	if (*exit == EXITCODE_OK && j->control_wanted && !control_tells(j)) {
		*exit = EXITCODE_ENVIRONMENT;
		verdict = n[REGRESSED] ? verdict : "inconclusive";
	}
	return verdict;
}

static void copy(cJSON *to, const char *key, const cJSON *from)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, key);

	cJSON_AddItemToObject(to, key, item ? cJSON_Duplicate(item, 1) : cJSON_CreateNull());
}

static void copy_name(cJSON *to, const char *side, const cJSON *from)
{
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(from, side), "name");

	cJSON_AddItemToObject(to, side, name ? cJSON_Duplicate(name, 1) : cJSON_CreateString(side));
}

static void add_counts(cJSON *o, const unsigned *n)
{
	cJSON *counts = cJSON_AddObjectToObject(o, "counts");

	for (int i = 0; ranks[i]; i++)
		cJSON_AddNumberToObject(counts, ranks[i], n[i]);
}

cJSON *verdicts_make(const struct judge *j)
{
	unsigned n[SKIPPED + 1] = {0}, discarded = j->discarded;
	cJSON *o = cJSON_CreateObject(), *cells = describe_cells(j, n);
	const char *verdict;
	char line[VERDICT_LINE_MAX];
	bool contaminated;
	double mde = sees(j);
	int exit;

	cJSON_AddNumberToObject(o, "schema", PAIRED_SCHEMA);
	cJSON_AddStringToObject(o, "kind", "paired");
	copy(o, "gate", j->json);
	copy(o, "name", j->json);
	copy_name(o, "base", j->json);
	copy_name(o, "head", j->json);
	contaminated = describe_control(j, o);
	verdict = conclude(j, n, contaminated, &exit);
	cJSON_AddStringToObject(o, "verdict", verdict);
	cJSON_AddNumberToObject(o, "exit_code", exit);
	if (!control_trouble(j, exit, contaminated, line))
		verdict_line(verdict, exit, cells, mde, line);
	cJSON_AddStringToObject(o, "line", line);
	copy(o, "ended", j->json);
	copy(o, "params", j->json);
	add_counts(o, n);
	cJSON_AddNumberToObject(o, "pairs", j->pairs);
	cJSON_AddNumberToObject(o, "discarded", discarded);
	cJSON_AddNumberToObject(o, "duration", j->seconds);
	add_figure(o, "sees", mde);
	copy(o, "calibration", j->json);
	cJSON_AddItemToObject(o, "cells", cells);
	return o;
}

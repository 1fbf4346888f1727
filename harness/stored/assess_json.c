// SPDX-License-Identifier: MIT
/*
 * The verdict over all gated rows is the worst of them; a single one that could not be judged keeps
 * a gate from passing. Cells and the metrics of a cell come worst first.
 */
#include "harness/stored/assess_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/exitcode.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"

#define VERDICTS_SCHEMA 1
#define LEVEL		0.95 /* of the interval around an estimate */

struct tally {
	unsigned of[ASSESS_VERDICTS]; /* gated rows */
	const struct assess_row *worst;
	double sees; /* median over the cells' main rows; NAN */
};

static const struct assess_finding *finding_of(const struct assess_row *row)
{
	return &row->findings[row->decides];
}

static double fraction(const struct assess_row *row, double d)
{
	return effect_fraction(&row->effect, d);
}

static void add_number(cJSON *o, const char *key, double value)
{
	if (isfinite(value))
		cJSON_AddNumberToObject(o, key, value);
	else
		cJSON_AddNullToObject(o, key);
}

static void add_text(cJSON *o, const char *key, const char *text)
{
	if (text && *text)
		cJSON_AddStringToObject(o, key, text);
	else
		cJSON_AddNullToObject(o, key);
}

/* Gated before advisory, then worse verdicts first, then larger estimates. */
static int compare_rows(const void *a, const void *b)
{
	const struct assess_row *x = *(const struct assess_row *const *)a;
	const struct assess_row *y = *(const struct assess_row *const *)b;
	double dx = finding_of(x)->predicted.estimate, dy = finding_of(y)->predicted.estimate;

	if (x->gated != y->gated)
		return x->gated ? -1 : 1;
	if (finding_of(x)->verdict != finding_of(y)->verdict)
		return finding_of(x)->verdict < finding_of(y)->verdict ? -1 : 1;
	dx = isnan(dx) ? -INFINITY : dx;
	dy = isnan(dy) ? -INFINITY : dy;
	if (dx != dy)
		return dx > dy ? -1 : 1;
	return x < y ? -1 : x > y;
}

static struct tally tally_of(const struct assess_row *const *sorted, size_t n)
{
	_cleanup_free_ double *sees = calloc(n + 1, sizeof(*sees));
	struct tally t = {.sees = NAN};
	size_t known = 0;

	for (size_t i = 0; i < n && sorted[i]->gated; i++) {
		double s = fraction(sorted[i], finding_of(sorted[i])->reach);

		t.of[finding_of(sorted[i])->verdict]++;
		if (sees && sorted[i]->main && finding_of(sorted[i])->reach > 0)
			sees[known++] = s;
	}
	t.worst = n ? sorted[0] : NULL;
	if (sees && known) {
		order_sort(sees, known);
		t.sees = order_median(sees, known);
	}
	return t;
}

static cJSON *reference_json(const struct assess_row *row, enum assess_reference ref)
{
	const struct assess_finding *f = &row->findings[ref];
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "reference", assess_reference_names[ref]);
	cJSON_AddStringToObject(o, "verdict", assess_verdict_names[f->verdict]);
	add_number(o, "sessions", f->predicted.n_base);
	add_number(o, "estimate", fraction(row, f->predicted.estimate));
	add_number(o, "deviation", f->predicted.deviation);
	add_number(o, "freedom", f->predicted.df);
	add_number(o, "mde", f->reach > 0 ? fraction(row, f->reach) : NAN);
	add_text(o, "yardstick", f->yardstick);
	return o;
}

static cJSON *metric_json(const struct assess *j, const struct assess_rows *rows,
			  const struct assess_row *row)
{
	const struct assess_finding *f = finding_of(row);
	double estimate = f->predicted.estimate, margin = predict_margin(&f->predicted, LEVEL);
	bool tested = f->reach > 0, worse = estimate >= 0;
	cJSON *o = cJSON_CreateObject(), *all;

	cJSON_AddStringToObject(o, "metric", row->metric.name);
	cJSON_AddStringToObject(o, "unit", row->metric.unit);
	cJSON_AddStringToObject(o, "better", better_names[row->metric.better]);
	cJSON_AddStringToObject(o, "channel", row->effect.count ? "count" : "time");
	cJSON_AddBoolToObject(o, "gated", row->gated);
	cJSON_AddStringToObject(o, "verdict", assess_verdict_names[f->verdict]);
	add_number(o, "estimate", fraction(row, estimate));
	add_number(o, "low", tested ? fraction(row, estimate - margin) : NAN);
	add_number(o, "high", tested ? fraction(row, estimate + margin) : NAN);
	add_number(o, "p", !tested ? NAN : worse ? f->predicted.p_worse : f->predicted.p_better);
	add_number(o, "p_adjusted",
		   !tested ? NAN
		   : worse ? f->p_worse_adjusted
			   : f->p_better_adjusted);
	cJSON_AddNullToObject(o, "stage");
	cJSON_AddNumberToObject(o, "n1", f->predicted.n_base);
	cJSON_AddNumberToObject(o, "n2", f->predicted.n_head);
	add_number(o, "mde", tested ? fraction(row, f->reach) : NAN);
	cJSON_AddNumberToObject(o, "effect", row->target);
	cJSON_AddNumberToObject(o, "matters", row->matters);
	add_number(o, "base", assess_base_median(j, rows, row));
	add_number(o, "head", assess_head_median(j, row));
	add_text(o, "why", f->why);
	add_text(o, "yardstick", f->yardstick);
	all = cJSON_AddArrayToObject(o, "references");
	for (int ref = 0; ref < REFERENCE_COUNT; ref++)
		if (rows->use[ref])
			cJSON_AddItemToArray(all, reference_json(row, (enum assess_reference)ref));
	return o;
}

static cJSON *broken_json(const cJSON *line, unsigned sessions)
{
	const cJSON *broken = assess_cell_broken(line);
	cJSON *o;

	if (!broken)
		return cJSON_CreateNull();
	o = cJSON_Duplicate(broken, 1);
	cJSON_AddStringToObject(o, "side", assess_cell_failed(line) || sessions ? "head" : "both");
	return o;
}

static cJSON *cell_json(const cJSON *line, unsigned sessions)
{
	cJSON *o = cJSON_CreateObject(), *discarded;
	const char *label = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "label"));

	cJSON_AddStringToObject(o, "cell", assess_cell_text(line, "id"));
	cJSON_AddStringToObject(o, "label", label ? label : "");
	cJSON_AddItemToObject(o, "failed", broken_json(line, sessions));
	cJSON_AddNumberToObject(o, "pairs", sessions);
	discarded = cJSON_AddObjectToObject(o, "discarded");
	cJSON_AddNumberToObject(discarded, "base", 0);
	cJSON_AddNumberToObject(discarded, "head", 0);
	cJSON_AddNumberToObject(discarded, "both", 0);
	cJSON_AddArrayToObject(o, "metrics");
	return o;
}

/* In the order of the sorted rows, a cell where its first one is. */
static cJSON *cells_json(const struct assess *j, const struct assess_rows *rows,
			 const struct assess_row *const *sorted)
{
	cJSON *cells = cJSON_CreateArray(), *cell;

	for (size_t i = 0; i < rows->n; i++) {
		const char *id = assess_cell_text(sorted[i]->line, "id");

		cJSON_ArrayForEach (cell, cells)
			if (!strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(cell, "cell")), id))
				break;
		if (!cell) {
			cell = cell_json(sorted[i]->line, finding_of(sorted[i])->predicted.n_base);
			cJSON_AddItemToArray(cells, cell);
		}
		cJSON_AddItemToArray(cJSON_GetObjectItem(cell, "metrics"),
				     metric_json(j, rows, sorted[i]));
	}
	return cells;
}

static const struct {
	enum assess_verdict from;
	const char *name;
	enum exitcode code;
} overall[] = {
	{ASSESS_FAILED, "failed", EXITCODE_FAILURE},
	{ASSESS_REGRESSED, "regressed", EXITCODE_REGRESSION},
	{ASSESS_INCONCLUSIVE, "inconclusive", EXITCODE_INCONCLUSIVE},
	{ASSESS_IMPROVED, "improved", EXITCODE_OK},
	{ASSESS_UNCHANGED, "passed", EXITCODE_OK},
	{ASSESS_SKIPPED, "skipped", EXITCODE_NOTHING_RAN},
};

/* Without a row there was nothing to pass. */
static enum assess_verdict worst_of(const struct assess *j, const struct tally *t)
{
	enum assess_verdict v = ASSESS_FAILED;

	while (v < ASSESS_SKIPPED && !t->of[v])
		v++;
	if (!t->of[v] || (j->advice && v > ASSESS_FAILED && v < ASSESS_SKIPPED))
		return ASSESS_INCONCLUSIVE;
	return v;
}

static enum exitcode code_of(const struct assess *j, enum assess_verdict v)
{
	if ((v == ASSESS_REGRESSED && j->forgive_regressed) ||
	    (v == ASSESS_INCONCLUSIVE && j->forgive_inconclusive))
		return EXITCODE_OK;
	return overall[v].code;
}

static void tell_worst(const struct tally *t, char *text, size_t size)
{
	const struct assess_row *row = t->worst;
	const struct assess_finding *f = finding_of(row);
	const char *label =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row->line, "label"));
	size_t len =
		(size_t)snprintf(text, size, ": %.120s, %s", label ? label : "", row->metric.name);

	if (len >= size)
		return;
	if (f->why[0])
		snprintf(text + len, size - len, ": %s", f->why);
	else
		snprintf(text + len, size - len, " is %+.1f %% off (%s), predicted to %.1f %%",
			 100 * fraction(row, f->predicted.estimate),
			 f->predicted.estimate > 0 ? "worse" : "better",
			 100 * fraction(row, f->reach));
}

/* Cells that the baseline's newest session has and the head has not: nobody judged them. */
static unsigned count_left_out(const struct assess *j)
{
	const struct sheet *newest = &j->head.sheets[j->head.n - 1];
	const cJSON *line;
	unsigned n = 0;

	if (!j->base.n)
		return 0;
	cJSON_ArrayForEach (line, j->base.sheets[j->base.n - 1].cells)
		n += !sheet_cell(newest, assess_cell_text(line, "id"));
	return n;
}

/* What a verdict over the others does not cover. */
static void tell_uncovered(const struct assess *j, const struct tally *t, char *text, size_t size)
{
	unsigned left_out = count_left_out(j), skipped = t->of[ASSESS_SKIPPED];
	size_t len = 0;

	text[0] = '\0';
	if (skipped)
		len = (size_t)snprintf(text, size, "; %u could not run here", skipped);
	if (left_out && len < size)
		snprintf(text + len, size - len, "; %u cell%s of the baseline not measured",
			 left_out, left_out == 1 ? "" : "s");
}

static void make_line(const struct assess *j, const struct tally *t, enum assess_verdict v,
		      char *text, size_t size)
{
	unsigned n = 0, same = t->of[v];
	char worst[320] = "", sees[64] = "", uncovered[96];

	for (int i = 0; i < ASSESS_VERDICTS; i++)
		n += t->of[i];
	if (t->worst && v < ASSESS_UNCHANGED && finding_of(t->worst)->verdict == v)
		tell_worst(t, worst, sizeof(worst));
	if (isfinite(t->sees))
		snprintf(sees, sizeof(sees), "; a change shows from %.1f %% (median)",
			 100 * t->sees);
	tell_uncovered(j, t, uncovered, sizeof(uncovered));
	if (j->advice)
		snprintf(
			text, size,
			"advice only, %s: %u regressed, %u improved, %u unchanged, %u inconclusive",
			j->advice, t->of[ASSESS_REGRESSED], t->of[ASSESS_IMPROVED],
			t->of[ASSESS_UNCHANGED], t->of[ASSESS_INCONCLUSIVE]);
	else if (!n)
		snprintf(text, size, "inconclusive: there is nothing to compare");
	else
		snprintf(text, size, "%s: %u of %u%s%s%s", overall[v].name, same, n, worst, sees,
			 uncovered);
}

/* In the words that reports use. */
static void add_side(cJSON *o, const char *key, const struct assess_side *side)
{
	char text[320];

	if (side->baseline)
		snprintf(text, sizeof(text), "baseline %.200s, %zu session%s", side->name, side->n,
			 side->n == 1 ? "" : "s");
	else
		snprintf(text, sizeof(text), "session %.200s", side->name);
	cJSON_AddStringToObject(o, key, text);
}

/* Which sessions each side had. */
static cJSON *sessions_json(const struct assess_side *side)
{
	cJSON *o = cJSON_CreateObject(), *sessions;

	cJSON_AddStringToObject(o, side->baseline ? "baseline" : "session", side->name);
	sessions = cJSON_AddArrayToObject(o, "sessions");
	for (size_t i = 0; i < side->n; i++)
		cJSON_AddItemToArray(sessions,
				     cJSON_CreateString(sheet_text(&side->sheets[i], "session")));
	return o;
}

static void add_counts(cJSON *o, const struct tally *t)
{
	static const enum assess_verdict order[] = {ASSESS_REGRESSED, ASSESS_IMPROVED,
						    ASSESS_UNCHANGED, ASSESS_INCONCLUSIVE,
						    ASSESS_FAILED};
	cJSON *counts = cJSON_AddObjectToObject(o, "counts");

	for (size_t i = 0; i < array_size(order); i++)
		cJSON_AddNumberToObject(counts, assess_verdict_names[order[i]], t->of[order[i]]);
}

static void add_head(const struct assess *j, const struct tally *t, cJSON *o)
{
	enum assess_verdict v = worst_of(j, t);
	cJSON *params;
	char line[640];

	make_line(j, t, v, line, sizeof(line));
	cJSON_AddNumberToObject(o, "schema", VERDICTS_SCHEMA);
	cJSON_AddStringToObject(o, "kind", "stored");
	cJSON_AddStringToObject(o, "gate", sheet_text(&j->head.sheets[j->head.n - 1], "session"));
	cJSON_AddStringToObject(o, "name", sheet_text(&j->head.sheets[j->head.n - 1], "name"));
	add_side(o, "base", &j->base);
	add_side(o, "head", &j->head);
	cJSON_AddStringToObject(o, "verdict", overall[v].name);
	cJSON_AddNumberToObject(o, "exit_code", code_of(j, v));
	cJSON_AddStringToObject(o, "line", line);
	add_text(o, "advice", j->advice);
	params = cJSON_AddObjectToObject(o, "params");
	cJSON_AddNumberToObject(params, "alpha", j->alpha);
	cJSON_AddNumberToObject(params, "least_sessions", PREDICT_LEAST);
	cJSON_AddItemToObject(o, "base_sessions", sessions_json(&j->base));
	cJSON_AddItemToObject(o, "head_sessions", sessions_json(&j->head));
	add_counts(o, t);
	cJSON_AddNullToObject(o, "control");
	cJSON_AddNumberToObject(o, "pairs", (double)j->base.n);
	cJSON_AddNumberToObject(o, "discarded", 0);
	cJSON_AddNullToObject(o, "duration");
	add_number(o, "sees", t->sees);
}

cJSON *assess_json(const struct assess *j, const struct assess_rows *rows)
{
	_cleanup_free_ const struct assess_row **sorted = calloc(rows->n + 1, sizeof(*sorted));
	cJSON *o = cJSON_CreateObject();
	struct tally t;

	if (!sorted)
		return o;
	for (size_t i = 0; i < rows->n; i++)
		sorted[i] = &rows->rows[i];
	qsort(sorted, rows->n, sizeof(*sorted), compare_rows);
	t = tally_of(sorted, rows->n);
	add_head(j, &t, o);
	cJSON_AddItemToObject(o, "cells", cells_json(j, rows, sorted));
	return o;
}

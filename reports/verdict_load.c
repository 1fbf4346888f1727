// SPDX-License-Identifier: MIT
/*
 * verdicts.json as rows. What a newer or a damaged writer left out is absent, not an error: only
 * what makes it no verdicts.json at all is. A cell that failed, or that this machine cannot run,
 * has one row that says so; its metrics have no verdict of their own and would say it again.
 */
#include "reports/verdict_load.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/exitcode.h"
#include "harness/util/cleanup.h"
#include "harness/util/jsonl.h"
#include "reports/get.h"
#include "reports/verdict.h"

const char *const verdict_names[VERDICT_KINDS] = {
	[VERDICT_FAILED] = "failed",
	[VERDICT_REGRESSED] = "regressed",
	[VERDICT_INCONCLUSIVE] = "inconclusive",
	[VERDICT_IMPROVED] = "improved",
	[VERDICT_UNCHANGED] = "unchanged",
	[VERDICT_SKIPPED] = "skipped",
};

static bool has_file(const char *dir, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", dir, name) < PATH_MAX && !access(path, F_OK);
}

bool verdict_here(const char *dir)
{
	return has_file(dir, "verdicts.json") || has_file(dir, "gate.json");
}

bool verdict_good(const struct verdicts *v)
{
	return !strcmp(v->verdict, "passed") || !strcmp(v->verdict, "improved");
}

bool verdict_bad(const struct verdicts *v)
{
	return !strcmp(v->verdict, "regressed") || !strcmp(v->verdict, "failed");
}

/* An unknown word is not taken for a pass. */
static enum verdict_kind kind_of(const char *name)
{
	for (int i = 0; i < VERDICT_KINDS; i++)
		if (!strcmp(name, verdict_names[i]))
			return (enum verdict_kind)i;
	return VERDICT_INCONCLUSIVE;
}

static enum better better_of(const char *name)
{
	return !strcmp(name, better_names[BETTER_HIGHER]) ? BETTER_HIGHER : BETTER_LOWER;
}

static struct verdict_row read_row(const cJSON *m, unsigned cell)
{
	return (struct verdict_row){
		.cell = cell,
		.metric = get_text(m, "metric"),
		.unit = get_text(m, "unit"),
		.stage = get_text(m, "stage"),
		.why = get_text(m, "why"),
		.what = kind_of(get_text(m, "verdict")),
		.gated = !get_false(m, "gated"),
		.by = {.better = better_of(get_text(m, "better")),
		       .count = !strcmp(get_text(m, "channel"), "count")},
		.estimate = get_number(m, "estimate"),
		.low = get_number(m, "low"),
		.high = get_number(m, "high"),
		.p = get_number(m, "p"),
		.p_adjusted = get_number(m, "p_adjusted"),
		.mde = get_number(m, "mde"),
		.effect = get_number(m, "effect"),
		.matters = get_number(m, "matters"),
		.base = get_number(m, "base"),
		.head = get_number(m, "head"),
		.n1 = get_number(m, "n1"),
		.n2 = get_number(m, "n2"),
	};
}

static void add_row(struct verdicts *v, struct verdict_row row)
{
	v->rows[v->n_rows++] = row;
	v->cells[row.cell].n_rows++;
	(row.gated ? v->gated : v->advisory)[row.what]++;
}

static double sum_discarded(const cJSON *cell)
{
	const cJSON *side, *discarded = get_object(cell, "discarded");
	double sum = 0;

	cJSON_ArrayForEach (side, discarded)
		sum += cJSON_IsNumber(side) ? side->valuedouble : 0;
	return discarded ? sum : NAN;
}

static bool no_verdict(enum verdict_kind what)
{
	return what == VERDICT_FAILED || what == VERDICT_SKIPPED;
}

/* {side, status, reason}, or the reason alone; and which of the two its metrics say it is. */
static void read_failure(struct verdicts *v, struct verdict_cell *cell, const cJSON *item)
{
	const cJSON *failed = get(item, "failed"), *metric;
	struct verdict_row row = read_row(NULL, v->n_cells - 1);

	cell->side = get_text(failed, "side");
	cell->status = get_text(failed, "status");
	cell->reason = cJSON_IsString(failed) ? failed->valuestring : get_text(failed, "reason");
	cell->broken = cJSON_IsObject(failed) || cJSON_IsString(failed);
	if (!cell->broken)
		return;
	row.what = VERDICT_FAILED;
	cJSON_ArrayForEach (metric, get(item, "metrics"))
		if (kind_of(get_text(metric, "verdict")) == VERDICT_SKIPPED)
			row.what = VERDICT_SKIPPED;
	add_row(v, row);
}

static void read_cell(struct verdicts *v, const cJSON *item)
{
	unsigned number = v->n_cells++;
	struct verdict_cell *cell = &v->cells[number];
	const cJSON *metric;

	*cell = (struct verdict_cell){
		.id = get_text(item, "cell"),
		.label = get_text(item, "label"),
		.pairs = get_number(item, "pairs"),
		.discarded = sum_discarded(item),
		.first = v->n_rows,
	};
	read_failure(v, cell, item);
	cJSON_ArrayForEach (metric, get(item, "metrics")) {
		struct verdict_row row = read_row(metric, number);

		if (!cell->broken || !no_verdict(row.what))
			add_row(v, row);
	}
}

/* Gated before advisory, worst first, the largest effect first; else as the document has it. */
static int compare_rows(const void *a, const void *b)
{
	const struct verdict_row *x = *(const struct verdict_row *const *)a;
	const struct verdict_row *y = *(const struct verdict_row *const *)b;

	if (x->gated != y->gated)
		return x->gated ? -1 : 1;
	if (x->what != y->what)
		return x->what < y->what ? -1 : 1;
	if (x->estimate != y->estimate && !(isnan(x->estimate) && isnan(y->estimate))) {
		if (isnan(x->estimate) || isnan(y->estimate))
			return isnan(x->estimate) ? 1 : -1;
		/* of improvements the largest is the most negative */
		return (x->estimate > y->estimate) == (x->what != VERDICT_IMPROVED) ? -1 : 1;
	}
	return x < y ? -1 : x > y;
}

static int compare_ids(const void *a, const void *b)
{
	const struct verdict_cell *x = *(const struct verdict_cell *const *)a;
	const struct verdict_cell *y = *(const struct verdict_cell *const *)b;

	return strcmp(x->id, y->id);
}

static int read_cells(struct verdicts *v)
{
	const cJSON *cells = get(v->document, "cells"), *cell;
	size_t n_cells = 0, n_rows = 0;

	cJSON_ArrayForEach (cell, cells) {
		n_cells++;
		n_rows += 1 + (size_t)cJSON_GetArraySize(get(cell, "metrics"));
	}
	v->cells = calloc(n_cells + 1, sizeof(*v->cells));
	v->rows = calloc(n_rows + 1, sizeof(*v->rows));
	v->order = calloc(n_rows + 1, sizeof(*v->order));
	v->by_id = calloc(n_cells + 1, sizeof(*v->by_id));
	if (!v->cells || !v->rows || !v->order || !v->by_id)
		return -ENOMEM;
	cJSON_ArrayForEach (cell, cells)
		read_cell(v, cell);
	for (unsigned i = 0; i < v->n_rows; i++)
		v->order[i] = &v->rows[i];
	for (unsigned i = 0; i < v->n_cells; i++)
		v->by_id[i] = &v->cells[i];
	qsort(v->order, v->n_rows, sizeof(*v->order), compare_rows);
	qsort(v->by_id, v->n_cells, sizeof(*v->by_id), compare_ids);
	return 0;
}

struct verdict_cell *verdict_cell_find(const struct verdicts *v, const char *id)
{
	const struct verdict_cell key = {.id = id}, *wanted = &key;
	struct verdict_cell **found =
		bsearch(&wanted, v->by_id, v->n_cells, sizeof(*v->by_id), compare_ids);

	return found ? *found : NULL;
}

/* The floor of counts is a matter of what was compared, and stands there. */
static void read_floors(struct verdicts *v)
{
	const cJSON *item, *metric;

	cJSON_ArrayForEach (item, get(v->gate, "cells")) {
		const struct verdict_cell *cell =
			verdict_cell_find(v, get_text(get(item, "cell"), "id"));

		if (!cell)
			continue;
		cJSON_ArrayForEach (metric, get(item, "metrics")) {
			struct verdict_row *row = &v->rows[cell->first];

			for (unsigned k = 0; k < cell->n_rows; k++)
				if (!strcmp(row[k].metric, get_text(metric, "metric")))
					row[k].by.floor = get_number(metric, "floor");
		}
	}
}

/* A stored gate does not tell what it was to fail on: its exit code does. */
static bool regressions_fail(const cJSON *document, double code)
{
	const cJSON *words = get(get(document, "params"), "fail_on"), *word;

	if (!cJSON_IsArray(words))
		return code != EXITCODE_OK && code != EXITCODE_INCONCLUSIVE;
	cJSON_ArrayForEach (word, words)
		if (cJSON_IsString(word) && !strcmp(word->valuestring, "regressed"))
			return true;
	return false;
}

static int read_document(struct verdicts *v, const char *path, struct err *err)
{
	const cJSON *d = v->document;

	if (!cJSON_IsArray(get(d, "cells")) || !*get_text(d, "verdict"))
		return err_set(err, -EBADMSG, "%s: it has no verdict or no cells", path);
	v->kind = get_text(d, "kind");
	v->name = get_text(d, "name");
	v->base = get_text(d, "base");
	v->head = get_text(d, "head");
	v->verdict = get_text(d, "verdict");
	v->line = get_text(d, "line");
	v->paired = strcmp(v->kind, "stored") != 0;
	v->judged = strcmp(v->verdict, "contaminated");
	v->advice = *get_text(d, "advice") != '\0';
	v->exit_code = get_number(d, "exit_code");
	v->regressions_fail = regressions_fail(d, v->exit_code);
	v->control = get_object(d, "control");
	return read_cells(v) ? err_sys(err, -ENOMEM, "%s", path) : 0;
}

static int load(struct verdicts *v, const char *dir, struct err *err)
{
	char path[PATH_MAX], gate[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s/verdicts.json", dir) >= PATH_MAX)
		return err_sys(err, -ENAMETOOLONG, "%s", dir);
	snprintf(gate, sizeof(gate), "%s/gate.json", dir);
	r = jsonl_document(path, VERDICT_SCHEMA, &v->document, err);
	if (r == -ENOENT && has_file(dir, "gate.json"))
		return err_set(err, r, "%s has no verdicts yet: `uhbench replay %s` makes them",
			       dir, dir);
	r = r ? r : read_document(v, path, err);
	if (r || !has_file(dir, "gate.json"))
		return r;
	r = jsonl_document(gate, VERDICT_SCHEMA, &v->gate, err);
	if (!r)
		read_floors(v);
	return r;
}

int verdicts_load(const char *dir, struct verdicts **ret, struct err *err)
{
	_cleanup_(cleanup_verdicts) struct verdicts *v = calloc(1, sizeof(*v));
	int r = v ? load(v, dir, err) : err_sys(err, -ENOMEM, "%s", dir);

	if (!r)
		*ret = take_ptr(v);
	return r;
}

void verdicts_free(struct verdicts *v)
{
	if (!v)
		return;
	cJSON_Delete(v->document);
	cJSON_Delete(v->gate);
	free(v->cells);
	free(v->rows);
	free(v->order);
	free(v->by_id);
	free(v);
}

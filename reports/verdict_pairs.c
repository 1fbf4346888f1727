// SPDX-License-Identifier: MIT
/*
 * One pass over pairs.jsonl. A pair gives a point to each metric of its cell for which both of its
 * runs have a value, by the same arithmetic as the gate's (harness/effect.h).
 */
#include "reports/verdict_pairs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/jsonl.h"
#include "reports/cellsum.h"
#include "reports/get.h"

/* The control compares base with a copy of it by what every workload has. */
static const struct verdict_row control_row = {.metric = "throughput",
					       .by = {.better = BETTER_HIGHER}};

struct reader {
	const struct verdicts *v;
	struct pairs *pairs;
};

static enum pair_stage stage_of(const cJSON *pair)
{
	const char *stage = get_text(pair, "stage");

	return !strcmp(stage, "stage2")	 ? PAIR_STAGE2
	       : !strcmp(stage, "look2") ? PAIR_LOOK2
					 : PAIR_STAGE1;
}

static double value_of(const cJSON *side, const struct verdict_row *row)
{
	return get_number(get(side, row->by.count ? "counts" : "metrics"), row->metric);
}

static int add_point(struct pair_series *series, const cJSON *pair, const struct verdict_row *row)
{
	const cJSON *base = get(pair, "base"), *head = get(pair, "head");
	const double values[] = {value_of(base, row), value_of(head, row)};
	const double operations[] = {get_number(base, "operations"),
				     get_number(head, "operations")};
	double d = effect_of_runs(&row->by, values, operations);
	struct pair_point *points;

	if (!isfinite(d))
		return 0;
	points = array_room(series->points, series->n, sizeof(*points));
	if (!points)
		return -ENOMEM;
	series->points = points;
	points[series->n++] = (struct pair_point){
		.effect = effect_fraction(&row->by, d),
		.stage = stage_of(pair),
		.head_first = !strcmp(get_text(pair, "first"), "head"),
		.discarded = get_object(pair, "discarded") != NULL,
	};
	return 0;
}

static int take_pair(void *arg, cJSON *pair, const char *place, struct err *err)
{
	const struct reader *reader = arg;
	const struct verdict_cell *cell = verdict_cell_find(reader->v, get_text(pair, "cell"));
	int r = 0;

	if (cJSON_IsTrue(get(pair, "control")))
		r = add_point(&reader->pairs->control, pair, &control_row);
	else if (cell)
		for (unsigned i = 0; !r && i < cell->n_rows; i++)
			r = add_point(&reader->pairs->rows[cell->first + i], pair,
				      &reader->v->rows[cell->first + i]);
	return r ? err_sys(err, r, "%s", place) : 0;
}

int pairs_load(const char *dir, const struct verdicts *v, struct pairs *ret, struct err *err)
{
	struct reader reader = {v, ret};
	char path[PATH_MAX];

	*ret = (struct pairs){.n_rows = v->n_rows};
	ret->rows = calloc(v->n_rows + 1, sizeof(*ret->rows));
	if (!ret->rows)
		return err_sys(err, -ENOMEM, "%s", dir);
	if (!v->gate) /* nothing was measured in pairs */
		return 0;
	snprintf(path, sizeof(path), "%s/pairs.jsonl", dir);
	return jsonl_each(path, VERDICT_SCHEMA, take_pair, &reader, &ret->torn, err);
}

void pairs_free(struct pairs *pairs)
{
	for (unsigned i = 0; pairs->rows && i < pairs->n_rows; i++)
		free(pairs->rows[i].points);
	free(pairs->rows);
	free(pairs->control.points);
	*pairs = (struct pairs){0};
}

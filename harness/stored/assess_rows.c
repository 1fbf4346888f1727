// SPDX-License-Identifier: MIT
/*
 * Which metrics of which cells are judged: those that the matrix gates, the times that runs with as
 * many operations can tell, and all counts. And by which sessions of the base: the newest, and the
 * pinned ones.
 */
#include "harness/stored/assess_rows.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/matrix/matrix_gate.h"
#include "harness/stored/baseline.h"
#include "harness/util/cleanup.h"

#define YARDSTICK_DEFAULT "spin"

const char *const assess_reference_names[REFERENCE_COUNT] = {"recent", "pinned"};
const char *const assess_verdict_names[ASSESS_VERDICTS] = {"failed",   "regressed", "inconclusive",
							   "improved", "unchanged", "skipped"};

/* What is judged of every cell that has it, and enough operations. */
static const char *const times[] = {"throughput",   "latency_p50",  "latency_p99",
				    "latency_p999", "intended_p99", "cpu_per_op"};

static const cJSON *cell_of(const cJSON *line)
{
	return cJSON_GetObjectItemCaseSensitive(line, "cell");
}

const char *assess_cell_text(const cJSON *line, const char *key)
{
	const char *text =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(cell_of(line), key));

	return text ? text : "";
}

const cJSON *assess_cell_broken(const cJSON *line)
{
	const cJSON *failed = cJSON_GetObjectItemCaseSensitive(line, "failed");

	return failed ? failed : cJSON_GetObjectItemCaseSensitive(line, "absent");
}

bool assess_cell_failed(const cJSON *line)
{
	return cJSON_HasObjectItem(line, "failed");
}

void assess_rows_free(struct assess_rows *rows)
{
	free(rows->rows);
	for (int i = 0; i < REFERENCE_COUNT; i++)
		free(rows->sheets[i]);
}

double assess_fewest_operations(const cJSON *line)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(line, "operations"), *item;
	double least = INFINITY;

	cJSON_ArrayForEach (item, list)
		least = fmin(least, cJSON_GetNumberValue(item));
	return isfinite(least) ? least : 0;
}

static const struct workload_ops *workload_of(const struct assess *j, const cJSON *line)
{
	return registry_workload(j->registry, assess_cell_text(line, "workload"));
}

static const char *yardstick_of(const struct assess *j, const cJSON *line)
{
	const struct workload_ops *w = workload_of(j, line);

	return w && w->yardstick ? w->yardstick : YARDSTICK_DEFAULT;
}

/* Adds a metric of a cell, unless it is there. One that is gated is judged even where it has no
 * value: that it has none is a verdict, too. */
static int add_row(const struct assess *j, struct assess_rows *rows, const cJSON *line,
		   const struct metric *m, bool count, bool gated)
{
	struct effect_limits limits = effect_limits(m, count, EFFECT_TARGET, EFFECT_MATTERS);
	struct assess_row *more;

	for (size_t i = 0; i < rows->n; i++)
		if (rows->rows[i].line == line && !strcmp(rows->rows[i].metric.name, m->name))
			return 0;
	if (!gated &&
	    (!sheet_metric(line, m->name) || assess_fewest_operations(line) < limits.operations))
		return 0;
	more = reallocarray(rows->rows, rows->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	rows->rows = more;
	more[rows->n++] = (struct assess_row){
		.line = line,
		.metric = *m,
		.effect = {.better = m->better, .count = count, .floor = limits.floor},
		.target = limits.target,
		.matters = limits.matters,
		.operations = limits.operations,
		.gated = gated,
		.yardstick = yardstick_of(j, line)};
	return 0;
}

double assess_operations_missing(const struct assess_row *row)
{
	return fmax(0, row->operations - assess_fewest_operations(row->line));
}

unsigned assess_runs_below(const struct assess_row *row, unsigned n)
{
	const cJSON *runs = cJSON_GetObjectItemCaseSensitive(row->line, "order");
	unsigned made = (unsigned)cJSON_GetArraySize(runs);

	return row->effect.count || made >= n ? 0 : n - made;
}

static const struct target_ops *target_of(const struct assess *j, const cJSON *line)
{
	return registry_target(j->registry, assess_cell_text(line, "workload"),
			       assess_cell_text(line, "target"));
}

static int add_gated(const struct assess *j, struct assess_rows *rows, const cJSON *line)
{
	const cJSON *axes = cJSON_GetObjectItemCaseSensitive(cell_of(line), "axes"), *item;
	double rate = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(axes, "rate"));
	const struct target_ops *t = target_of(j, line);
	_cleanup_json_ cJSON *items =
		gate_all(t, rate > 0, cJSON_GetObjectItemCaseSensitive(line, "gate"));
	size_t first = rows->n;
	struct metric m;
	bool count;
	int r = items ? 0 : -ENOMEM;

	cJSON_ArrayForEach (item, items)
		if (!r && gate_find(workload_of(j, line), t, item, &m, &count))
			r = add_row(j, rows, line, &m, count, true);
	if (rows->n > first)
		rows->rows[first].main = true;
	return r;
}

/* What a target or a program tells of its own, as far as a ratio says something. */
static int add_told(const struct assess *j, struct assess_rows *rows, const cJSON *line,
		    const cJSON *told)
{
	const struct target_ops *t = target_of(j, line);
	const struct workload_ops *w = workload_of(j, line);
	const struct metric *known;
	struct metric m;
	bool count;

	if (gate_metric(w, NULL, told->string, &count) || !sheet_declared(told, &m))
		return 0;
	known = gate_metric(w, t, told->string, &count);
	return known && !gate_can_judge(known) ? 0 : add_row(j, rows, line, &m, false, false);
}

static int add_cell(const struct assess *j, struct assess_rows *rows, const cJSON *line)
{
	int r = add_gated(j, rows, line);
	const cJSON *told;
	bool count;

	for (size_t i = 0; !r && i < array_size(times); i++)
		r = add_row(j, rows, line, gate_metric(NULL, NULL, times[i], &count), false, false);
	cJSON_ArrayForEach (told, cJSON_GetObjectItemCaseSensitive(line, "metrics"))
		r = r ? r : add_told(j, rows, line, told);
	for (const struct metric *m = count_metrics; !r && m->name; m++)
		r = add_row(j, rows, line, m, true, false);
	return r;
}

/* Rows of one workload and metric share a pool. */
static void number_pools(struct assess_rows *rows)
{
	unsigned pools = 0;

	for (size_t i = 0; i < rows->n; i++) {
		struct assess_row *row = &rows->rows[i];
		const char *workload = assess_cell_text(row->line, "workload");
		size_t k = 0;

		while (k < i &&
		       (strcmp(rows->rows[k].metric.name, row->metric.name) ||
			strcmp(rows->rows[k].metric.unit, row->metric.unit) ||
			strcmp(assess_cell_text(rows->rows[k].line, "workload"), workload)))
			k++;
		row->pool = k < i ? rows->rows[k].pool : pools++;
	}
}

/* Pinned sessions that are older than the recent ones; where those are too few, all pinned ones.
 * Who pins every night has pinned the recent ones as well, and these know nothing of a leak. */
static size_t choose_pinned(const struct assess *j, size_t *pinned)
{
	size_t n = j->base.n, older = 0, found = 0;

	for (size_t i = 0; i < n; i++) {
		if (!baseline_pinned(&j->base.sheets[i]))
			continue;
		pinned[found++] = i;
		older += i + BASELINE_RECENT < n;
	}
	return older >= PREDICT_LEAST ? older : found;
}

static int choose_sheets(const struct assess *j, struct assess_rows *rows)
{
	size_t n = j->base.n, *recent = calloc(n + 1, sizeof(*recent));
	size_t *pinned = calloc(n + 1, sizeof(*pinned));

	rows->sheets[REFERENCE_RECENT] = recent;
	rows->sheets[REFERENCE_PINNED] = pinned;
	if (!recent || !pinned)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (i + BASELINE_RECENT >= n)
			recent[rows->n_sheets[REFERENCE_RECENT]++] = i;
	rows->n_sheets[REFERENCE_PINNED] = choose_pinned(j, pinned);
	rows->use[REFERENCE_RECENT] = true;
	/* Pinned sessions that are all of the newest, or too few, say nothing of their own. */
	rows->use[REFERENCE_PINNED] = rows->n_sheets[REFERENCE_PINNED] >= PREDICT_LEAST &&
				      rows->n_sheets[REFERENCE_PINNED] < n;
	return 0;
}

int assess_rows_make(const struct assess *j, struct assess_rows *ret, struct err *err)
{
	const struct sheet *newest = &j->head.sheets[j->head.n - 1];
	struct assess_rows rows = {.rows = NULL};
	int r = choose_sheets(j, &rows);
	const cJSON *line;

	cJSON_ArrayForEach (line, newest->cells)
		r = r ? r : add_cell(j, &rows, line);
	if (r) {
		assess_rows_free(&rows);
		return err_sys(err, r, "gate");
	}
	number_pools(&rows);
	*ret = rows;
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * Values on the scale of effects: of a time the logarithm, of a count its share of the base's mean.
 * Where a yardstick makes the sessions of the base steadier, times are divided by it. That must be
 * clear (half of the variance, over all cells of the workload), since of two measures the one that
 * happens to spread less would otherwise be taken for the steadier one.
 */
#include "harness/stored/assess_rows.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/matrix/matrix_gate.h"
#include "harness/stored/baseline.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"

#define YARDSTICK_GAIN	  0.5
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

static double fewest_operations(const cJSON *line)
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
	if (!gated && (!sheet_metric(line, m->name) || fewest_operations(line) < limits.operations))
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
	return fmax(0, row->operations - fewest_operations(row->line));
}

/* By how many runs the head has fewer than `n`. Counts do not depend on who else is on the machine,
 * and have as many as they need. */
static unsigned runs_below(const struct assess_row *row, unsigned n)
{
	const cJSON *runs = cJSON_GetObjectItemCaseSensitive(row->line, "order");
	unsigned made = (unsigned)cJSON_GetArraySize(runs);

	return row->effect.count || made >= n ? 0 : n - made;
}

unsigned assess_runs_missing(const struct assess_row *row)
{
	return runs_below(row, PREDICT_RUNS_LEAST);
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

/* NULL: the sheet does not have it, or something else by that name. */
static const cJSON *metric_in(const struct assess_row *row, const struct sheet *s)
{
	const cJSON *line = sheet_cell(s, assess_cell_text(row->line, "id"));
	const cJSON *told = line ? sheet_metric(line, row->metric.name) : NULL;

	return row->effect.count || sheet_means(told, &row->metric) ? told : NULL;
}

static double value_in(const struct assess_row *row, const struct sheet *s)
{
	const cJSON *line = sheet_cell(s, assess_cell_text(row->line, "id"));

	return metric_in(row, s) ? sheet_value(line, row->metric.name) : NAN;
}

double assess_median(const struct assess_row *row, const struct sheet *sheets, size_t n)
{
	_cleanup_free_ double *values = calloc(n + 1, sizeof(*values));
	size_t found = 0;

	for (size_t i = 0; values && i < n; i++) {
		double v = value_in(row, &sheets[i]);

		if (isfinite(v))
			values[found++] = v;
	}
	if (!values || !found)
		return NAN;
	order_sort(values, found);
	return order_median(values, found);
}

/* The sessions of one reference and of the head in one row of numbers: the base's, then the
 * head's. */
struct series {
	const struct sheet **sheets;
	size_t n_base, n;
	size_t wide; /* numbers in a row: behind the n medians best and worst run of the head's */
};

static const struct sheet *sheet_at(const struct series *s, size_t i)
{
	return s->sheets[i < s->n ? i : s->n_base + (i - s->n) % (s->n - s->n_base)];
}

static int series_of(const struct assess *j, const struct assess_rows *rows,
		     enum assess_reference ref, struct series *ret)
{
	size_t n_base = rows->n_sheets[ref];

	*ret = (struct series){
		.n_base = n_base, .n = n_base + j->head.n, .wide = n_base + 3 * j->head.n};
	ret->sheets = calloc(ret->n + 1, sizeof(*ret->sheets));
	if (!ret->sheets)
		return -ENOMEM;
	for (size_t i = 0; i < n_base; i++)
		ret->sheets[i] = &j->base.sheets[rows->sheets[ref][i]];
	for (size_t i = 0; i < j->head.n; i++)
		ret->sheets[n_base + i] = &j->head.sheets[i];
	return 0;
}

static void series_free(struct series *s)
{
	free(s->sheets);
}

/* What counts are shares of, and times are logarithms against: the mean of the base. */
static double origin(const double *values, size_t n)
{
	double sum = 0;
	unsigned found = 0;

	for (size_t i = 0; i < n; i++)
		if (isfinite(values[i])) {
			sum += values[i];
			found++;
		}
	return found ? sum / found : NAN;
}

/* The effects of the best and the worst run of a session. */
static void find_ends(const struct assess_row *row, const struct sheet *s, double from,
		      double *best, double *worst)
{
	const cJSON *metric = metric_in(row, s), *run;

	*best = *worst = NAN;
	cJSON_ArrayForEach (run, cJSON_GetObjectItemCaseSensitive(metric, "values")) {
		double e =
			cJSON_IsNumber(run) ? effect_of(&row->effect, from, run->valuedouble) : NAN;

		*best = fmin(*best, e);
		*worst = fmax(*worst, e);
	}
}

static void fill_values(const struct assess_row *row, const struct series *s, double *values)
{
	size_t n_head = s->n - s->n_base;
	double from;

	for (size_t i = 0; i < s->n; i++)
		values[i] = value_in(row, s->sheets[i]);
	from = origin(values, s->n_base);
	for (size_t i = 0; i < s->n; i++)
		values[i] = effect_of(&row->effect, from, values[i]);
	for (size_t i = 0; i < n_head; i++)
		find_ends(row, sheet_at(s, s->n + i), from, &values[s->n + i],
			  &values[s->n + n_head + i]);
}

/* The logarithm of a yardstick in each session. False: one of them has none, or another version. */
static bool fill_yardstick(const char *name, const struct series *s, double *values)
{
	double version = NAN, first = NAN;

	for (size_t i = 0; i < s->wide; i++) {
		values[i] = log(sheet_yardstick(sheet_at(s, i), name, &version));
		if (i == 0)
			first = version;
		if (isnan(values[i]) || version != first)
			return false;
	}
	return true;
}

/* Would dividing by the yardstick make the base's sessions steadier, over the rows of a pool? */
static bool yardstick_helps(const struct assess_rows *rows, unsigned pool, const double *values,
			    const double *yardstick, const struct series *s)
{
	_cleanup_free_ double *divided = calloc(s->n_base + 1, sizeof(*divided));
	double before = 0, after = 0;

	if (!divided || s->n_base < PREDICT_LEAST)
		return false;
	for (size_t i = 0; i < rows->n; i++) {
		const double *v = values + i * s->wide;

		if (rows->rows[i].pool != pool)
			continue;
		for (size_t k = 0; k < s->n_base; k++)
			divided[k] = v[k] - yardstick[k];
		before += fmax(0, predict_variance(v, s->n_base));
		after += fmax(0, predict_variance(divided, s->n_base));
	}
	return after < YARDSTICK_GAIN * before;
}

/* Divides the rows of each pool by its yardstick where that helps. All rows of a workload name the
 * same one; counts do not depend on how fast a machine is. */
static int apply_yardsticks(struct assess_rows *rows, enum assess_reference ref, double *values,
			    const struct series *s)
{
	_cleanup_free_ double *yardstick = calloc(s->wide + 1, sizeof(*yardstick));
	_cleanup_free_ bool *divide = calloc(rows->n + 1, sizeof(*divide));

	if (!yardstick || !divide)
		return -ENOMEM;
	for (size_t i = 0; i < rows->n; i++) {
		struct assess_row *row = &rows->rows[i];

		divide[i] = !row->effect.count && fill_yardstick(row->yardstick, s, yardstick) &&
			    yardstick_helps(rows, row->pool, values, yardstick, s);
	}
	for (size_t i = 0; i < rows->n; i++) {
		struct assess_row *row = &rows->rows[i];

		if (!divide[i] || !fill_yardstick(row->yardstick, s, yardstick))
			continue;
		row->findings[ref].yardstick = row->yardstick;
		for (size_t k = 0; k < s->wide; k++)
			values[i * s->wide + k] -= yardstick[k];
	}
	return 0;
}

static int predict_rows(struct assess_rows *rows, enum assess_reference ref, const double *values,
			const struct series *s, struct err *err)
{
	_cleanup_free_ struct predict_cell *cells = calloc(rows->n + 1, sizeof(*cells));
	_cleanup_free_ struct predict_result *results = calloc(rows->n + 1, sizeof(*results));
	struct predict p = {.cells = cells,
			    .n_cells = rows->n,
			    .n_base = s->n_base,
			    .n_head = s->n - s->n_base};
	int r;

	if (!cells || !results)
		return err_sys(err, -ENOMEM, "gate");
	for (size_t i = 0; i < rows->n; i++) {
		const double *v = values + i * s->wide;

		cells[i] = (struct predict_cell){.pool = rows->rows[i].pool,
						 .base = v,
						 .head = v + s->n_base,
						 .best = v + s->n,
						 .worst = v + s->n + p.n_head,
						 .few = runs_below(&rows->rows[i], PREDICT_RUNS)};
	}
	r = predict(&p, results, err);
	for (size_t i = 0; !r && i < rows->n; i++)
		rows->rows[i].findings[ref].predicted = results[i];
	return r;
}

static int predict_reference(const struct assess *j, struct assess_rows *rows,
			     enum assess_reference ref, struct err *err)
{
	_cleanup_(series_free) struct series s;
	_cleanup_free_ double *values = NULL;
	int r = series_of(j, rows, ref, &s);

	if (!r)
		values = calloc(rows->n * s.wide + 1, sizeof(*values));
	if (!values)
		return err_sys(err, -ENOMEM, "gate");
	for (size_t i = 0; i < rows->n; i++)
		fill_values(&rows->rows[i], &s, values + i * s.wide);
	r = apply_yardsticks(rows, ref, values, &s);
	return r ? err_sys(err, r, "gate") : predict_rows(rows, ref, values, &s, err);
}

int assess_rows_predict(const struct assess *j, struct assess_rows *rows, struct err *err)
{
	int r = 0;

	for (int ref = 0; !r && ref < REFERENCE_COUNT; ref++)
		if (rows->use[ref])
			r = predict_reference(j, rows, ref, err);
	return r;
}

// SPDX-License-Identifier: MIT
/*
 * Values on the scale of effects: of a time the logarithm, of a count its share of the base's mean.
 * Where a yardstick makes the sessions of the base steadier, times are divided by it. That must be
 * clear (half of the variance, over all cells of the workload) and no chance: the variance that is
 * left is what the gate judges by, and one that only happens to be small raises alarms. So sessions
 * have to follow the yardstick as one in a thousand would that know nothing of it.
 */
#include "harness/stored/assess_rows.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/stats/dist.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"

#define YARDSTICK_GAIN	 0.5
#define YARDSTICK_CHANCE 0.001
#define REQUEST_BYTES	 4096
#define RARE_EVENTS	 25 /* of a run: fewer come by chance */

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

/* Of the n sheets of a side, or of those whose places `which` has. */
static double median_of(const struct assess_row *row, const struct sheet *sheets,
			const size_t *which, size_t n)
{
	_cleanup_free_ double *values = calloc(n + 1, sizeof(*values));
	size_t found = 0;

	for (size_t i = 0; values && i < n; i++) {
		double v = value_in(row, &sheets[which ? which[i] : i]);

		if (isfinite(v))
			values[found++] = v;
	}
	if (!values || !found)
		return NAN;
	order_sort(values, found);
	return order_median(values, found);
}

double assess_head_median(const struct assess *j, const struct assess_row *row)
{
	return median_of(row, j->head.sheets, NULL, j->head.n);
}

double assess_base_median(const struct assess *j, const struct assess_rows *rows,
			  const struct assess_row *row)
{
	return median_of(row, j->base.sheets, rows->sheets[row->decides],
			 rows->n_sheets[row->decides]);
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

/* The mean of a pool's rows in session k; NAN: none of them has a value. */
static double pool_mean(const struct assess_rows *rows, unsigned pool, const double *values,
			const struct series *s, size_t k)
{
	double sum = 0;
	unsigned n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		double v = values[i * s->wide + k];

		if (rows->rows[i].pool != pool || isnan(v))
			continue;
		sum += v;
		n++;
	}
	return n ? sum / n : NAN;
}

/* Do the base's sessions of a pool go up and down with the yardstick, and not by chance? The test
 * of a correlation, one-sided. */
static bool yardstick_followed(const struct assess_rows *rows, unsigned pool, const double *values,
			       const double *yardstick, const struct series *s)
{
	double x = 0, y = 0, xx = 0, yy = 0, xy = 0, n = 0, r;

	for (size_t k = 0; k < s->n_base; k++) {
		double dx = yardstick[k] - x, mean = pool_mean(rows, pool, values, s, k);
		double dy = mean - y;

		if (isnan(mean))
			continue;
		n++;
		x += dx / n;
		y += dy / n;
		xx += dx * (yardstick[k] - x);
		yy += dy * (mean - y);
		xy += dx * (mean - y);
	}
	if (n < PREDICT_LEAST || !(xx > 0) || !(yy > 0))
		return false;
	r = fmin(xy / sqrt(xx * yy), 1 - 1e-12);
	return dist_t_cdf(-r * sqrt((n - 2) / (1 - r * r)), n - 2) <= YARDSTICK_CHANCE;
}

/* Would dividing by the yardstick make the base's sessions steadier, over the rows of a pool? */
static bool yardstick_helps(const struct assess_rows *rows, unsigned pool, const double *values,
			    const double *yardstick, const struct series *s)
{
	_cleanup_free_ double *divided = calloc(s->n_base + 1, sizeof(*divided));
	double before = 0, after = 0;

	if (!divided || !yardstick_followed(rows, pool, values, yardstick, s))
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

/* Events of a run, for a count of one for each operation. */
static double events_of(const struct assess_row *row)
{
	double one = strcmp(row->metric.unit, "bytes") ? 1 : REQUEST_BYTES;

	return assess_fewest_operations(row->line) / one;
}

/* The mean over the base's sessions. */
static double usual_of(const struct assess_row *row, const struct series *s)
{
	double sum = 0, n = 0;

	for (size_t i = 0; i < s->n_base; i++) {
		double v = value_in(row, s->sheets[i]);

		if (isfinite(v)) {
			sum += v;
			n++;
		}
	}
	return n > 0 ? sum / n : 0;
}

/* A count of few events has next to no spread in some sessions, and one more event would look as if
 * it could not be chance. But what comes by itself scatters by the root of how often it comes, and
 * by one at least. What comes often is the program's own doing, and known by the sessions. */
static double least_known(const struct assess_row *row, double usual)
{
	double events = usual * events_of(row);

	if (!row->effect.count || events >= RARE_EVENTS)
		return 0;
	return sqrt(fmax(1, events)) / events_of(row) / fmax(usual, row->effect.floor);
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
		double usual = usual_of(&rows->rows[i], s);

		cells[i] = (struct predict_cell){
			.pool = rows->rows[i].pool,
			.base = v,
			.head = v + s->n_base,
			.best = v + s->n,
			.worst = v + s->n + p.n_head,
			.few = assess_runs_below(&rows->rows[i], PREDICT_RUNS),
			.least = least_known(&rows->rows[i], usual)};
		if (rows->rows[i].effect.count && !(usual > 0))
			rows->rows[i].findings[ref].worth =
				events_of(&rows->rows[i]) * rows->rows[i].effect.floor;
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

// SPDX-License-Identifier: MIT
/*
 * Scaling along a swept axis: median throughput with its range, p50 and p99, one line per target.
 * A line must not mix cells that differ in something else, so each figure is one slice: all other
 * columns held, except those that follow the axis (batch where each depth has one batch). The
 * fullest few slices of each axis are drawn; the caption says what was held and what is not shown.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/cellsum.h"
#include "reports/fmt.h"
#include "reports/pictures.h"

#define SLICES_MAX 4 /* for each axis */
#define POINTS_MIN 2
#define DIGITS_MAX 5 /* of a number that is written out below an axis */

struct point {
	double x;
	size_t cell;
	unsigned target;
};

struct sweep {
	const struct group *g;
	unsigned column;
	size_t *order;	      /* cells, slice by slice */
	struct point *points; /* of the slice in hand */
	size_t n_points;
	const char **words; /* values of a column that is no number */
	unsigned n_words;
	double zero_at; /* where 0 stands on a logarithmic axis; 0 = at itself */
};

struct slice {
	size_t example; /* a cell that has all of its columns */
	size_t size;
};

/* A column that is held: neither the target nor the axis nor one that follows it. */
static bool held(const struct sweep *s, unsigned k)
{
	return k != s->column && !s->g->columns[k].target && !group_follows(s->g, s->column, k);
}

static int compare_held(const void *a, const void *b, void *arg)
{
	const struct sweep *s = arg;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	for (unsigned k = 1; k < s->g->n_columns; k++) {
		const char *p = group_value(s->g, x, k), *q = group_value(s->g, y, k);

		if (p != q && held(s, k))
			return p < q ? -1 : 1;
	}
	return 0;
}

/* Cells of targets that lack a knob belong to the slices of all its values. */
static bool in_slice(const struct sweep *s, size_t example, size_t cell)
{
	for (unsigned k = 1; k < s->g->n_columns; k++) {
		const char *p = group_value(s->g, example, k), *q = group_value(s->g, cell, k);

		if (p != q && *q && held(s, k))
			return false;
	}
	return true;
}

/* Closed loop has no place on an axis of rates. */
static bool drawable(const struct sweep *s, size_t cell)
{
	const char *value = group_value(s->g, cell, s->column);

	if (!*value || isnan(cell_median(s->g->cells[cell], "throughput")))
		return false;
	return strcmp(s->g->columns[s->column].name, "rate") || strcmp(value, "0");
}

static double position(struct sweep *s, size_t cell)
{
	const char *value = group_value(s->g, cell, s->column);
	unsigned i = 0;

	if (s->g->columns[s->column].numeric)
		return group_number(s->g, cell, s->column);
	while (i < s->n_words && s->words[i] != value)
		i++;
	if (i == s->n_words)
		s->words[s->n_words++] = value;
	return i;
}

static int compare_points(const void *a, const void *b)
{
	const struct point *p = a, *q = b;

	if (p->target != q->target)
		return p->target < q->target ? -1 : 1;
	return (p->x > q->x) - (p->x < q->x);
}

/* A sweep such as 0, 100, 1000, 10000 wants a logarithmic axis: 0 stands one step before the rest.
 */
static void place_zero(struct sweep *s)
{
	double next = INFINITY, high = 0;

	s->zero_at = 0;
	for (size_t i = 0; i < s->n_points; i++) {
		if (s->points[i].x > 0)
			next = fmin(next, s->points[i].x);
		high = fmax(high, s->points[i].x);
	}
	if (!s->g->columns[s->column].numeric || !(high / next >= 6))
		return;
	for (size_t i = 0; i < s->n_points; i++) {
		if (s->points[i].x == 0) {
			s->zero_at = next / 5;
			s->points[i].x = s->zero_at;
		}
	}
}

/* Fills points; returns how many places on the axis the best covered target has. */
static size_t collect(struct sweep *s, size_t example)
{
	size_t best = 0, run = 0;

	s->n_points = s->n_words = 0;
	for (size_t i = 0; i < s->g->n_cells; i++)
		if (in_slice(s, example, i) && drawable(s, i))
			s->points[s->n_points++] =
				(struct point){position(s, i), i,
					       group_target_index(s->g, s->g->cells[i]->target)};
	place_zero(s);
	qsort(s->points, s->n_points, sizeof(*s->points), compare_points);
	for (size_t i = 0; i < s->n_points; i++) {
		run = i && s->points[i].target == s->points[i - 1].target ? run + 1 : 1;
		best = run > best ? run : best;
	}
	return best;
}

static const char *latency_name(const struct cell_sum *cell, bool p99)
{
	if (cell_metric(cell, "intended_p99"))
		return p99 ? "intended_p99" : "intended_p50";
	return p99 ? "latency_p99" : "latency_p50";
}

struct range {
	double low, high;
};

static void widen(struct range *r, double v)
{
	if (isnan(v))
		return;
	r->low = fmin(r->low, v);
	r->high = fmax(r->high, v);
}

static void put_number(FILE *out, double v)
{
	if (isnan(v))
		fputs(" NaN", out);
	else
		fprintf(out, " %.9g", v);
}

/* The data block: one index per target. Returns the range of what was written. */
static struct range put_points(struct plot *p, const struct sweep *s, const unsigned *series,
			       bool latency)
{
	FILE *out = plot_script(p);
	struct range r = {INFINITY, -INFINITY};

	fprintf(out, "series = '");
	for (size_t i = 0; i < s->n_points; i++)
		if (!i || s->points[i].target != s->points[i - 1].target)
			fprintf(out, " %u", series[s->points[i].target]);
	fprintf(out, "'\n$d << E\n");
	for (size_t i = 0; i < s->n_points; i++) {
		const struct point *at = &s->points[i];
		const struct cell_sum *cell = s->g->cells[at->cell];
		const struct metric_sum *m = cell_metric(cell, "throughput");
		double shift = s->g->columns[s->column].numeric
				       ? 0
				       : (at->target - (s->g->n_targets - 1) / 2.0) * 0.06;
		double v[3] = {metric_median(m), metric_min(m), metric_max(m)};
		unsigned n = latency ? 2 : 3;

		if (latency) {
			v[0] = cell_median(cell, latency_name(cell, false));
			v[1] = cell_median(cell, latency_name(cell, true));
		}
		if (i && at->target != s->points[i - 1].target)
			fputs("\n\n", out);
		fprintf(out, "%.9g", at->x + shift);
		for (unsigned k = 0; k < n; k++) {
			put_number(out, v[k]);
			widen(&r, v[k]);
		}
		fputc('\n', out);
	}
	fprintf(out, "E\n");
	return r;
}

static int compare_places(const void *a, const void *b)
{
	const struct point *p = a, *q = b;

	return (p->x > q->x) - (p->x < q->x);
}

/* "64k", "200us", "128", and "3M" for 3000000. */
static const char *tic_text(const struct sweep *s, const struct point *at, char buf[FMT_MAX])
{
	const char *shown = group_shown(s->g, at->cell, s->column);
	size_t digits = strspn(shown, "0123456789");

	if (shown[digits] || digits <= DIGITS_MAX)
		return shown;
	fmt_count(buf, group_number(s->g, at->cell, s->column));
	return fmt_trim(buf);
}

/* Tics stand at the values that were measured, as long as they are few. */
static void put_value_tics(struct plot *p, const struct sweep *s)
{
	struct point at[12];
	char buf[FMT_MAX];
	unsigned n = 0;

	for (size_t i = 0; i < s->n_points; i++) {
		unsigned k = 0;

		while (k < n && at[k].x != s->points[i].x)
			k++;
		if (k == n && n == sizeof(at) / sizeof(at[0]))
			return; /* too many: plot_axis has chosen some */
		if (k == n)
			at[n++] = s->points[i];
	}
	qsort(at, n, sizeof(at[0]), compare_places);
	fprintf(plot_script(p), "set xtics (");
	for (unsigned i = 0; i < n; i++) {
		fputs(i ? ", " : "", plot_script(p));
		plot_text(p, tic_text(s, &at[i], buf));
		fprintf(plot_script(p), " %.9g", at[i].x);
	}
	fprintf(plot_script(p), ")\n");
}

static void put_x_axis(struct plot *p, const struct sweep *s)
{
	struct range r = {INFINITY, -INFINITY};
	const struct column *c = &s->g->columns[s->column];

	for (size_t i = 0; i < s->n_points; i++)
		widen(&r, s->points[i].x);
	if (c->numeric) {
		plot_axis(p, &(struct plot_axis){.name = 'x',
						 .low = r.low,
						 .high = r.high,
						 .log = r.low > 0 && r.high / r.low >= 6,
						 .unit = "1",
						 .label = c->name});
		put_value_tics(p, s);
		return;
	}
	fprintf(plot_script(p), "set xrange [-0.5:%u-0.5]\nset xtics (", s->n_words);
	for (unsigned i = 0; i < s->n_words; i++) {
		fprintf(plot_script(p), i ? ", " : "");
		plot_text(p, s->words[i]);
		fprintf(plot_script(p), " %u", i);
	}
	fprintf(plot_script(p), ")\nset xlabel ");
	plot_text(p, c->name);
	fputc('\n', plot_script(p));
}

static unsigned draw(struct plot *p, const struct sweep *s, const unsigned *series, bool latency)
{
	unsigned number = plot_add(p);
	struct range r = put_points(p, s, series, latency);

	if (!isfinite(r.low))
		r = (struct range){1, 10};
	put_x_axis(p, s);
	plot_axis(p, &(struct plot_axis){.name = 'y',
					 .low = r.low,
					 .high = r.high,
					 .log = r.low > 0 && (latency || r.high / r.low > 40),
					 .from_zero = true,
					 .unit = latency ? "ns" : "1"});
	plot_draw(p, latency ? "latency" : "throughput");
	return number;
}

/* "held: payload 4096, flush dsync; batch moves with it" */
static void say_held(const struct sweep *s, size_t example, size_t more, char *buf, size_t size)
{
	size_t n = 0;
	const struct group *g = s->g;

	for (unsigned k = 1; k < g->n_columns && n < size; k++) {
		const char *value = group_shown(g, example, k);

		if (k != s->column && held(s, k) && *value)
			n += (size_t)snprintf(buf + n, size - n, "%s%s %s", n ? ", " : "at ",
					      g->columns[k].name, value);
	}
	for (unsigned k = 1; k < g->n_columns && n < size; k++)
		if (k != s->column && !held(s, k))
			n += (size_t)snprintf(buf + n, size - n, "%s%s moves along", n ? "; " : "",
					      g->columns[k].name);
	if (more && n < size)
		snprintf(buf + n, size - n, "%s%zu more such slice%s in the table", n ? "; " : "",
			 more, more == 1 ? "" : "s");
}

static int add_figure(struct plot *p, struct sweep *s, const unsigned *series,
		      const struct slice *slice, size_t more, struct pictures *pics)
{
	struct figure *list, *f;

	if (collect(s, slice->example) < POINTS_MIN)
		return 0;
	list = array_room(pics->scaling, pics->n_scaling, sizeof(*list));
	if (!list)
		return -ENOMEM;
	pics->scaling = list;
	f = &list[pics->n_scaling++];
	*f = (struct figure){.left_title = "throughput per second", .right_title = "latency"};
	if (s->n_points && cell_metric(s->g->cells[s->points[0].cell], "intended_p99"))
		f->right_title = "latency from the intended start";
	snprintf(f->title, sizeof(f->title), "by %.80s", s->g->columns[s->column].name);
	say_held(s, slice->example, more, f->caption, sizeof(f->caption));
	f->left = draw(p, s, series, false);
	f->right = draw(p, s, series, true);
	return 0;
}

static bool whole(const struct sweep *s, size_t cell)
{
	for (unsigned k = 1; k < s->g->n_columns; k++)
		if (held(s, k) && s->g->columns[k].partial && !*group_value(s->g, cell, k))
			return false;
	return true;
}

/* Matrix order decides between equals: addresses, by which cells are sorted, change. */
static bool fuller(const struct slice *a, const struct slice *b)
{
	return a->size > b->size || (a->size == b->size && a->example < b->example);
}

/* Keeps the fullest slices, the largest first; returns how many there are in all. */
static size_t find_slices(struct sweep *s, struct slice best[SLICES_MAX])
{
	size_t found = 0, from = 0, n = s->g->n_cells;
	bool any_whole = false;

	for (size_t i = 0; i < n; i++)
		any_whole |= whole(s, i);
	for (size_t i = 1; i <= n; i++) {
		struct slice here = {s->order[from], i - from};
		unsigned at = SLICES_MAX;

		if (i < n && !compare_held(&s->order[from], &s->order[i], s))
			continue;
		for (size_t k = from; k < i; k++)
			here.example = min_of(here.example, s->order[k]);
		from = i;
		if (here.size < POINTS_MIN || (any_whole && !whole(s, here.example)))
			continue;
		found++;
		while (at && fuller(&here, &best[at - 1]))
			at--;
		if (at == SLICES_MAX)
			continue;
		memmove(&best[at + 1], &best[at], (SLICES_MAX - 1 - at) * sizeof(*best));
		best[at] = here;
	}
	return found;
}

static int sweep_column(struct plot *p, struct sweep *s, const unsigned *series,
			struct pictures *pics)
{
	struct slice best[SLICES_MAX] = {0};
	size_t found;
	int err = 0;

	for (size_t i = 0; i < s->g->n_cells; i++)
		s->order[i] = i;
	qsort_r(s->order, s->g->n_cells, sizeof(*s->order), compare_held, s);
	found = find_slices(s, best);
	for (unsigned i = 0; !err && i < SLICES_MAX && best[i].size; i++) {
		bool last = i + 1 == SLICES_MAX || !best[i + 1].size;

		err = add_figure(p, s, series, &best[i],
				 last && found > SLICES_MAX ? found - SLICES_MAX : 0, pics);
	}
	return err;
}

/* Of two columns that determine each other only the first is an axis. */
static bool twin(const struct group *g, unsigned column)
{
	for (unsigned k = 1; k < column; k++)
		if (group_follows(g, k, column) && group_follows(g, column, k))
			return true;
	return false;
}

int scaling_plan(struct plot *p, const struct group *g, const unsigned *series,
		 struct pictures *pics)
{
	struct sweep s = {.g = g};
	int err = 0;

	s.order = calloc(g->n_cells, sizeof(*s.order));
	s.points = calloc(g->n_cells, sizeof(*s.points));
	s.words = calloc(g->n_cells, sizeof(*s.words));
	if (!s.order || !s.points || !s.words)
		err = -ENOMEM;
	for (s.column = 1; !err && s.column < g->n_columns; s.column++)
		if (!twin(g, s.column))
			err = sweep_column(p, &s, series, pics);
	free(s.order);
	free(s.points);
	free(s.words);
	return err;
}

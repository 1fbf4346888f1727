// SPDX-License-Identifier: MIT
/*
 * Splits the cells by workload and finds out what varies. Values are interned, so two cells agree
 * in a column exactly when the addresses are equal.
 */
#include "reports/group.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/cellsum.h"

struct candidate {
	const struct field *first;
	bool varies, numeric;
	size_t n_cells;
};

struct candidates {
	struct candidate list[256];
	unsigned n;
};

static struct candidate *find_candidate(struct candidates *c, const struct field *f)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->list[i].first->name == f->name && c->list[i].first->knob == f->knob)
			return &c->list[i];
	if (c->n == sizeof(c->list) / sizeof(c->list[0]))
		return NULL;
	c->list[c->n] = (struct candidate){.first = f, .numeric = true};
	return &c->list[c->n++];
}

static void scan_cell(struct candidates *c, const struct cell_sum *cell)
{
	for (unsigned i = 0; i < cell->n_fields; i++) {
		const struct field *f = &cell->fields[i];
		struct candidate *found = find_candidate(c, f);

		if (!found)
			return;
		found->n_cells++;
		found->varies |= found->first->text != f->text;
		found->numeric &= !isnan(f->number);
	}
}

static void find_columns(struct group *g, struct candidates *c)
{
	c->n = 0;
	for (size_t i = 0; i < g->n_cells; i++)
		scan_cell(c, g->cells[i]);
	g->columns[g->n_columns++] = (struct column){.name = "target", .target = true};
	for (int knobs = 0; knobs < 2; knobs++) {
		for (unsigned i = 0; i < c->n && g->n_columns < GROUP_COLUMNS_MAX; i++) {
			const struct candidate *x = &c->list[i];

			if (!x->varies || x->first->knob != (bool)knobs)
				continue;
			g->columns[g->n_columns++] = (struct column){
				.name = x->first->name,
				.knob = x->first->knob,
				.numeric = x->numeric,
				.partial = x->n_cells < g->n_cells,
			};
		}
	}
}

static int fill_values(struct group *g)
{
	g->values = calloc(g->n_cells * g->n_columns, sizeof(struct field *));
	g->best = calloc(g->n_cells * g->n_columns, sizeof(bool));
	if (!g->values || !g->best)
		return -ENOMEM;
	for (size_t i = 0; i < g->n_cells; i++)
		for (unsigned k = 1; k < g->n_columns; k++)
			g->values[i * g->n_columns + k] =
				cell_field(g->cells[i], g->columns[k].name, g->columns[k].knob);
	return 0;
}

const char *group_value(const struct group *g, size_t cell, unsigned column)
{
	const struct field *f = g->values[cell * g->n_columns + column];

	if (g->columns[column].target)
		return g->cells[cell]->target;
	return f ? f->text : "";
}

const char *group_shown(const struct group *g, size_t cell, unsigned column)
{
	const struct field *f = g->values[cell * g->n_columns + column];

	if (g->columns[column].target)
		return g->cells[cell]->target;
	if (!f)
		return "";
	return !strcmp(f->name, "rate") && f->number == 0 ? "closed" : f->shown;
}

double group_number(const struct group *g, size_t cell, unsigned column)
{
	const struct field *f = g->values[cell * g->n_columns + column];

	return f ? f->number : NAN;
}

bool group_best(const struct group *g, size_t cell, unsigned column)
{
	return g->best[cell * g->n_columns + column];
}

bool group_any_best(const struct group *g)
{
	for (size_t i = 0; i < g->n_cells * g->n_columns; i++)
		if (g->best[i])
			return true;
	return false;
}

bool group_follows(const struct group *g, unsigned column, unsigned other)
{
	return g->follows[column * g->n_columns + other];
}

static bool depth_or_batch(const struct column *c)
{
	return !c->knob && (!strcmp(c->name, "depth") || !strcmp(c->name, "batch"));
}

/* May cells that compete along `column` differ in `other`? */
static bool ignores(const struct group *g, unsigned column, unsigned other)
{
	const struct column *c = &g->columns[column], *o = &g->columns[other];

	if (column == other || (c->target && o->partial))
		return true;
	return depth_or_batch(c) && depth_or_batch(o) && group_follows(g, column, other);
}

struct column_order {
	const struct group *g;
	unsigned column;
};

static int compare_values(const void *a, const void *b, void *arg)
{
	const struct column_order *o = arg;
	const char *x = group_value(o->g, *(const size_t *)a, o->column);
	const char *y = group_value(o->g, *(const size_t *)b, o->column);

	return x == y ? 0 : x < y ? -1 : 1;
}

/* Column `other` follows `column` when no value of the one meets two values of the other. */
static bool find_follows(const struct group *g, const size_t *order, unsigned column,
			 unsigned other)
{
	for (size_t i = 1; i < g->n_cells; i++)
		if (group_value(g, order[i - 1], column) == group_value(g, order[i], column) &&
		    group_value(g, order[i - 1], other) != group_value(g, order[i], other))
			return false;
	return !g->columns[other].target;
}

static int fill_follows(struct group *g)
{
	size_t *order = calloc(g->n_cells + 1, sizeof(*order));

	g->follows = calloc((size_t)g->n_columns * g->n_columns, sizeof(bool));
	for (unsigned k = 0; order && g->follows && k < g->n_columns; k++) {
		struct column_order o = {g, k};

		for (size_t i = 0; i < g->n_cells; i++)
			order[i] = i;
		qsort_r(order, g->n_cells, sizeof(*order), compare_values, &o);
		for (unsigned j = 0; j < g->n_columns; j++)
			g->follows[k * g->n_columns + j] = find_follows(g, order, k, j);
	}
	free(order);
	return order && g->follows ? 0 : -ENOMEM;
}

/* Orders cells by everything but one column: neighbours that compare equal differ only there. */
static int compare_slices(const void *a, const void *b, void *arg)
{
	const struct column_order *o = arg;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	for (unsigned k = 0; k < o->g->n_columns; k++) {
		const char *p = group_value(o->g, x, k), *q = group_value(o->g, y, k);

		if (p != q && !ignores(o->g, o->column, k))
			return p < q ? -1 : 1;
	}
	return 0;
}

bool group_open_loop(const struct cell_sum *cell)
{
	const struct field *rate = cell_field(cell, "rate", false);

	return rate && rate->number > 0;
}

/* What a cell competes with: higher is better; the range over its repeats. */
struct merit {
	double median, low, high;
	bool repeated;
};

static struct merit merit(const struct cell_sum *cell)
{
	bool open_loop = group_open_loop(cell);
	const struct metric_sum *m = cell_metric(cell, open_loop ? "intended_p99" : "throughput");
	struct merit v = {metric_median(m), metric_min(m), metric_max(m), m && m->n > 1};

	if (cell->warnings[WARN_NOTHING] || cell->warnings[WARN_OVERLOAD])
		v.median = NAN;
	if (open_loop)
		v = (struct merit){-v.median, -v.high, -v.low, v.repeated};
	return v;
}

/* The best of order[from..to) that has another value in `column` than the cell `but`; n_cells if
 * there is none. */
static size_t find_best(const struct group *g, const size_t *order, size_t from, size_t to,
			unsigned column, size_t but)
{
	size_t best = g->n_cells;
	double most = -INFINITY;

	for (size_t i = from; i < to; i++) {
		double v = merit(g->cells[order[i]]).median;
		const char *here = group_value(g, order[i], column);

		if (isnan(v) || !*here || (but < g->n_cells && here == group_value(g, but, column)))
			continue;
		if (v > most || (v == most && order[i] < best)) {
			most = v;
			best = order[i];
		}
	}
	return best;
}

/* Marks the best of order[from..to) if there is a next best, and it is clearly worse. */
static void mark_slice(struct group *g, const size_t *order, size_t from, size_t to,
		       unsigned column)
{
	size_t first = find_best(g, order, from, to, column, g->n_cells), second;
	struct merit a, b;

	if (first == g->n_cells)
		return;
	second = find_best(g, order, from, to, column, first);
	if (second == g->n_cells)
		return;
	a = merit(g->cells[first]);
	b = merit(g->cells[second]);
	if (!(a.repeated && b.repeated && a.low <= b.high))
		g->best[first * g->n_columns + column] = true;
}

static int mark_best(struct group *g)
{
	size_t *order = calloc(g->n_cells + 1, sizeof(*order));

	if (!order)
		return -ENOMEM;
	for (unsigned k = 0; k < g->n_columns; k++) {
		struct column_order o = {g, k};
		size_t from = 0;

		if (!strcmp(g->columns[k].name,
			    "rate")) /* more is offered, more is done: no merit */
			continue;
		for (size_t i = 0; i < g->n_cells; i++)
			order[i] = i;
		qsort_r(order, g->n_cells, sizeof(*order), compare_slices, &o);
		for (size_t i = 1; i <= g->n_cells; i++) {
			if (i < g->n_cells && !compare_slices(&order[from], &order[i], &o))
				continue;
			mark_slice(g, order, from, i, k);
			from = i;
		}
	}
	free(order);
	return 0;
}

size_t group_top(const struct group *g, const char *target)
{
	size_t top = g->n_cells;
	int top_class = 0;
	double most = 0;

	for (size_t i = 0; i < g->n_cells; i++) {
		const struct cell_sum *cell = g->cells[i];
		double v = cell_median(cell, "throughput");
		int class = cell->warnings[WARN_OVERLOAD] ? 1 : group_open_loop(cell) ? 2 : 3;

		if ((target && cell->target != target) || !(v > 0) || class < top_class ||
		    (class == top_class && !(v > most)))
			continue;
		top_class = class;
		most = v;
		top = i;
	}
	return top;
}

unsigned group_target_index(const struct group *g, const char *target)
{
	unsigned i = 0;

	while (i < g->n_targets && g->targets[i] != target)
		i++;
	return i;
}

static int add_to_group(struct group *g, struct cell_sum *cell)
{
	struct cell_sum **cells = array_room(g->cells, g->n_cells, sizeof(*cells));
	const char **targets;

	if (!cells)
		return -ENOMEM;
	g->cells = cells;
	cells[g->n_cells++] = cell;
	g->open_loop |= cell_metric(cell, "intended_p99") != NULL;
	if (group_target_index(g, cell->target) < g->n_targets)
		return 0;
	targets = array_room(g->targets, g->n_targets, sizeof(*targets));
	if (!targets)
		return -ENOMEM;
	g->targets = targets;
	targets[g->n_targets++] = cell->target;
	return 0;
}

static int split(const struct summary *s, struct groups *groups)
{
	for (size_t i = 0; i < s->n_cells; i++) {
		struct group *list = groups->list;
		size_t k = 0;
		int err;

		while (k < groups->n && list[k].workload != s->cells[i]->workload)
			k++;
		if (k == groups->n) {
			list = array_room(list, groups->n, sizeof(*list));
			if (!list)
				return -ENOMEM;
			groups->list = list;
			list[groups->n++] = (struct group){.workload = s->cells[i]->workload};
		}
		err = add_to_group(&list[k], s->cells[i]);
		if (err)
			return err;
	}
	return 0;
}

int groups_make(const struct summary *s, struct groups *ret)
{
	struct candidates *c = calloc(1, sizeof(*c));
	struct groups groups = {0};
	int err = c ? split(s, &groups) : -ENOMEM;

	for (size_t i = 0; !err && i < groups.n; i++) {
		find_columns(&groups.list[i], c);
		err = fill_values(&groups.list[i]);
		err = err ? err : fill_follows(&groups.list[i]);
		err = err ? err : mark_best(&groups.list[i]);
	}
	free(c);
	if (err) {
		groups_free(&groups);
		return err;
	}
	*ret = groups;
	return 0;
}

void groups_free(struct groups *groups)
{
	for (size_t i = 0; i < groups->n; i++) {
		struct group *g = &groups->list[i];

		free(g->cells);
		free(g->targets);
		free(g->values);
		free(g->best);
		free(g->follows);
	}
	free(groups->list);
	*groups = (struct groups){0};
}

static bool varies(const struct group *g, size_t cell, const struct field *f)
{
	for (unsigned k = 1; k < g->n_columns; k++)
		if (g->values[cell * g->n_columns + k] == f)
			return true;
	return false;
}

/* Does a label name the field? Where its default is not known: if it varies. */
static bool labelled(const struct group *g, size_t cell, const struct field *f)
{
	return f->known ? !f->plain : varies(g, cell, f);
}

static bool named(const struct group *g, size_t cell, const struct field *f)
{
	return labelled(g, cell, f) && varies(g, cell, f);
}

static int put_label(const struct group *g, size_t i, char *buf, size_t size,
		     bool (*wanted)(const struct group *, size_t, const struct field *))
{
	const struct cell_sum *cell = g->cells[i];
	int n = snprintf(buf, size, "%s", cell->target);

	for (int cpus = false; cpus <= true; cpus++) { /* they come last */
		for (unsigned k = 0; k < cell->n_fields && n >= 0 && (size_t)n < size; k++) {
			const struct field *f = &cell->fields[k];

			if ((strncmp(f->name, "cpus.", 5) == 0) == cpus && wanted(g, i, f))
				n += snprintf(buf + n, size - (size_t)n, " %s=%s", f->name,
					      f->shown);
		}
	}
	return n;
}

int group_label(const struct group *g, size_t i, char *buf, size_t size)
{
	return put_label(g, i, buf, size, labelled);
}

int group_name(const struct group *g, size_t i, char *buf, size_t size)
{
	return put_label(g, i, buf, size, named);
}

int groups_label(const struct groups *groups, const struct cell_sum *cell, char *buf, size_t size)
{
	int n = snprintf(buf, size, "%s/", cell->workload);

	for (size_t k = 0; k < groups->n && n >= 0 && (size_t)n < size; k++) {
		const struct group *g = &groups->list[k];

		for (size_t i = 0; i < g->n_cells; i++)
			if (g->cells[i] == cell)
				return n + group_label(g, i, buf + n, size - (size_t)n);
	}
	return n;
}

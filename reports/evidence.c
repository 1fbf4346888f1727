// SPDX-License-Identifier: MIT
/*
 * Which figures of a group of cells are evidence, and which of them stand out. Columns are in the
 * order in which the first cell that has them names them; those that come in pairs NAME_p50 and
 * NAME_p99 are latencies of a kind of operation, or of a part of one.
 */
#include "reports/evidence.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/order.h"
#include "reports/get.h"

/* What every workload has stands in the table of results, and bytes per second are its throughput
 * once more. */
static bool is_evidence(const struct metric_sum *m)
{
	static const char *const stems[] = {"latency_", "intended_", "lateness_", "throughput"};

	for (size_t i = 0; i < array_size(stems); i++)
		if (!strncmp(m->name, stems[i], strlen(stems[i])))
			return false;
	return strcmp(m->unit, "bytes/s") != 0;
}

/* The length of NAME in NAME_p50 or NAME_p99; 0 if it is no such name. */
static size_t stem_length(const char *name)
{
	size_t length = strlen(name);

	if (length > 4 &&
	    (!strcmp(name + length - 4, "_p50") || !strcmp(name + length - 4, "_p99")))
		return length - 4;
	return 0;
}

static void add_column(struct evidence *e, const struct metric_sum *m)
{
	for (unsigned i = 0; i < e->n_columns; i++)
		if (e->columns[i].name == m->name)
			return;
	if (e->n_columns < EVIDENCE_MAX)
		e->columns[e->n_columns++] =
			(struct evidence_column){m->name, m->unit, m->better, NAN, NAN};
}

double evidence_value(const struct cell_sum *cell, const char *name, unsigned *ret_missing)
{
	const struct metric_sum *m = cell_metric(cell, name);

	*ret_missing = m ? m->nulls : 0;
	return m ? order_median(m->values, m->n) : NAN;
}

static double value_of(const struct group *g, size_t cell, const struct evidence_column *c)
{
	unsigned missing;

	return evidence_value(g->cells[cell], c->name, &missing);
}

/* Of two values the better one; NAN is none. */
static double better_of(const struct evidence_column *c, double a, double b)
{
	return strcmp(c->better, "higher") ? fmin(a, b) : fmax(a, b);
}

static void measure(struct evidence_column *c, const struct group *g)
{
	for (size_t i = 0; i < g->n_cells; i++) {
		double v = value_of(g, i, c);

		c->most = fmax(c->most, v);
		c->worst = strcmp(c->better, "higher") ? fmax(c->worst, v) : fmin(c->worst, v);
	}
}

/* Does all that differs between the two follow from what differs in this column? */
static bool explains(const struct group *g, size_t a, size_t b, unsigned column)
{
	for (unsigned k = 0; k < g->n_columns; k++)
		if (group_value(g, a, k) != group_value(g, b, k) && k != column &&
		    !group_follows(g, column, k))
			return false;
	return true;
}

static bool are_twins(const struct group *g, size_t a, size_t b)
{
	if (a == b || g->cells[a]->target != g->cells[b]->target)
		return false;
	for (unsigned k = 0; k < g->n_columns; k++)
		if (group_value(g, a, k) != group_value(g, b, k) && explains(g, a, b, k))
			return true;
	return false;
}

static const struct evidence_column *named(const struct evidence *e, const char *stem,
					   const char *suffix)
{
	char name[80];

	snprintf(name, sizeof(name), "%s%s", stem, suffix);
	for (unsigned i = 0; i < e->n_columns; i++)
		if (!strcmp(e->columns[i].name, name))
			return &e->columns[i];
	return NULL;
}

/* Behind the others, and only those with both ends. */
static void sort_kinds(struct evidence *e)
{
	struct evidence_column plain[EVIDENCE_MAX], paired[EVIDENCE_MAX];
	unsigned n_paired = 0;

	for (unsigned i = 0; i < e->n_columns; i++) {
		size_t length = stem_length(e->columns[i].name);
		char stem[64];

		snprintf(stem, sizeof(stem), "%.*s", (int)length, e->columns[i].name);
		if (length && named(e, stem, "_p50") && named(e, stem, "_p99"))
			paired[n_paired++] = e->columns[i];
		else
			plain[e->n_plain++] = e->columns[i];
	}
	memcpy(e->columns, plain, e->n_plain * sizeof(*plain));
	memcpy(e->columns + e->n_plain, paired, n_paired * sizeof(*paired));
}

static void find_kinds(struct evidence *e)
{
	for (unsigned i = e->n_plain; i < e->n_columns; i++) {
		struct evidence_kind *k = &e->kinds[e->n_kinds];
		size_t length = stem_length(e->columns[i].name);

		if (strcmp(e->columns[i].name + length, "_p50"))
			continue;
		snprintf(k->name, sizeof(k->name), "%.*s", (int)length, e->columns[i].name);
		k->p50 = &e->columns[i];
		k->p99 = named(e, k->name, "_p99");
		e->n_kinds += k->p99 != NULL;
	}
}

/* A count of errors is a remark (reports/html_table.c) and no evidence where there were none. */
static void drop_silent(struct evidence *e)
{
	unsigned n = 0;

	for (unsigned i = 0; i < e->n_columns; i++)
		if (strcmp(e->columns[i].name, "errors") || e->columns[i].most > 0)
			e->columns[n++] = e->columns[i];
	e->n_columns = n;
}

void evidence_make(const struct group *g, struct evidence *e)
{
	struct detail_bars bars;
	struct stage_split stages;

	*e = (struct evidence){.group = g};
	for (size_t i = 0; i < g->n_cells; i++) {
		const struct cell_sum *cell = g->cells[i];

		for (unsigned k = 0; k < cell->n_metrics; k++)
			if (is_evidence(&cell->metrics[k]))
				add_column(e, &cell->metrics[k]);
		e->most_throughput = fmax(e->most_throughput, cell_median(cell, "throughput"));
		e->bars |= evidence_bars(cell, &bars) != NULL;
		e->stages |= evidence_stages(cell, &stages) != NULL;
	}
	for (unsigned i = 0; i < e->n_columns; i++)
		measure(&e->columns[i], g);
	drop_silent(e);
	sort_kinds(e);
	find_kinds(e);
}

bool evidence_stands_out(const struct evidence_column *c, double v, double twin)
{
	double least = !strcmp(c->unit, "ns") ? EVIDENCE_LEAST_NS : EVIDENCE_LEAST;

	if (!isfinite(v) || isnan(twin) || !strcmp(c->unit, "1/s"))
		return false;
	if (!strcmp(c->better, "higher"))
		return twin > 0 && v * EVIDENCE_TWICE <= twin;
	if (strcmp(c->better, "lower"))
		return false;
	return v >= twin * EVIDENCE_TWICE && v >= c->worst * EVIDENCE_OF_WORST && v >= least;
}

bool evidence_is_marked(const struct evidence *e, const struct evidence_column *c, size_t cell)
{
	double twin = NAN;

	for (size_t i = 0; i < e->group->n_cells; i++)
		if (are_twins(e->group, cell, i))
			twin = better_of(c, twin, value_of(e->group, i, c));
	return evidence_stands_out(c, value_of(e->group, cell, c), twin);
}

const cJSON *evidence_bars(const struct cell_sum *cell, struct detail_bars *ret)
{
	const cJSON *detail;

	cJSON_ArrayForEach (detail, cell->detail)
		if (detail_bars(detail, ret))
			return detail;
	return NULL;
}

const cJSON *evidence_stages(const struct cell_sum *cell, struct stage_split *ret)
{
	const cJSON *detail;

	cJSON_ArrayForEach (detail, cell->detail)
		if (detail_stages(detail, ret))
			return detail;
	return NULL;
}

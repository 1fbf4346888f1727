// SPDX-License-Identifier: MIT
/*
 * While the columns are too wide, the one with the largest share of rows that need not say it is
 * folded, down to half of the rows. One alone may not pay, since its few rows get longer names; of
 * all that was tried the narrowest is kept, or the first that fits.
 */
#include "reports/fold.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHARE_MIN    0.5
#define DISTINCT_MAX 32
#define LABEL_MAX    200

/* Appends to a text of length *n, which it keeps below size. */
__attribute__((format(printf, 4, 5))) static void append(char *buf, size_t size, size_t *n,
							 const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf + *n, size - *n, fmt, ap);
	va_end(ap);
	if (len > 0)
		*n = *n + (size_t)len < size ? *n + (size_t)len : size - 1;
}

/* The share of cells that lack the column or have its most frequent value; 0 with many values. */
static double usual_share(const struct group *g, unsigned column, const struct field **usual)
{
	const struct field *seen[DISTINCT_MAX];
	size_t counts[DISTINCT_MAX], blank = 0, most = 0;
	unsigned n = 0;

	for (size_t i = 0; i < g->n_cells; i++) {
		const struct field *f = g->values[i * g->n_columns + column];
		unsigned k = 0;

		if (!f) {
			blank++;
			continue;
		}
		while (k < n && seen[k]->text != f->text)
			k++;
		if (k == DISTINCT_MAX)
			return 0;
		if (k == n) {
			seen[n] = f;
			counts[n++] = 0;
		}
		if (++counts[k] > most) {
			most = counts[k];
			*usual = seen[k];
		}
	}
	return (double)(blank + most) / (double)g->n_cells;
}

void fold_label(const struct group *g, const struct fold *f, size_t cell, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned k = 1; k < g->n_columns; k++) {
		const struct field *value = g->values[cell * g->n_columns + k];
		bool best = group_best(g, cell, k);

		if (f->folded[k] && value && (value->text != f->usual[k]->text || best))
			append(buf, size, &n, " %s=%s%s", g->columns[k].name,
			       group_shown(g, cell, k), best ? "*" : "");
	}
}

void fold_usual(const struct group *g, const struct fold *f, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned k = 1; k < g->n_columns; k++)
		if (f->folded[k] && *f->usual[k]->shown)
			append(buf, size, &n, "%s%s=%s", n ? " " : "", g->columns[k].name,
			       f->usual[k]->shown);
}

static bool shared_by_all(const struct group *g, const struct field *f)
{
	for (size_t i = 1; i < g->n_cells; i++) {
		const struct field *other = cell_field(g->cells[i], f->name, f->knob);

		if (!other || other->text != f->text)
			return false;
	}
	return true;
}

void fold_shared(const struct group *g, char *buf, size_t size)
{
	const struct cell_sum *cell = g->cells[0];
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned k = 0; k < cell->n_fields; k++) {
		const struct field *f = &cell->fields[k];

		if (f->known && !f->plain && shared_by_all(g, f))
			append(buf, size, &n, "%s%s=%s", n ? " " : "", f->name, f->shown);
	}
}

static size_t column_width(const struct group *g, const struct fold *f, unsigned column)
{
	size_t width = strlen(g->columns[column].name);
	char label[LABEL_MAX];

	if (f->folded[column])
		return 0;
	for (size_t i = 0; i < g->n_cells; i++) {
		size_t len = strlen(group_shown(g, i, column)) + 1;

		if (g->columns[column].target) {
			fold_label(g, f, i, label, sizeof(label));
			len += strlen(label);
		}
		width = len > width ? len : width;
	}
	return width + 2;
}

static size_t total_width(const struct group *g, const struct fold *f)
{
	size_t n = 0;

	for (unsigned k = 0; k < g->n_columns; k++)
		n += column_width(g, f, k);
	return n;
}

/* The unfolded column with the largest share; 0 when none is worth it. */
static unsigned next_column(const struct group *g, const struct fold *f, const double *share)
{
	unsigned best = 0;

	for (unsigned k = 1; k < g->n_columns; k++)
		if (!f->folded[k] && share[k] >= SHARE_MIN && share[k] > share[best])
			best = k;
	return best;
}

void fold_choose(const struct group *g, size_t room, struct fold *ret)
{
	double share[GROUP_COLUMNS_MAX] = {0};
	struct fold trial = {0};
	size_t least, width;
	unsigned column;

	for (unsigned k = 1; k < g->n_columns; k++)
		share[k] = usual_share(g, k, &trial.usual[k]);
	*ret = trial;
	least = total_width(g, &trial);
	while (least > room && (column = next_column(g, &trial, share))) {
		trial.folded[column] = true;
		width = total_width(g, &trial);
		if (width < least) {
			*ret = trial;
			least = width;
		}
	}
}

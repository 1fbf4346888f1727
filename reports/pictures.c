// SPDX-License-Identifier: MIT
/*
 * Chooses. A session may have thousands of cells and a reader looks at some dozen pictures: single
 * cells are drawn in the order of what they have to tell, the best ones first, then those that
 * something was wrong with, then those with the longest tails.
 */
#include "reports/pictures.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/probes_fold.h"

#define CURVES_MAX 8

static const struct hist_sum *main_hist(const struct cell_sum *cell)
{
	const struct hist_sum *h = cell_hist(cell, "intended");

	return h ? h : cell_hist(cell, "service");
}

static void plan_overlay(struct plot *p, const struct group *g, const unsigned *series,
			 const size_t *bests, struct figure *f)
{
	const struct hist_sum *hists[CURVES_MAX];
	unsigned colours[CURVES_MAX], n = 0;
	char label[160];
	size_t len = 0;

	for (unsigned t = 0; t < g->n_targets && n < CURVES_MAX; t++) {
		size_t cell = bests[t];

		if (cell == g->n_cells || !main_hist(g->cells[cell]))
			continue;
		hists[n] = main_hist(g->cells[cell]);
		colours[n++] = series[t];
		group_label(g, cell, label, sizeof(label));
		if (len < sizeof(f->caption))
			len += (size_t)snprintf(f->caption + len, sizeof(f->caption) - len, "%s%s",
						len ? "; " : "", label);
	}
	if (!n)
		return;
	snprintf(f->title, sizeof(f->title), "latency of each target at its best throughput");
	f->left = curves_percentiles(p, hists, colours, n);
	f->left_title = "latency by percentile";
}

/* Is there more to fold out than metrics and pictures? */
static bool has_tales(const struct cell_sum *cell)
{
	if (cell->detail)
		return true;
	return cell->probed && cell->probed->probes && cell->probed->probes->probes;
}

struct ranked {
	size_t cell;
	double score;
};

static double tell(const struct group *g, const size_t *bests, size_t i)
{
	const struct cell_sum *cell = g->cells[i];
	double tail = cell_median(cell, "latency_p99") / cell_median(cell, "latency_p50");
	double score = isfinite(tail) ? fmin(log10(fmax(tail, 1)), 3) : 0;

	for (unsigned k = 0; k < g->n_columns; k++)
		score += group_best(g, i, k) ? 4 : 0;
	for (int k = 0; k < WARN_COUNT; k++)
		score += cell->warnings[k] ? 3 : 0;
	score += has_tales(cell) ? 5 : 0;
	return bests[group_target_index(g, cell->target)] == i ? score + 100 : score;
}

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return x->cell < y->cell ? -1 : 1;
}

static int compare_places(const void *a, const void *b)
{
	const struct cell_figure *x = a, *y = b;

	return x->cell < y->cell ? -1 : 1;
}

static void plan_cell(struct plot *p, const struct group *g, size_t cell, unsigned series,
		      struct cell_figure *f)
{
	const struct hist_sum *h = main_hist(g->cells[cell]);

	f->cell = cell;
	if (!p || !h)
		return;
	f->figure.left = curves_percentiles(p, &h, &series, 1);
	f->figure.left_title = "latency by percentile";
	f->figure.right = curves_histogram(p, h, series);
	f->figure.right_title = "share of operations in percent, p1 to p99.9";
}

static int plan_cells(struct plot *p, const struct group *g, const unsigned *series,
		      const size_t *bests, unsigned max, struct pictures *pics)
{
	struct ranked *ranked = calloc(g->n_cells, sizeof(*ranked));
	size_t n = 0;

	pics->cells = calloc(max + 1, sizeof(*pics->cells));
	if (!ranked || !pics->cells) {
		free(ranked);
		return -ENOMEM;
	}
	for (size_t i = 0; i < g->n_cells; i++)
		if ((p && main_hist(g->cells[i])) || has_tales(g->cells[i]))
			ranked[n++] = (struct ranked){i, tell(g, bests, i)};
	qsort(ranked, n, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < n && i < max; i++) {
		unsigned t = group_target_index(g, g->cells[ranked[i].cell]->target);

		plan_cell(p, g, ranked[i].cell, series[t], &pics->cells[pics->n_cells++]);
	}
	qsort(pics->cells, pics->n_cells, sizeof(*pics->cells), compare_places);
	free(ranked);
	return 0;
}

int pictures_plan(struct plot *p, const struct group *g, const unsigned *series, unsigned max_cells,
		  struct pictures *ret)
{
	struct pictures pics = {0};
	size_t *bests = calloc(g->n_targets, sizeof(*bests));
	int err = bests ? 0 : -ENOMEM;

	if (p && !err)
		err = scaling_plan(p, g, series, &pics);
	for (unsigned t = 0; !err && t < g->n_targets; t++)
		bests[t] = group_top(g, g->targets[t]);
	if (!err) {
		if (p)
			plan_overlay(p, g, series, bests, &pics.overlay);
		err = plan_cells(p, g, series, bests, max_cells, &pics);
	}
	free(bests);
	if (err) {
		pictures_free(&pics);
		return err;
	}
	*ret = pics;
	return 0;
}

void pictures_free(struct pictures *pics)
{
	free(pics->scaling);
	free(pics->cells);
	*pics = (struct pictures){0};
}

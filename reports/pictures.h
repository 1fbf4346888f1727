/* SPDX-License-Identifier: MIT */
/*
 * Which pictures a workload deserves, and their data: scaling along each swept axis, latency of
 * each target at its best, and curve and histogram of single cells.
 */
#pragma once

#include "reports/group.h"
#include "reports/plot.h"
#include "reports/probes_html.h"

struct figure { /* two pictures side by side, under one caption */
	char title[96];
	char caption[512];
	unsigned left, right; /* numbers in the plot; 0 = none */
	const char *left_title, *right_title;
};

struct cell_figure {
	size_t cell; /* index in the group */
	struct figure figure;
	struct probe_pictures probes;
};

struct pictures {
	struct figure *scaling;
	unsigned n_scaling;
	struct figure overlay;
	struct cell_figure *cells;
	unsigned n_cells;
};

/* series[target] is the colour of each target. Without a plot only cells with probes or a detail
 * are chosen. -ENOMEM. */
int pictures_plan(struct plot *p, const struct group *g, const unsigned *series, unsigned max_cells,
		  struct pictures *ret);
void pictures_free(struct pictures *pics);

/* scaling.c and curves.c, for pictures_plan only. */
int scaling_plan(struct plot *p, const struct group *g, const unsigned *series,
		 struct pictures *pics);
unsigned curves_percentiles(struct plot *p, const struct hist_sum *const *hists,
			    const unsigned *series, unsigned n);
unsigned curves_histogram(struct plot *p, const struct hist_sum *hist, unsigned series);

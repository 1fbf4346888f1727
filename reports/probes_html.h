/* SPDX-License-Identifier: MIT */
/*
 * What probes saw, as HTML: of a record or of several folded into one (probes_fold.h), by the shape
 * that results/README.md gives to `probes`. Self-contained: nothing here knows cells or sessions,
 * so that a page about any watched process is made of the same parts. No script is needed.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdio.h>

#include "harness/util/err.h"
#include "reports/probes_view.h"

struct plot;

/* Numbers of pictures in a plot (plot.h), by role or opcode; 0 = none. */
#define PROBE_PICTURES_MAX 12

struct probe_picture {
	char title[80];
	unsigned number;
};

struct probe_pictures {
	struct plot *plot;
	struct probe_picture list[PROBE_PICTURES_MAX];
	unsigned n;
};

/* Draws off-CPU, run-queue and CQE histograms into an open plot; call before plot_run. */
void probes_plan(struct plot *p, const struct probes_view *v, struct probe_pictures *ret);

/* Everything, in the order a reader asks: time, flame graph, wakers, locks, CQEs, calls, devices,
 * histograms (`pictures` may be NULL), what the probes lost and cost. -errno with err filled only
 * where a picture cannot be read. */
int probes_html(FILE *out, const struct probes_view *v, const struct probe_pictures *pictures,
		struct err *err);

/* A whole page around it, without script: title, lines below it (ended by NULL), then the parts. */
int probes_page(FILE *out, const char *title, const char *const *lines, const struct probes_view *v,
		const struct probe_pictures *pictures, struct err *err);

/* The parts. Each writes nothing where its probe was not chosen. */
void probes_html_patterns(FILE *out); /* once in a page, before any bar or flame graph */
void probes_html_time(FILE *out, const struct probes_view *v);
void probes_html_flame(FILE *out, const struct probes_view *v);
void probes_html_wakers(FILE *out, const struct probes_view *v);
void probes_html_locks(FILE *out, const struct probes_view *v);
void probes_html_cqe(FILE *out, const struct probes_view *v);
void probes_html_calls(FILE *out, const struct probes_view *v);
void probes_html_block(FILE *out, const struct probes_view *v);

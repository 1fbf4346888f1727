/* SPDX-License-Identifier: MIT */
/*
 * Pictures: a script for gnuplot is written piece by piece, run once for all of them, and each SVG
 * is then copied into a page. A picture is one of the templates in plot/, fed with data blocks.
 *
 *	plot_open -> (plot_add, plot_axis..., data into plot_script)* -> plot_run -> plot_inline*
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "harness/util/err.h"

struct plot;

int plot_open(struct plot **ret, struct err *err);
/* Starts a picture; returns its number (from 1). */
unsigned plot_add(struct plot *p);
FILE *plot_script(struct plot *p);

struct plot_axis {
	char name;	  /* 'x' or 'y' */
	double low, high; /* of the data */
	bool log, from_zero;
	const char *unit;  /* as in harness/metric.h */
	const char *label; /* NULL = none */
};

/* Range and labelled tics: 1-2-5 steps, decades on long logarithmic axes. */
void plot_axis(struct plot *p, const struct plot_axis *axis);
/* A text in gnuplot quotes; whatever could end or expand it becomes '?'. */
void plot_text(struct plot *p, const char *text);
/* Ends the picture that plot_add started: "throughput", "latency", "percentile", "histogram",
 * "trend". */
void plot_draw(struct plot *p, const char *template);

/* -ENOENT with a text that names the package when there is no gnuplot. */
int plot_run(struct plot *p, struct err *err);
/* Copies a picture as inline SVG, named `label` for screen readers. */
int plot_inline(struct plot *p, unsigned number, const char *label, FILE *out, struct err *err);
void plot_close(struct plot *p); /* NULL is fine; removes every file */

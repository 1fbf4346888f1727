/* SPDX-License-Identifier: MIT */
/*
 * Reports: a results folder in, one format out. They read the store only (results/README.md is the
 * contract), so a report of an old session or of another machine is as good as one of now.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "harness/util/err.h"

struct registry;

struct report_options {
	const char *dir;
	unsigned width;		    /* columns of the text table; 0 = 120 */
	bool colour;		    /* text: a terminal reads it */
	bool plots;		    /* html: with pictures, which needs gnuplot */
	const struct registry *reg; /* units and defaults of knobs; NULL: they are not known */
};

/* 0, or -errno with err filled; something may have been written to `out` by then. */
typedef int (*report_fn)(const struct report_options *options, FILE *out, struct err *err);

struct report_writer {
	const char *name;
	const char *help;
	const char *file; /* where it goes by default, inside the results folder; NULL = stdout */
	report_fn write;
};

extern const struct report_writer report_writers[]; /* ended by a NULL name */

const struct report_writer *report_find(const char *name);

int report_text(const struct report_options *options, FILE *out, struct err *err);
int report_json(const struct report_options *options, FILE *out, struct err *err);
int report_csv(const struct report_options *options, FILE *out, struct err *err);
int report_hdr(const struct report_options *options, FILE *out, struct err *err);
int report_html(const struct report_options *options, FILE *out, struct err *err);

/* Width and colour of text as `out` allows. */
struct report_options report_options_for(const char *dir, FILE *out);
/* The text table as `uhbench run` prints it at its end: width and colour as `out` allows. */
int report_table(const char *dir, const struct registry *reg, FILE *out, struct err *err);

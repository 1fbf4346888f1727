/* SPDX-License-Identifier: MIT */
/* Tables and figures of the HTML parts about probes. All text is escaped here. */
#pragma once

#include <stdio.h>

#include "reports/probes_view.h"

/* The first rows of a table; more than these nobody reads, and the record has them all. */
#define ROWS_SHOWN 15

/* Titles ended by NULL; "#" in front: figures stand right; "@" at the end: per operation or second,
 * and "#@" alone, a count's, is no column where figures are totals. */
void rows_open(FILE *out, const struct probes_view *v, const char *const *titles);
/* Says how many rows of `total` are not shown. */
void rows_close(FILE *out, int total);
void rows_begin(FILE *out);
void rows_end(FILE *out);
void rows_text(FILE *out, const char *text);
void rows_figure(FILE *out, double v, const char *unit); /* "-" where not known */
void rows_share(FILE *out, double share);
/* A stack to be folded out behind its telling frame. */
void rows_stack(FILE *out, const cJSON *stack);
/* Section title and what is said beside it. */
void rows_title(FILE *out, const char *title, const char *small);

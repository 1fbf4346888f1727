/* SPDX-License-Identifier: MIT */
/* What `uhbench history` writes; cmd_history.c tells the story. */
#pragma once

#include <stdio.h>
#include <time.h>

#include "harness/history/trend.h"
#include "harness/util/err.h"

/* A paragraph for each series. */
void history_text(const struct trends *t, FILE *out);
/* results/README.md has the shape. -ENOMEM. */
int history_json(const struct trends *t, FILE *out);
/* Pictures of the series, those with steps first, as one SVG that stands alone; at most
 * HISTORY_PICTURES, *ret_left_out says of how many more there is none. */
#define HISTORY_PICTURES 40
int history_svg(const struct trends *t, const char *path, size_t *ret_left_out, struct err *err);
/* Puts a folder of results into the history beside it, or says on stderr why not: what was measured
 * is no worse for it. */
void history_note(const char *folder);
/* Those of the folders, or in them, whose results were written since; ended by NULL. */
void history_note_since(const char *const *folders, time_t since);

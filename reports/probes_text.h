/* SPDX-License-Identifier: MIT */
/*
 * What probes saw, as text: a summary of a few lines, and the full tables. Like probes_html.h these
 * take one `probes` object and know nothing of cells.
 */
#pragma once

#include <stdio.h>

#include "reports/probes_view.h"

/* The top classes of every role, closure, the top kernel lock and futex, completion to reaping,
 * what the probes cost; each line behind `indent`. */
void probes_text_short(FILE *out, const struct probes_view *v, const char *indent);
/* Tables in at most `width` columns: time by role and class, wakers, locks, futexes, rings, system
 * calls, devices, then what each probe lost and cost. `rows` of each at most. -ENOMEM. */
int probes_text_tables(FILE *out, const struct probes_view *v, unsigned width, unsigned rows);

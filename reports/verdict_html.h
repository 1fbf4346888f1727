/* SPDX-License-Identifier: MIT */
/* The page of a gate, in parts: verdict_html.c puts it together. */
#pragma once

#include <stdio.h>

#include "reports/verdict_pairs.h"

/* Every row as a table that sorts and filters. */
void verdict_html_rows(FILE *out, const struct verdicts *v);
/* Cell by cell, worst first, to be folded out: the pairs of each metric. */
void verdict_html_cells(FILE *out, const struct verdicts *v, const struct pairs *pairs);
void verdict_html_control(FILE *out, const struct verdicts *v, const struct pairs *pairs);

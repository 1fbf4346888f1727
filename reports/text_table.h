/* SPDX-License-Identifier: MIT */
/* One workload as a text table: axes and knobs that vary, then the figures, then remarks. */
#pragma once

#include <stdio.h>

#include "reports/group.h"
#include "reports/report.h"

struct text_figure {
	const char *over, *title; /* two lines of a head: "intended", "p99" */
	const char *metric;
	int drop;	/* the highest is left out first where it gets narrow */
	bool open_loop; /* only where a rate is offered */
};

#define TEXT_FIGURES 5
extern const struct text_figure text_figures[TEXT_FIGURES];

/* -ENOMEM. */
int text_table(const struct group *g, const struct report_options *o, FILE *out);
/* Where targets tell more than metrics: what the figures are made of (evidence.h). -ENOMEM. */
int text_evidence(const struct group *g, const struct report_options *o, FILE *out);

// SPDX-License-Identifier: MIT
/*
 * Where the time of an operation went, stage by stage: for each cell a bar, as wide as the mean
 * operation, cut into its stages and what could not be joined. All bars are of the same width, so
 * that shares are compared; the time that they stand for is said beside them.
 */
#include <math.h>
#include <string.h>

#include "reports/evidence.h"
#include "reports/fmt.h"
#include "reports/html.h"
#include "reports/html_class.h"

/* Neighbours that are told apart without colours, too. */
static const struct class_look looks[DETAIL_STAGES_MAX] = {
	{"", 0, NULL},	    {"", 4, "p-hatch"}, {"", 1, NULL},	    {"", 3, "p-dots"},
	{"", 2, "p-hatch"}, {"", 5, NULL},	{"", 7, "p-hatch"}, {"", 6, NULL},
};

static void put_legend(FILE *out, const struct stage_split *split)
{
	fputs("<ul class=\"legend\">", out);
	for (unsigned i = 0; i < split->n; i++) {
		fputs("<li><svg class=\"swatch\" width=\"20\" height=\"12\" aria-hidden=\"true\">",
		      out);
		class_rect(out, &looks[i], "width=\"20\" height=\"12\"", 0.6);
		fputs("</svg><span><b>", out);
		html_text(out, split->list[i].name);
		fputs("</b> ", out);
		html_printf(out, "%s \u2192 %s", split->list[i].from, split->list[i].to);
		fputs("</span></li>", out);
	}
	fputs("</ul>\n", out);
}

static void put_segment(FILE *out, const struct stage *stage, const struct class_look *look,
			double at, double width)
{
	char mean[FMT_MAX], place[80];

	fprintf(out, "<svg x=\"%.4f%%\" width=\"%.4f%%\" height=\"%d\"><title>", at * 100,
		width * 100, CLASS_BAR_PX);
	html_printf(out, "%s: %s, %.2f %% (%s to %s)%s%s", stage->name,
		    fmt_value(mean, stage->mean_ns, "ns", true), stage->share * 100, stage->from,
		    stage->to, *stage->says ? "; " : "", stage->says);
	fputs("</title>", out);
	snprintf(place, sizeof(place), "x=\"0\" y=\"0\" width=\"100%%\" height=\"%d\"",
		 CLASS_BAR_PX);
	class_rect(out, look, place, 0.6);
	class_label(out, stage->name, width);
	fputs("</svg>", out);
}

static void put_rest(FILE *out, const struct stage_split *split, double at)
{
	if (at > 0.9995)
		return;
	fprintf(out,
		"<svg x=\"%.4f%%\" width=\"%.4f%%\" height=\"%d\"><title>not joined: %.2f %% of the "
		"time, %.2f %% of the operations</title><rect width=\"100%%\" height=\"%d\" "
		"class=\"gap\"/>",
		at * 100, (1 - at) * 100, CLASS_BAR_PX, split->rest * 100, split->missed * 100,
		CLASS_BAR_PX);
	class_label(out, "not joined", 1 - at);
	fputs("</svg>", out);
}

static void put_bar(FILE *out, const struct section *s, size_t i, const struct stage_split *split)
{
	char name[300], mean[FMT_MAX];
	double whole = split->rest, at = 0;

	for (unsigned k = 0; k < split->n; k++)
		whole += split->list[k].share;
	group_name(s->group, i, name, sizeof(name));
	fputs("<p class=\"role\"><b>", out);
	html_text(out, name);
	fputs("</b> ", out);
	html_printf(out, "%s on average, %.1f %% of the time not joined",
		    fmt_value(mean, split->mean_ns, "ns", true), split->rest * 100);
	fprintf(out,
		"</p>\n<svg class=\"tbar\" width=\"100%%\" height=\"%d\" role=\"img\" "
		"aria-label=\"stages\">",
		CLASS_BAR_PX);
	for (unsigned k = 0; k < split->n; k++) {
		double width = split->list[k].share / whole;

		if (width > 0)
			put_segment(out, &split->list[k], &looks[k], at, width);
		at += width;
	}
	put_rest(out, split, at);
	fputs("</svg>\n", out);
}

void html_stage_bars(const struct page *page, const struct section *s)
{
	FILE *out = page->out;
	struct stage_split split;
	bool head = false;

	for (size_t i = 0; i < s->group->n_cells; i++) {
		if (!evidence_stages(s->group->cells[i], &split))
			continue;
		if (!head) {
			fputs("<h3>", out);
			html_text(out, split.title);
			fputs(" <small>of the mean time of an operation</small></h3>\n"
			      "<div class=\"probes stages\">\n",
			      out);
			put_legend(out, &split);
		}
		head = true;
		put_bar(out, s, i, &split);
	}
	fputs(head ? "</div>\n" : "", out);
}

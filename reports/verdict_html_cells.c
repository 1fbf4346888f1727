// SPDX-License-Identifier: MIT
/*
 * The pairs of each cell, as pictures behind a line that folds them out, in the order of the worst
 * of their rows. The first ones are open: they are what a reader came for.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/get.h"
#include "reports/html.h"
#include "reports/verdict_html.h"
#include "reports/verdict_words.h"

#define OPEN_MAX     3
#define PICTURES_MAX 3000 /* some 8 MB */

static void put_legend(FILE *out)
{
	fputs("<ul class=\"legend\">"
	      "<li><svg viewBox=\"0 0 30 12\" class=\"key c0\" aria-hidden=\"true\">"
	      "<path class=\"g-dots\" d=\"M15 6h0\"/></svg>base ran first</li>"
	      "<li><svg viewBox=\"0 0 30 12\" class=\"key c1\" aria-hidden=\"true\">"
	      "<path class=\"g-dots\" d=\"M15 6h0\"/></svg>head ran first</li>"
	      "<li><svg viewBox=\"0 0 30 12\" class=\"key c0\" aria-hidden=\"true\">"
	      "<path class=\"g-dots g-old\" d=\"M15 6h0\"/></svg>pair of another stage</li>"
	      "<li><svg viewBox=\"0 0 30 12\" class=\"key\" aria-hidden=\"true\">"
	      "<path class=\"g-dots g-off\" d=\"M15 6h0\"/></svg>discarded pair</li>"
	      "<li><svg viewBox=\"0 0 30 12\" class=\"key\" aria-hidden=\"true\">"
	      "<rect class=\"g-band\" width=\"30\" height=\"12\"/><path class=\"g-est\" d=\"M0 6H30\"/>"
	      "</svg>estimate and its 95 % interval, over the pairs that decided</li>"
	      "<li><svg viewBox=\"0 0 30 12\" class=\"key\" aria-hidden=\"true\">"
	      "<path class=\"g-target\" d=\"M0 6H30\"/></svg>what the gate is asked to see</li>"
	      "<li>above 0: head is worse; a triangle: beyond the picture</li></ul>\n",
	      out);
}

static void put_caption(FILE *out, const struct verdicts *v, const struct verdict_row *row)
{
	char change[WORDS_MAX], pairs[FMT_MAX];

	fputs("<figcaption>", out);
	html_name(out, row->metric);
	fprintf(out, ": <span class=\"v-%s\">%s</span>, ", verdict_names[row->what],
		verdict_names[row->what]);
	html_printf(out, "%s, pairs %s%s", words_change(change, row), words_pairs(pairs, v, row),
		    row->gated ? "" : ", fails nothing");
	fputs("</figcaption>", out);
}

static void put_figure(FILE *out, const struct verdicts *v, const struct verdict_row *row,
		       const struct pair_series *series)
{
	char label[LABEL_SIZE], name[LABEL_SIZE + 80];

	snprintf(name, sizeof(name), "effects of the pairs, %.60s of %s", row->metric,
		 words_label(label, verdict_cell_of(v, row), LABEL_MAX));
	fputs("<figure>", out);
	put_caption(out, v, row);
	pairs_picture(out, series, row, name);
	fputs("</figure>\n", out);
}

static void put_figures(FILE *out, const struct verdicts *v, const struct pairs *pairs,
			const struct verdict_cell *cell, unsigned *left)
{
	fputs("<div class=\"pair\">", out);
	for (unsigned i = 0; i < cell->n_rows; i++) {
		unsigned k = cell->first + i;

		if (!pairs->rows[k].n || !*left)
			continue;
		(*left)--;
		put_figure(out, v, &v->rows[k], &pairs->rows[k]);
	}
	fputs("</div>\n", out);
}

static void put_failure(FILE *out, const struct verdict_cell *cell)
{
	if (!cell->broken)
		return;
	fputs("<p class=\"doubts\">", out);
	html_printf(out, "%s %s: %s", cell->side, cell->status, cell->reason);
	fputs("</p>\n", out);
}

static void put_cell(FILE *out, const struct verdicts *v, const struct pairs *pairs,
		     const struct verdict_row *worst, bool open, unsigned *left)
{
	const struct verdict_cell *cell = verdict_cell_of(v, worst);
	char label[LABEL_SIZE];

	fputs("<details class=\"cell\" id=\"c-", out);
	html_text(out, cell->id);
	fprintf(out, "\"%s><summary><b>", open ? " open" : "");
	html_text(out, words_label(label, cell, LABEL_MAX));
	fprintf(out, "</b> <span class=\"v-%s\">%s</span>", verdict_names[worst->what],
		verdict_names[worst->what]);
	html_printf(out, " %.0f pairs, %.0f discarded", fmax(cell->pairs, 0),
		    fmax(cell->discarded, 0));
	fputs("</summary>\n", out);
	put_failure(out, cell);
	put_figures(out, v, pairs, cell, left);
	fputs("</details>\n", out);
}

void verdict_html_cells(FILE *out, const struct verdicts *v, const struct pairs *pairs)
{
	_cleanup_free_ bool *done = calloc(v->n_cells + 1, sizeof(*done));
	unsigned left = PICTURES_MAX, shown = 0;

	if (!v->paired || !done)
		return;
	fputs("<section><h2 id=\"pairs\">pairs <small>each in the order in which it was measured"
	      "</small></h2>\n",
	      out);
	put_legend(out);
	fputs("<div class=\"cells\">\n", out);
	for (unsigned i = 0; i < v->n_rows; i++) {
		const struct verdict_row *row = v->order[i];

		if (done[row->cell])
			continue;
		done[row->cell] = true;
		put_cell(out, v, pairs, row, shown++ < OPEN_MAX && row->what < VERDICT_UNCHANGED,
			 &left);
	}
	fputs("</div>\n", out);
	if (!left)
		fprintf(out,
			"<p class=\"dim\">%d pictures, and no more: pairs.jsonl has all.</p>\n",
			PICTURES_MAX);
	if (pairs->torn)
		fputs("<p class=\"doubts\">The last pair was cut short and is left out.</p>\n",
		      out);
	fputs("</section>\n", out);
}

void verdict_html_control(FILE *out, const struct verdicts *v, const struct pairs *pairs)
{
	const struct verdict_row row = {
		.metric = "throughput",
		.what = cJSON_IsTrue(get(v->control, "contaminated")) ? VERDICT_FAILED
								      : VERDICT_UNCHANGED,
		.stage = "",
		.estimate = get_number(v->control, "estimate"),
		.low = get_number(v->control, "low"),
		.high = get_number(v->control, "high"),
		.effect = NAN,
	};
	char text[WORDS_MAX];

	if (!v->control)
		return;
	fputs("<section><h2 id=\"control\">control <small>base against a copy of base: nothing but "
	      "noise, or the machine is not fit to be measured on</small></h2>\n<p class=\"meta\">",
	      out);
	html_text(out, words_control(text, v));
	fputs("</p>\n<div class=\"pair\">", out);
	if (pairs->control.n) {
		fputs("<figure>", out);
		pairs_picture(out, &pairs->control, &row, "effects of the control's pairs");
		fputs("</figure>", out);
	}
	fputs("</div></section>\n", out);
}

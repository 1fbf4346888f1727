// SPDX-License-Identifier: MIT
/* The pictures of one workload: scaling, latency of the best, and single cells to be folded out. */
#include <math.h>

#include "reports/fmt.h"
#include "reports/html.h"

static const unsigned marker_of[8] = {6, 4, 8, 12, 10, 14, 5, 3}; /* as in plot/style.gp */

void html_legend(const struct page *page, const struct section *s, int latency)
{
	FILE *out = page->out;

	fputs("<ul class=\"legend\">", out);
	for (unsigned t = 0; t < s->group->n_targets; t++) {
		fprintf(out,
			"<li><svg viewBox=\"0 0 30 12\" class=\"key c%u\" aria-hidden=\"true\">"
			"<path d=\"M0 6H30\" stroke=\"currentColor\" stroke-width=\"2\"/>"
			"<use href=\"#gpPt%u\" transform=\"translate(15,6) scale(4)\"/></svg>",
			s->series[t], marker_of[s->series[t]]);
		html_text(out, s->group->targets[t]);
		fputs("</li>", out);
	}
	if (latency)
		fputs("<li class=\"dim\"><svg viewBox=\"0 0 30 12\" class=\"key\" aria-hidden=\"true\">"
		      "<path d=\"M0 6H30\" stroke=\"currentColor\" stroke-width=\"2\"/></svg>p50</li>"
		      "<li class=\"dim\"><svg viewBox=\"0 0 30 12\" class=\"key\" aria-hidden=\"true\">"
		      "<path d=\"M0 6H30\" stroke=\"currentColor\" stroke-width=\"2\" "
		      "stroke-dasharray=\"6 4\"/></svg>p99</li>",
		      out);
	fputs("</ul>\n", out);
}

static int put_picture(const struct page *page, unsigned number, const char *title, const char *of)
{
	char label[256];

	if (!number)
		return 0;
	fprintf(page->out, "<figure><figcaption>%s</figcaption>", title);
	snprintf(label, sizeof(label), "%s, %s", title, of);
	if (plot_inline(page->plot, number, label, page->out, page->err))
		return -1;
	fputs("</figure>\n", page->out);
	return 0;
}

int html_pair(const struct page *page, const struct figure *f, const char *of)
{
	int err;

	fputs("<div class=\"pair\">", page->out);
	err = put_picture(page, f->left, f->left_title, of);
	err = err ? err : put_picture(page, f->right, f->right_title, of);
	fputs("</div>\n", page->out);
	return err;
}

static int put_figure(const struct page *page, const struct figure *f)
{
	fputs("<h3>", page->out);
	html_text(page->out, f->title);
	if (*f->caption) {
		fputs(" <small>", page->out);
		html_text(page->out, f->caption);
		fputs("</small>", page->out);
	}
	fputs("</h3>\n", page->out);
	return html_pair(page, f, f->title);
}

int html_figures(const struct page *page, const struct section *s)
{
	int err = 0;

	if (s->pictures.n_scaling) {
		html_legend(page, s, 1);
		for (unsigned i = 0; !err && i < s->pictures.n_scaling; i++)
			err = put_figure(page, &s->pictures.scaling[i]);
	}
	if (err || !s->pictures.overlay.left)
		return err;
	if (!s->pictures.n_scaling)
		html_legend(page, s, 0);
	return put_figure(page, &s->pictures.overlay);
}

int html_cells(const struct page *page, const struct section *s)
{
	size_t left_out = s->group->n_cells - s->pictures.n_cells;
	int err = 0;

	if (!s->pictures.n_cells)
		return 0;
	fputs("<h3>single cells <small>", page->out);
	fputs(page->plot ? "percentile curve, distribution and all metrics"
			 : "those that probes watched, or whose target tells more",
	      page->out);
	if (left_out && page->plot)
		fprintf(page->out,
			"; the %u with most to tell, %zu more are in the table and in the other formats",
			s->pictures.n_cells, left_out);
	fputs("</small></h3>\n<div class=\"cells\">\n", page->out);
	for (unsigned i = 0; !err && i < s->pictures.n_cells; i++)
		err = html_cell(page, s, &s->pictures.cells[i]);
	fputs("</div>\n", page->out);
	return err;
}

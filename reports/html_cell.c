// SPDX-License-Identifier: MIT
/* One cell to be folded out: its curve and distribution, all metrics, and what probes saw. */
#include <math.h>

#include "harness/util/cleanup.h"
#include "reports/fmt.h"
#include "reports/html.h"
#include "reports/perturb.h"
#include "reports/probes_fold.h"

static struct probes_sum *sum_of(const struct section *s, unsigned k)
{
	const struct cell_sum *cell = s->group->cells[s->pictures.cells[k].cell];

	return cell->probed ? cell->probed->probes : NULL;
}

void html_want_probes(const struct section *s, unsigned k)
{
	struct probes_sum *sum = sum_of(s, k);

	if (sum)
		sum->whole = true;
}

void html_plan_probes(const struct page *page, struct section *s, unsigned k, unsigned *left)
{
	const struct probes_sum *sum = sum_of(s, k);
	struct probe_pictures *pics = &s->pictures.cells[k].probes;
	struct probes_view view;

	if (!sum || *left < PROBE_PICTURES_MAX)
		return;
	view = probes_sum_view(sum);
	probes_plan(page->plot, &view, pics);
	*left -= pics->n;
}

/* What watching cost, before anything that watching saw. */
static void put_perturbation(FILE *out, const struct cell_sum *cell)
{
	char text[200];

	fprintf(out, "<h4>With probes <small>%u run%s</small></h4>\n<ul class=\"notes\">",
		cell->probed->runs[STATUS_OK], cell->probed->runs[STATUS_OK] == 1 ? "" : "s");
	for (int k = 0; k < FIGURE_COUNT; k++) {
		struct perturbation p = perturb(cell, (enum figure_kind)k);

		perturb_text(&p, (enum figure_kind)k, text, sizeof(text));
		fprintf(out, "<li%s>", perturb_large(&p) ? " class=\"warned\"" : "");
		html_text(out, text);
		fputs("</li>", out);
	}
	if (perturb_watched_text(cell, text, sizeof(text))) {
		fputs("<li>", out);
		html_text(out, text);
		fputs("</li>", out);
	}
	fputs("</ul>\n", out);
}

static int put_probes(const struct page *page, const struct cell_sum *cell,
		      const struct cell_figure *f)
{
	struct probes_view view;

	if (!cell->probed)
		return 0;
	put_perturbation(page->out, cell);
	if (!cell->probed->probes || !cell->probed->probes->probes)
		return 0;
	view = probes_sum_view(cell->probed->probes);
	view.frames = page->frames;
	return probes_html(page->out, &view, &f->probes, page->err);
}

static void put_metrics(FILE *out, const struct cell_sum *cell)
{
	char a[FMT_MAX], b[FMT_MAX], c[FMT_MAX];

	fputs("<div class=\"scroll\"><table class=\"plain\"><thead><tr><th>metric</th><th "
	      "class=\"n\">median</th><th class=\"n\">min</th><th class=\"n\">max</th><th "
	      "class=\"n\">runs</th><th></th></tr></thead><tbody>\n",
	      out);
	for (unsigned i = 0; i < cell->n_metrics; i++) {
		const struct metric_sum *m = &cell->metrics[i];

		fputs("<tr><th scope=\"row\">", out);
		html_name(out, m->name);
		fputs("</th><td class=\"n\">", out);
		html_text(out, fmt_value(a, metric_median(m), m->unit, true));
		fputs("</td><td class=\"n\">", out);
		html_text(out, fmt_value(b, metric_min(m), m->unit, true));
		fputs("</td><td class=\"n\">", out);
		html_text(out, fmt_value(c, metric_max(m), m->unit, true));
		fprintf(out, "</td><td class=\"n\">%u</td><td class=\"dim\">", m->n);
		html_text(out, m->reason ? m->reason : "");
		fputs("</td></tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
}

int html_cell(const struct page *page, const struct section *s, const struct cell_figure *f)
{
	const struct cell_sum *cell = s->group->cells[f->cell];
	bool open_loop = group_open_loop(cell);
	char label[256], a[FMT_MAX], b[FMT_MAX];
	int err;

	group_label(s->group, f->cell, label, sizeof(label));
	fputs("<details class=\"cell\" id=\"c-", page->out);
	html_text(page->out, cell->id);
	fprintf(page->out, "\"><summary><i class=\"dot c%u\"></i><b>",
		s->series[group_target_index(s->group, cell->target)]);
	html_text(page->out, label);
	fprintf(page->out, "</b> <span class=\"dim\">%s, %sp99 %s</span></summary>\n",
		fmt_value(a, cell_median(cell, "throughput"), "1/s", true),
		open_loop ? "intended " : "",
		fmt_value(b, cell_median(cell, open_loop ? "intended_p99" : "latency_p99"), "ns",
			  true));
	err = f->figure.left ? html_pair(page, &f->figure, label) : 0;
	put_metrics(page->out, cell);
	html_details(page->out, cell);
	err = err ? err : put_probes(page, cell, f);
	fputs("<details class=\"raw\"><summary>cell ", page->out);
	html_text(page->out, cell->id);
	fputs("</summary><pre>", page->out);
	html_text(page->out, cell->json);
	fputs("</pre></details></details>\n", page->out);
	return err;
}

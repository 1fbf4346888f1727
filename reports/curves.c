// SPDX-License-Identifier: MIT
/*
 * Pictures of a merged histogram: the percentile curve over 1 / (1 - q), which shows the tail as
 * wide as the body, and the distribution itself in boxes of equal width on a logarithmic axis.
 */
#include <math.h>

#include "harness/hist.h"
#include "harness/util/cleanup.h"
#include "reports/pictures.h"

#define BOXES	  56
#define BOX_RATIO 1.02 /* no narrower than two buckets */

/* One point for each bucket where its first value stands; thinned where the picture cannot show it.
 */
static void put_curve(FILE *out, const struct hist_sum *h)
{
	double before = 0, last_x = 0, last_y = 0;

	for (unsigned i = 0; i < h->n; i++) {
		double x = (double)h->count / ((double)h->count - before);
		double y =
			fmin(fmax((double)hist_high(h->index[i]), (double)h->min), (double)h->max);

		before += (double)h->counts[i];
		if (i && i + 1 < h->n && x < last_x * 1.03 && y < last_y * 1.03)
			continue;
		fprintf(out, "%.6g %.6g\n", x, y);
		last_x = x;
		last_y = y;
	}
	fprintf(out, "%.6g %.6g\n", (double)h->count, (double)h->max);
}

/* Tics at 0 %, 90 %, 99 %, ...; every other one is named when they would run into each other. */
static void put_nines(FILE *out, double most)
{
	static const char *const names[] = {"0 %%",	  "90 %%",    "99 %%",
					    "99.9 %%",	  "99.99 %%", "99.999 %%",
					    "99.9999 %%", "7 nines",  "8 nines"};

	fputs("set xtics (", out);
	for (unsigned i = 0; i < array_size(names); i++)
		fprintf(out, "%s'%s' 1e%u", i ? ", " : "", most > 2e4 && i % 2 ? "" : names[i], i);
	fputs(")\n", out);
}

unsigned curves_percentiles(struct plot *p, const struct hist_sum *const *hists,
			    const unsigned *series, unsigned n)
{
	FILE *out = plot_script(p);
	double low = INFINITY, high = 0, most = 0;
	unsigned number = plot_add(p);

	fprintf(out, "$d << E\n");
	for (unsigned i = 0; i < n; i++) {
		fputs(i ? "\n\n" : "", out);
		put_curve(out, hists[i]);
		low = fmin(low, fmax((double)hists[i]->min, 1));
		high = fmax(high, (double)hists[i]->max);
		most = fmax(most, (double)hists[i]->count);
	}
	fprintf(out, "E\nseries = '");
	for (unsigned i = 0; i < n; i++)
		fprintf(out, " %u", series[i]);
	fprintf(out, "'\nset logscale x 10\nset xrange [1:%.9g]\n", fmax(most, 100));
	put_nines(out, most);
	plot_axis(p, &(struct plot_axis){
			     .name = 'y', .low = low, .high = high, .log = true, .unit = "ns"});
	plot_draw(p, "percentile");
	return number;
}

/* Share of a picture's width below which two labels in their middle overlap. */
#define LABELS_WIDTH 0.12

static double quantile(const struct hist_sum *h, double q)
{
	uint64_t rank = (uint64_t)ceil(q * (double)h->count), seen = 0;

	for (unsigned i = 0; i < h->n; i++) {
		seen += h->counts[i];
		if (seen >= rank)
			return fmin(
				fmax((double)(hist_low(h->index[i]) + hist_high(h->index[i])) / 2,
				     (double)h->min),
				(double)h->max);
	}
	return (double)h->max;
}

/* Spreads each bucket over the boxes it covers, in percent of all operations. */
static void fill_boxes(const struct hist_sum *h, double low, double ratio, unsigned n, double *box)
{
	for (unsigned i = 0; i < h->n; i++) {
		double from = fmax((double)hist_low(h->index[i]), low);
		double to = (double)hist_high(h->index[i]) + 1, width = to - from;
		double share = 100.0 * (double)h->counts[i] / (double)h->count;

		for (unsigned k = 0; k < n; k++) {
			double left = low * pow(ratio, k), right = left * ratio;
			double overlap = fmin(right, to) - fmax(left, from);

			if (overlap > 0 && width > 0)
				box[k] += share * overlap / width;
		}
	}
}

unsigned curves_histogram(struct plot *p, const struct hist_sum *h, unsigned series)
{
	FILE *out = plot_script(p);
	double p50 = quantile(h, 0.5), p99 = quantile(h, 0.99);
	double low = fmax(quantile(h, 0.01), 1) / 1.01,
	       high = fmax(quantile(h, 0.999), low * 1.2) * 1.01;
	double ratio = fmax(pow(high / low, 1.0 / BOXES), BOX_RATIO), box[BOXES] = {0}, top = 0;
	unsigned number = plot_add(p), n = 0;

	while (n < BOXES && low * pow(ratio, n) < high)
		n++;
	fill_boxes(h, low, ratio, n, box);
	fprintf(out, "$d << E\n");
	for (unsigned k = 0; k < n; k++) {
		fprintf(out, "%.6g %.6g %.6g\n", low * pow(ratio, k), low * pow(ratio, k + 1),
			box[k]);
		top = fmax(top, box[k]);
	}
	fprintf(out, "E\nseries = '%u'\np50 = %.9g\np99 = %.9g\nclose = %d\n", series, p50, p99,
		log(p99 / p50) < LABELS_WIDTH * log(high / low));
	plot_axis(p, &(struct plot_axis){
			     .name = 'x', .low = low, .high = high, .log = true, .unit = "ns"});
	plot_axis(p, &(struct plot_axis){.name = 'y',
					 .low = 0,
					 .high = fmax(top * 1.08, 0.01),
					 .from_zero = true,
					 .unit = "1"});
	plot_draw(p, "histogram");
	return number;
}

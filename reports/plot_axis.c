// SPDX-License-Identifier: MIT
/*
 * Axes: gnuplot's own tics leave a logarithmic axis of less than a decade bare and write units its
 * own way, so ranges and labels are made here, in the same words as the tables.
 */
#include <math.h>
#include <string.h>

#include "reports/fmt.h"
#include "reports/plot.h"

#define TICS_MAX 40

static void put_tics(struct plot *p, const struct plot_axis *a, const double *at, unsigned n)
{
	FILE *out = plot_script(p);
	char label[FMT_MAX];

	fprintf(out, "set %ctics (", a->name);
	for (unsigned i = 0; i < n; i++) {
		/* "10k", not "10k/s": the caption has the unit; times need theirs */
		if (!strcmp(a->unit, "ns"))
			fmt_value(label, at[i], "ns", true);
		else
			fmt_count(label, at[i]);
		fmt_trim(label);
		fputs(i ? ", " : "", out);
		plot_text(p, label);
		fprintf(out, " %.9g", at[i]);
	}
	fputs(")\n", out);
}

static void log_axis(struct plot *p, const struct plot_axis *a, double low, double high)
{
	static const double steps[] = {1, 2, 5};
	double decades = log10(high / low), at[TICS_MAX];
	unsigned n = 0, every = decades > 7 ? 2 : 1;

	for (int e = (int)floor(log10(low)); e <= (int)ceil(log10(high)); e++) {
		for (unsigned s = 0; s < (decades < 2.2 ? 3u : 1u); s++) {
			double v = steps[s] * pow(10, e);

			if (v >= low * 0.999 && v <= high * 1.001 && n < TICS_MAX &&
			    e % (int)every == 0)
				at[n++] = v;
		}
	}
	fprintf(plot_script(p), "set logscale %c 10\nset %crange [%.9g:%.9g]\n", a->name, a->name,
		low, high);
	put_tics(p, a, at, n);
}

static void linear_axis(struct plot *p, const struct plot_axis *a, double low, double high)
{
	double raw = (high - low) / 5, power = pow(10, floor(log10(raw)));
	double step = raw / power > 5 ? 10 * power : raw / power > 2 ? 5 * power : 2 * power;
	double at[TICS_MAX];
	unsigned n = 0;

	if (raw / power <= 1)
		step = power;
	low = floor(low / step) * step;
	if (a->name == 'y') /* ends on a line of the grid */
		high = ceil(high / step) * step;
	for (double v = low; v <= high + step / 1000 && n < TICS_MAX; v += step)
		at[n++] = v;
	fprintf(plot_script(p), "set %crange [%.9g:%.9g]\n", a->name, low, high);
	put_tics(p, a, at, n);
}

void plot_axis(struct plot *p, const struct plot_axis *a)
{
	double low = a->from_zero && !a->log ? 0 : a->low, high = a->high;

	if (!(high > low)) { /* one value: room on both sides */
		low = a->log ? low / 1.5 : low - fmax(fabs(low) / 2, 1);
		high = a->log ? high * 1.5 : high + fmax(fabs(high) / 2, 1);
	}
	if (a->log)
		log_axis(p, a, low / 1.15, high * 1.15);
	else
		linear_axis(p, a, low, high + (high - low) * 0.04);
	if (!a->label)
		return;
	fprintf(plot_script(p), "set %clabel ", a->name);
	plot_text(p, a->label);
	fputc('\n', plot_script(p));
}

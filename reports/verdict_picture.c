// SPDX-License-Identifier: MIT
/*
 * Pictures of pairs, as SVG that takes its colours from the page. All points of one kind are one
 * path of strokes without length, whose round caps are the dots: a gate of a hundred cells draws
 * ten thousand of them, and an element for each would make the page ten times as large. A point far
 * beyond the others is drawn as a triangle at the edge, so that one stall does not flatten the
 * rest.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/order.h"
#include "reports/fmt.h"
#include "reports/html.h"
#include "reports/verdict_pairs.h"

#define WIDTH  460
#define HEIGHT 180
#define LEFT   54
#define RIGHT  (WIDTH - 8)
#define TOP    8
#define BOTTOM (HEIGHT - 26)

#define STRIP_WIDTH 100
#define STRIP_EDGE  3

struct frame {
	FILE *out;
	const struct pair_series *series;
	const struct verdict_row *row;
	double low, high; /* of the axis */
};

static double x_of(const struct frame *f, double index)
{
	double step = (double)(RIGHT - LEFT) / max_of(f->series->n, 1u);

	return LEFT + (index + 0.5) * step;
}

static double y_of(const struct frame *f, double effect)
{
	double clipped = fmin(fmax(effect, f->low), f->high);

	return TOP + (f->high - clipped) / (f->high - f->low) * (BOTTOM - TOP);
}

/* Fresh pairs decide alone; what was decided at the first look, by those of stage 1. */
static bool decides(const struct frame *f, const struct pair_point *p)
{
	if (!strcmp(f->row->stage, "stage2"))
		return !p->discarded && p->stage == PAIR_STAGE2;
	if (!strcmp(f->row->stage, "stage1"))
		return !p->discarded && p->stage == PAIR_STAGE1;
	return !p->discarded;
}

/* The nine largest tenths of what was not discarded, and some room. */
static double usual_size(const struct pair_series *s)
{
	_cleanup_free_ double *sizes = calloc(s->n + 1, sizeof(*sizes));
	unsigned n = 0;

	for (unsigned i = 0; sizes && i < s->n; i++)
		if (!s->points[i].discarded)
			sizes[n++] = fabs(s->points[i].effect);
	if (!n)
		return 0;
	order_sort(sizes, n);
	return 1.6 * sizes[(n - 1) * 9 / 10];
}

static void include(struct frame *f, double v)
{
	if (!isfinite(v))
		return;
	f->low = fmin(f->low, v);
	f->high = fmax(f->high, v);
}

static void choose_axis(struct frame *f)
{
	double usual = usual_size(f->series), room;

	include(f, f->row->low);
	include(f, f->row->high);
	include(f, f->row->effect);
	include(f, -f->row->effect);
	for (unsigned i = 0; i < f->series->n; i++)
		if (!f->series->points[i].discarded)
			include(f, fmin(fmax(f->series->points[i].effect, -usual), usual));
	if (!(f->high > f->low))
		f->high = f->low + 0.01;
	room = (f->high - f->low) * 0.06;
	f->low -= room;
	f->high += room;
}

static void put_line(const struct frame *f, const char *class, double y, double from, double to)
{
	fprintf(f->out, "<path class=\"%s\" d=\"M%.1f %.1fH%.1f\"/>", class, from, y_of(f, y), to);
}

/* At most eight characters: there is room for no more. */
static const char *axis_label(char buf[FMT_MAX], double fraction)
{
	if (fabs(fraction) < 10)
		return fmt_percent(buf, fraction, true);
	snprintf(buf, FMT_MAX, "%+.3g%s %%", fraction < 1e4 ? fraction / 10 : fraction / 1e4,
		 fraction < 1e4 ? "k" : "M");
	return buf;
}

/* Steps of 1, 2 or 5, five of them or so. */
static void put_grid(const struct frame *f)
{
	double raw = (f->high - f->low) / 5, power = pow(10, floor(log10(raw)));
	double step = power * (raw / power > 5	 ? 10
			       : raw / power > 2 ? 5
			       : raw / power > 1 ? 2
						 : 1);
	char text[FMT_MAX];

	for (double k = ceil(f->low / step); k * step <= f->high; k++) {
		put_line(f, k == 0 ? "g-zero" : "g-grid", k * step, LEFT, RIGHT);
		fprintf(f->out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>", LEFT - 6,
			y_of(f, k * step) + 4, axis_label(text, k * step));
	}
	fprintf(f->out, "<text x=\"%d\" y=\"%d\">pair 1</text>", LEFT, HEIGHT - 8);
	fprintf(f->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%u</text>", RIGHT, HEIGHT - 8,
		f->series->n);
}

/* The pairs [*first, *end) that the interval is over. */
static void decisive_range(const struct frame *f, unsigned *first, unsigned *end)
{
	*first = *end = 0;
	for (unsigned i = 0; i < f->series->n; i++) {
		if (!decides(f, &f->series->points[i]))
			continue;
		*first = *end ? *first : i;
		*end = i + 1;
	}
}

static void put_fresh(const struct frame *f, unsigned first)
{
	double x = x_of(f, first - 0.5);

	fprintf(f->out,
		"<path class=\"g-fresh\" d=\"M%.1f %dV%d\"/>"
		"<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">fresh from %u</text>",
		x, TOP, BOTTOM, fmin(fmax(x, LEFT + 106), RIGHT - 76), HEIGHT - 8, first + 1);
}

static void put_interval(const struct frame *f)
{
	double top = y_of(f, f->row->high), bottom = y_of(f, f->row->low), from, to;
	unsigned first, end;

	decisive_range(f, &first, &end);
	from = x_of(f, first - 0.5);
	to = x_of(f, end - 0.5);
	if (first && !strcmp(f->row->stage, "stage2"))
		put_fresh(f, first);
	if (isfinite(f->row->low) && isfinite(f->row->high))
		fprintf(f->out,
			"<rect class=\"g-band\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
			from, top, fmax(to - from, 0), fmax(bottom - top, 1));
	if (isfinite(f->row->effect)) {
		put_line(f, "g-target", f->row->effect, LEFT, RIGHT);
		put_line(f, "g-target", -f->row->effect, LEFT, RIGHT);
	}
	if (isfinite(f->row->estimate))
		put_line(f, "g-est", f->row->estimate, from, to);
}

static bool beyond(const struct frame *f, const struct pair_point *p)
{
	return p->effect < f->low || p->effect > f->high;
}

static void put_point(const struct frame *f, unsigned i)
{
	const struct pair_point *p = &f->series->points[i];
	double x = x_of(f, i), y = y_of(f, p->effect);

	if (!beyond(f, p))
		fprintf(f->out, "M%.1f %.1fh0", x, y);
	else if (p->effect > f->high)
		fprintf(f->out, "M%.1f %dl3 5h-6z", x, TOP);
	else
		fprintf(f->out, "M%.1f %dl3 -5h-6z", x, BOTTOM);
}

/* One path for all points of a kind. */
static void put_points(const struct frame *f, const char *class, bool head_first, bool decisive,
		       bool discarded)
{
	bool open = false;

	for (unsigned i = 0; i < f->series->n; i++) {
		const struct pair_point *p = &f->series->points[i];

		if (p->discarded != discarded ||
		    (!discarded && (p->head_first != head_first || decides(f, p) != decisive)))
			continue;
		if (!open)
			fprintf(f->out, "<path class=\"g-dots %s\" d=\"", class);
		open = true;
		put_point(f, i);
	}
	fputs(open ? "\"/>" : "", f->out);
}

void pairs_picture(FILE *out, const struct pair_series *series, const struct verdict_row *row,
		   const char *label)
{
	struct frame f = {.out = out, .series = series, .row = row};

	choose_axis(&f);
	fprintf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
	html_text(out, label);
	fputs("\">", out);
	put_grid(&f);
	put_interval(&f);
	put_points(&f, "g-off", false, false, true);
	put_points(&f, "c0 g-old", false, false, false);
	put_points(&f, "c1 g-old", true, false, false);
	put_points(&f, "c0", false, true, false);
	put_points(&f, "c1", true, true, false);
	fputs("</svg>", out);
}

static double strip_x(double v, double most)
{
	double half = STRIP_WIDTH / 2.0 - STRIP_EDGE;

	return STRIP_WIDTH / 2.0 + half * fmin(fmax(v / most, -1), 1);
}

void pairs_strip(FILE *out, const struct verdict_row *row, double most)
{
	double low = isfinite(row->low) ? row->low : -most;
	double high = isfinite(row->high) ? row->high : most;

	if (!isfinite(row->estimate))
		return;
	fprintf(out,
		"<svg class=\"strip\" width=\"%d\" height=\"14\" viewBox=\"0 0 %d 14\" "
		"aria-hidden=\"true\"><path class=\"g-zero\" d=\"M%d 0V14\"/>",
		STRIP_WIDTH, STRIP_WIDTH, STRIP_WIDTH / 2);
	if (isfinite(row->effect))
		fprintf(out, "<path class=\"g-target\" d=\"M%.1f 0V14M%.1f 0V14\"/>",
			strip_x(-row->effect, most), strip_x(row->effect, most));
	if (isfinite(row->low) || isfinite(row->high))
		fprintf(out, "<path class=\"g-range\" d=\"M%.1f 7H%.1f\"/>", strip_x(low, most),
			fmax(strip_x(high, most), strip_x(low, most) + 1));
	fprintf(out, "<path class=\"g-dots\" d=\"M%.1f 7h0\"/></svg>",
		strip_x(row->estimate, most));
}

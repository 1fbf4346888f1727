// SPDX-License-Identifier: MIT
/*
 * The history as pictures: every session at the same distance, its value a dot, the levels as
 * lines, the steps between them dashed. The pictures are those of the HTML report's kind; here they
 * stand in a file of their own that any viewer shows, so colours are plain and the paper is white.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "harness/cli/history_write.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "reports/assets.h"
#include "reports/html.h"
#include "reports/plot.h"

#define WIDTH	460 /* of a picture, as style.gp has it */
#define HEIGHT	290
#define TITLE	44 /* two lines above a picture */
#define COLUMNS 2
#define TICS	4
#define DAY	10

struct colour {
	const char *name, *plain;
};

/* The variables that plot.c writes for the place-holders of style.gp. */
static const struct colour colours[] = {
	{"var(--s0)", "#2f66b5"},   {"var(--s1)", "#d4602a"},	{"var(--axis)", "#9a9fa6"},
	{"var(--grid)", "#eae8e3"}, {"var(--text)", "#565d66"}, {"var(--soft)", "#d9d7d2"},
};

static void put_points(FILE *out, const struct trend *t)
{
	fputs("$d << E\n", out);
	for (size_t i = 0; i < t->n; i++)
		if (!isnan(t->points[i].value))
			fprintf(out, "%zu %.9g\n", i, t->points[i].value);
	fputs("E\n", out);
}

/* Levels reach half-way to their neighbours. */
static void put_levels(FILE *out, const struct trend *t)
{
	const struct rankscan *r = &t->scan;
	double from = -0.5;

	fputs("$l << E\n", out);
	for (size_t i = 0; i <= r->n_steps; i++) {
		double to = (i < r->n_steps ? (double)r->steps[i].at : (double)t->n) - 0.5;
		double level = i < r->n_steps ? r->steps[i].before : r->level;

		fprintf(out, "%s%.9g %.9g\n%.9g %.9g\n", i ? "\n" : "", from, level, to, level);
		from = to;
	}
	fputs("E\n", out);
}

static void put_steps(FILE *out, const struct trend *t, double low, double high)
{
	fputs("$s << E\n", out);
	for (size_t i = 0; i < t->scan.n_steps; i++)
		fprintf(out, "%.9g %.9g %.9g\n", (double)t->scan.steps[i].at - 0.5, low, high);
	if (!t->scan.n_steps)
		fputs("NaN NaN NaN\n", out);
	fputs("E\n", out);
}

static void put_days(struct plot *p, const struct trend *t)
{
	FILE *out = plot_script(p);
	size_t every = (t->n + TICS - 1) / TICS;
	char day[DAY + 1];

	fprintf(out, "set xrange [-0.5:%zu.5]\nset xtics (", t->n - 1);
	for (size_t i = 0; i < t->n; i += every) {
		snprintf(day, sizeof(day), "%s", t->points[i].started);
		fputs(i ? ", " : "", out);
		plot_text(p, day);
		fprintf(out, " %zu", i);
	}
	fputs(")\n", out);
}

static unsigned add_picture(struct plot *p, const struct trend *t)
{
	FILE *out = plot_script(p);
	unsigned number = plot_add(p);
	double low = INFINITY, high = -INFINITY;

	for (size_t i = 0; i < t->n; i++) {
		low = fmin(low, t->points[i].value);
		high = fmax(high, t->points[i].value);
	}
	put_points(out, t);
	put_levels(out, t);
	put_steps(out, t, low, high);
	plot_axis(p, &(struct plot_axis){.name = 'y', .low = low, .high = high, .unit = t->unit});
	put_days(p, t);
	plot_draw(p, "trend");
	return number;
}

/* Copies SVG text with plain colours. */
static void put_plain(const char *text, FILE *out)
{
	while (*text) {
		const struct colour *c = colours, *end = colours + array_size(colours);

		while (c < end && strncmp(text, c->name, strlen(c->name)))
			c++;
		if (c < end) {
			fputs(c->plain, out);
			text += strlen(c->name);
		} else {
			fputc(*text++, out);
		}
	}
}

static void put_title(const struct trend *t, unsigned x, unsigned y, FILE *out)
{
	static const char fmt[] =
		"<text x=\"%u\" y=\"%u\" font-family=\"sans-serif\" font-size=\"%u\" fill=\"%s\">";

	fprintf(out, fmt, x + 8, y + 18, 14, "#22262b");
	html_text(out, t->label);
	fputs("</text>\n", out);
	fprintf(out, fmt, x + 8, y + 35, 12, "#68707a");
	html_text(out, t->metric);
	fputs(t->yardstick ? ", relative to " : "", out);
	html_text(out, t->yardstick ? t->yardstick : "");
	fputs(*t->reference ? ", against base " : "", out);
	html_text(out, t->reference);
	fputs(", machine ", out);
	html_text(out, t->machine);
	fprintf(out, "%s</text>\n", t->scan.unreliable ? ", steps are not reliable" : "");
}

static int put_picture(struct plot *p, unsigned number, const struct trend *t, FILE *out,
		       struct err *err)
{
	unsigned column = (number - 1) % COLUMNS, row = (number - 1) / COLUMNS;
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *memory = open_memstream(&text, &len);
	int r;

	if (!memory)
		return err_sys(err, -errno, "picture");
	r = plot_inline(p, number, t->label, memory, err);
	if (fclose(memory) && !r)
		r = err_sys(err, -ENOMEM, "picture");
	if (r)
		return r;
	put_title(t, column * WIDTH, row * (HEIGHT + TITLE), out);
	fprintf(out, "<svg x=\"%u\" y=\"%u\" width=\"%d\" height=\"%d\">\n", column * WIDTH,
		row * (HEIGHT + TITLE) + TITLE, WIDTH, HEIGHT);
	put_plain(text, out);
	fputs("</svg>\n", out);
	return 0;
}

/* Those with steps first, else in their order; *ret_n at most HISTORY_PICTURES. */
static void choose(const struct trends *t, const struct trend **chosen, unsigned *ret_n)
{
	unsigned n = 0;

	for (int with = 1; with >= 0; with--)
		for (size_t i = 0; i < t->n && n < HISTORY_PICTURES; i++)
			if ((t->items[i].scan.n_steps > 0) == with)
				chosen[n++] = &t->items[i];
	*ret_n = n;
}

static int write_pictures(struct plot *p, const struct trend **chosen, unsigned n, FILE *out,
			  struct err *err)
{
	unsigned rows = (n + COLUMNS - 1) / COLUMNS, columns = min_of(n, (unsigned)COLUMNS);
	int r = 0;

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" "
		"xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"%u\" height=\"%u\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n%s",
		columns * WIDTH, rows * (HEIGHT + TITLE), asset_markers);
	for (unsigned i = 0; !r && i < n; i++)
		r = put_picture(p, i + 1, chosen[i], out, err);
	fputs("</svg>\n", out);
	return r;
}

static void cleanup_plot(struct plot **p)
{
	plot_close(*p);
}

int history_svg(const struct trends *t, const char *path, size_t *ret_left_out, struct err *err)
{
	const struct trend *chosen[HISTORY_PICTURES];
	_cleanup_(cleanup_plot) struct plot *p = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out;
	unsigned n;
	int r = plot_open(&p, err);

	if (r)
		return r;
	choose(t, chosen, &n);
	*ret_left_out = t->n - n;
	for (unsigned i = 0; i < n; i++)
		add_picture(p, chosen[i]);
	r = plot_run(p, err);
	if (r)
		return r;
	out = open_memstream(&text, &len);
	if (!out)
		return err_sys(err, -errno, "%s", path);
	r = write_pictures(p, chosen, n, out, err);
	if (fclose(out) && !r)
		r = err_sys(err, -ENOMEM, "%s", path);
	if (r)
		return r;
	r = fs_write_named(path, text, len);
	return r ? err_sys(err, r, "%s", path) : 0;
}

// SPDX-License-Identifier: MIT
/*
 * The flame graph as SVG: roles at the bottom, time is width. Drawn at a fixed size in a box that
 * scrolls, since text of a graph that shrinks with the window cannot be read.
 */
#include <math.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/flame.h"
#include "reports/fmt.h"
#include "reports/get.h"
#include "reports/html.h"
#include "reports/html_class.h"
#include "reports/html_rows.h"
#include "reports/probes_html.h"

#define WIDTH	1200
#define ROW	18
#define CHAR_PX 6.3
#define LEAST	0.001
#define FRAMES	1000

struct canvas {
	FILE *out;
	double whole_ns;
	int levels;
};

static void cleanup_flame(struct flame **f)
{
	flame_free(*f);
}

static void put_title(const struct canvas *c, const struct flame *f)
{
	char ns[FMT_MAX], count[FMT_MAX];

	fputs("<title>", c->out);
	html_printf(c->out, "%s: %s in %s waits, %.2f %%", f->name,
		    fmt_value(ns, f->ns, "ns", true), fmt_count(count, f->count),
		    100 * f->ns / c->whole_ns);
	fputs("</title>", c->out);
}

/* As much of the name as fits; nothing below three characters. */
static void put_name(const struct canvas *c, const struct flame *f, double x, double y,
		     double width)
{
	size_t room = width > 8 ? (size_t)((width - 6) / CHAR_PX) : 0;
	char text[300];

	if (room < 3)
		return;
	fmt_safe(text, sizeof(text), f->name);
	if (strlen(text) > room) {
		while (room > 1 && ((unsigned char)text[room - 1] & 0xc0) == 0x80)
			room--;
		text[room - 1] = '\0';
		strcat(text, ".");
	}
	fprintf(c->out, "<text x=\"%.1f\" y=\"%.1f\">", x + 3, y + 13);
	html_text(c->out, text);
	fputs("</text>", c->out);
}

static void put_frame(const struct canvas *c, const struct flame *f, int level)
{
	static const double opacity[] = {[FLAME_CLASS] = 0.75,
					 [FLAME_USER] = 0.35,
					 [FLAME_KERNEL] = 0.55,
					 [FLAME_SMALL] = 0.2};
	double x = f->x * WIDTH, width = fmax(f->width * WIDTH - 0.5, 0.3);
	double y = (c->levels - level) * ROW;
	struct class_look look = *class_look(f->class_key);
	char place[120];

	snprintf(place, sizeof(place), "x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%d\"", x, y,
		 width, ROW - 1);
	fputs("<g>", c->out);
	put_title(c, f);
	if (f->kind != FLAME_CLASS) /* the pattern is the class's; on every frame it would tire */
		look.pattern = NULL;
	if (f->kind == FLAME_ROLE)
		fprintf(c->out, "<rect %s class=\"soft\"/>", place);
	else
		class_rect(c->out, &look, place, opacity[f->kind]);
	put_name(c, f, x, y, width);
	fputs("</g>\n", c->out);
}

static void put_level(const struct canvas *c, const struct flame *f, int level)
{
	for (; f; f = f->next) {
		put_frame(c, f, level);
		put_level(c, f->child, level + 1);
	}
}

/* A graph of samples says of how much; what is counted is counted over all roles. */
static void put_caption(FILE *out, const struct probes_view *v, const struct flame *root,
			double left_out_ns, double least)
{
	const cJSON *s = get(view_probe(v, "sched"), "stacked");
	char taken[FMT_MAX], all[FMT_MAX], n[FMT_MAX], user[FMT_MAX], out_of[FMT_MAX];
	char left_out[120] = "", small[520];
	double long_ns = get_number(s, "long_ns"), taken_ns = root->ns + left_out_ns;

	if (left_out_ns > 0)
		snprintf(left_out, sizeof(left_out),
			 " %s of that is role harness, which waits for the others, and is not "
			 "drawn.",
			 fmt_value(out_of, left_out_ns, "ns", true));

	snprintf(small, sizeof(small),
		 "width is time. %s of %s in waits over the threshold (%.0f %%) had their stack "
		 "taken: %s stacks, %s of them with the program's part.%s (small): below %.2g %%",
		 fmt_value(taken, taken_ns, "ns", true), fmt_value(all, long_ns, "ns", true),
		 long_ns > 0 ? 100 * taken_ns / long_ns : 0, fmt_count(n, get_number(s, "kernel")),
		 fmt_count(user, get_number(s, "unwound")), left_out, least * 100);
	rows_title(out, "Flame graph of waits", small);
}

/* Merges more until there are few enough. Returns levels. */
static int lay_out(struct flame *root, unsigned most, double *least)
{
	int levels = flame_layout(root, *least);

	while (levels > 0 && flame_count(root) > most && *least < 0.1) {
		*least *= 1.5;
		levels = flame_layout(root, *least);
	}
	return levels;
}

void probes_html_flame(FILE *out, const struct probes_view *v)
{
	_cleanup_(cleanup_flame) struct flame *root = NULL;
	struct canvas c = {.out = out};
	double least = LEAST, left_out_ns = 0;
	const cJSON *stacks = view_rows(v, "sched", "stacks");

	if (!stacks)
		return;
	if (!flame_build(stacks, &root, &left_out_ns))
		c.levels = lay_out(root, v->frames ? v->frames : FRAMES, &least);
	if (!root || c.levels <= 0) {
		rows_title(out, "Flame graph of waits", "there is no memory to draw it");
		return;
	}
	c.whole_ns = root->ns;
	put_caption(out, v, root, left_out_ns, least);
	fprintf(out,
		"<div class=\"scroll flame\"><svg width=\"%d\" height=\"%d\" role=\"img\" "
		"aria-label=\"flame graph of waits\">\n",
		WIDTH, c.levels * ROW + 1);
	put_level(&c, root->child, 1);
	fputs("</svg></div>\n", out);
}

// SPDX-License-Identifier: MIT
/*
 * Where the time went: one bar for each role, as wide as the wall time of its threads, cut into
 * classes. What is missing to the wall time is drawn as such, and where the classes come to more
 * than it, the bar is as wide as they are. Widths are percentages, so that a narrow window gets a
 * narrow bar with text of the same size; labels stand where even that has room for them.
 */
#include <math.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/fmt.h"
#include "reports/get.h"
#include "reports/html.h"
#include "reports/html_class.h"
#include "reports/html_rows.h"
#include "reports/probes_html.h"

#define LABEL_PX  6.8 /* of a character */
#define NARROW_PX 300 /* of a bar on a telephone, and on a desk */
#define WIDE_PX	  900
#define ROLES_MAX 12
#define CHECKED                                                                              \
	"the kernel's own account of running and runnable time, plus what the probe saw of " \
	"waits, over the wall time"
#define UNCHECKED \
	"what the probe saw over the wall time that it saw: not compared with the kernel's own account"

static const struct class_look looks[] = {
	{"user", 1, NULL},	{"system", 1, "p-hatch"},    {"stolen", 6, "p-dots"},
	{"delivery", 4, NULL},	{"run_queue", 4, "p-hatch"}, {"futex", 3, NULL},
	{"lock", 3, "p-hatch"}, {"block", 0, NULL},	     {"cq", 5, NULL},
	{"socket", 2, NULL},	{"poll", 2, "p-hatch"},	     {"pipe", 2, "p-dots"},
	{"sleep", 6, NULL},	{"idle", 6, "p-hatch"},	     {"other", 7, NULL},
};

const struct class_look *class_look(const char *key)
{
	for (size_t i = 0; i < array_size(looks); i++)
		if (!strcmp(looks[i].key, key))
			return &looks[i];
	return &looks[array_size(looks) - 1];
}

void class_rect(FILE *out, const struct class_look *look, const char *place, double opacity)
{
	fprintf(out, "<rect %s class=\"c%u\" fill=\"currentColor\" fill-opacity=\"%.2f\"/>", place,
		look->colour, opacity);
	if (look->pattern)
		fprintf(out, "<rect %s fill=\"url(#%s)\"/>", place, look->pattern);
}

void class_label(FILE *out, const char *name, double share)
{
	char text[60];
	double need;

	snprintf(text, sizeof(text), "%s %.0f %%", name, share * 100);
	need = (double)strlen(text) * LABEL_PX + 8;
	if (need > share * WIDE_PX) {
		snprintf(text, sizeof(text), "%s", name);
		need = (double)strlen(text) * LABEL_PX + 8;
	}
	if (need > share * WIDE_PX)
		return;
	fprintf(out, "<text x=\"5\" y=\"20\"%s>",
		need > share * NARROW_PX ? " class=\"wide\"" : "");
	html_text(out, text);
	fputs("</text>", out);
}

void probes_html_patterns(FILE *out)
{
	fputs("<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>"
	      "<pattern id=\"p-hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
	      "patternTransform=\"rotate(45)\"><path d=\"M0 0V6\" class=\"pat\"/></pattern>"
	      "<pattern id=\"p-dots\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
	      "<circle cx=\"3\" cy=\"3\" r=\"1.4\" class=\"pat-f\"/></pattern>"
	      "</defs></svg>\n",
	      out);
}

static void put_segment(FILE *out, const struct probes_view *v, const struct view_role *role,
			const struct view_part *part, double at, double width)
{
	char per[FMT_MAX], place[80];

	if (width <= 0)
		return;
	fprintf(out, "<svg x=\"%.4f%%\" width=\"%.4f%%\" height=\"%d\"><title>", at * 100,
		width * 100, CLASS_BAR_PX);
	html_printf(out, "%s, %s: %s %s, %.2f %% of its wall time (%s)", role->name,
		    part->cls->name, fmt_value(per, view_per_op(v, part->ns), "ns", true),
		    view_per(v), part->share * 100, part->cls->says);
	fputs("</title>", out);
	snprintf(place, sizeof(place), "x=\"0\" y=\"0\" width=\"100%%\" height=\"%d\"",
		 CLASS_BAR_PX);
	class_rect(out, class_look(part->cls->key), place, 0.6);
	class_label(out, part->cls->name, width);
	fputs("</svg>", out);
}

static void put_rest(FILE *out, double at)
{
	if (at > 0.9995)
		return;
	fprintf(out,
		"<svg x=\"%.4f%%\" width=\"%.4f%%\" height=\"%d\"><title>not accounted for: "
		"%.2f %%</title><rect width=\"100%%\" height=\"%d\" class=\"gap\"/>",
		at * 100, (1 - at) * 100, CLASS_BAR_PX, (1 - at) * 100, CLASS_BAR_PX);
	class_label(out, "unknown", 1 - at);
	fputs("</svg>", out);
}

static void put_head(FILE *out, const struct probes_view *v, const struct view_role *role)
{
	char wall[FMT_MAX], switches[FMT_MAX], closure[CLOSURE_TEXT];

	fputs("<p class=\"role\"><b>", out);
	html_text(out, role->name);
	fputs("</b> ", out);
	if (isfinite(role->threads))
		html_printf(out, "%.0f thread%s, ", role->threads, role->threads == 1 ? "" : "s");
	html_printf(out, "%s of wall time %s, ",
		    fmt_value(wall, view_per_op(v, role->wall_ns), "ns", true), view_per(v));
	html_printf(out, "%s switches %s; ",
		    fmt_count(switches, view_per_op(v, role->voluntary + role->involuntary)),
		    view_per(v));
	fprintf(out, "<span class=\"%s\" title=\"%s\">%s</span></p>\n",
		role->closure < CLOSURE_LEAST || role->closure > CLOSURE_MOST ? "warned" : "dim",
		role->checked ? CHECKED : UNCHECKED, view_closure_text(role, closure));
}

static void put_unknown(FILE *out, const struct view_role *role)
{
	char classes[200];
	const char *reason;

	for (unsigned i = 0; (reason = view_unknown(role, i, classes, sizeof(classes))); i++) {
		fputs("<p class=\"dim\">", out);
		html_printf(out, "%s: not known, %s", classes, reason);
		fputs("</p>\n", out);
	}
}

static void put_bar(FILE *out, const struct probes_view *v, const struct view_role *role)
{
	double whole = fmax(role->wall_ns, role->sum_ns), at = 0;

	put_head(out, v, role);
	if (!(whole > 0)) {
		fputs("<p class=\"dim\">no wall time was seen</p>\n", out);
		return;
	}
	fprintf(out,
		"<svg class=\"tbar\" width=\"100%%\" height=\"%d\" role=\"img\" "
		"aria-label=\"time of ",
		CLASS_BAR_PX);
	html_text(out, role->name);
	fputs(" by class\">", out);
	for (unsigned i = 0; i < role->n_parts; i++) {
		const struct view_part *part = &role->parts[i];

		if (!isfinite(part->ns))
			continue;
		put_segment(out, v, role, part, at, part->ns / whole);
		at += part->ns / whole;
	}
	put_rest(out, at);
	fputs("</svg>\n", out);
	put_unknown(out, role);
}

static const struct view_part *part_of(const struct view_role *role, const char *key)
{
	for (unsigned i = 0; i < role->n_parts; i++)
		if (!strcmp(role->parts[i].cls->key, key))
			return &role->parts[i];
	return NULL;
}

static bool any_time(const struct view_role *roles, unsigned n, const char *key)
{
	for (unsigned i = 0; i < n; i++) {
		const struct view_part *part = part_of(&roles[i], key);

		if (part && part->ns > 0)
			return true;
	}
	return false;
}

static void put_swatch(FILE *out, const struct view_class *c)
{
	fputs("<svg class=\"swatch\" width=\"20\" height=\"12\" aria-hidden=\"true\">", out);
	class_rect(out, class_look(c->key), "width=\"20\" height=\"12\"", 0.6);
	fputs("</svg>", out);
	html_text(out, c->name);
}

/* The same as figures; with swatches, so that it is the legend, too. */
static void put_table(FILE *out, const struct probes_view *v, const struct view_role *roles,
		      unsigned n)
{
	char per[FMT_MAX];

	fputs("<div class=\"scroll\"><table class=\"plain probe\"><thead><tr><th>class</th>", out);
	for (unsigned i = 0; i < n; i++) {
		fputs("<th class=\"n\">", out);
		html_printf(out, "%s, %s", roles[i].name, view_per(v));
		fputs("</th><th class=\"n\">share</th>", out);
	}
	fputs("</tr></thead><tbody>\n", out);
	for (const struct view_class *c = view_classes; c->key; c++) {
		if (!any_time(roles, n, c->key))
			continue;
		fputs("<tr><th scope=\"row\" title=\"", out);
		html_text(out, c->says);
		fputs("\">", out);
		put_swatch(out, c);
		fputs("</th>", out);
		for (unsigned i = 0; i < n; i++) {
			const struct view_part *part = part_of(&roles[i], c->key);

			fputs("<td class=\"n\">", out);
			html_text(out, fmt_value(per, part ? view_per_op(v, part->ns) : NAN, "ns",
						 true));
			fputs("</td>", out);
			rows_share(out, part ? part->share : NAN);
		}
		rows_end(out);
	}
	fputs("</tbody></table></div>\n", out);
}

/* Blocked time by system call: what a class is made of. */
static void put_waits(FILE *out, const struct probes_view *v)
{
	static const char *const titles[] = {"role",  "class",	  "system call", "#waits",
					     "#mean", "#longest", "#time @",	 NULL};
	const cJSON *rows = view_rows(v, "sched", "waits"), *row;
	int n = 0;

	if (!rows)
		return;
	fputs("<details class=\"raw\"><summary>waits by system call</summary>\n", out);
	rows_open(out, v, titles);
	cJSON_ArrayForEach (row, rows) {
		if (n++ >= ROWS_SHOWN)
			continue;
		rows_begin(out);
		rows_text(out, get_text(row, "role"));
		rows_text(out, get_text(row, "class"));
		rows_text(out, get_text(row, "syscall"));
		rows_figure(out, get_number(row, "count"), "1");
		rows_figure(out, view_mean(row), "ns");
		rows_figure(out, get_number(row, "max_ns"), "ns");
		rows_figure(out, view_per_op(v, get_number(row, "sum_ns")), "ns");
		rows_end(out);
	}
	rows_close(out, n);
	fputs("</details>\n", out);
}

void probes_html_time(FILE *out, const struct probes_view *view)
{
	const struct probes_view part = view_for(view, "sched"), *v = &part;
	struct view_role roles[ROLES_MAX];
	char small[80];
	unsigned n = 0;

	while (n < ROLES_MAX && view_role(v, n, &roles[n]))
		n++;
	if (!n)
		return;
	snprintf(small, sizeof(small), "of each role's threads, %s", view_per(v));
	rows_title(out, "Where the time went", small);
	for (unsigned i = 0; i < n; i++)
		put_bar(out, v, &roles[i]);
	put_table(out, v, roles, n);
	put_waits(out, v);
}

void probes_html_wakers(FILE *out, const struct probes_view *view)
{
	const struct probes_view part = view_for(view, "sched"), *v = &part;
	static const char *const titles[] = {"woken by",   "who waited", "class", "#times",
					     "#mean wait", "#time @",	 NULL};
	const cJSON *rows = view_rows(v, "sched", "wakers"), *row;
	int n = 0;

	if (!rows)
		return;
	rows_title(out, "Who ended the waits",
		   "outside: a thread that is not watched, or an interrupt");
	rows_open(out, v, titles);
	cJSON_ArrayForEach (row, rows) {
		if (n++ >= ROWS_SHOWN)
			continue;
		rows_begin(out);
		rows_text(out, get_text(row, "from"));
		rows_text(out, get_text(row, "to"));
		rows_text(out, get_text(row, "class"));
		rows_figure(out, get_number(row, "count"), "1");
		rows_figure(out, view_mean(row), "ns");
		rows_figure(out, view_per_op(v, get_number(row, "sum_ns")), "ns");
		rows_end(out);
	}
	rows_close(out, n);
}

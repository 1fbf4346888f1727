// SPDX-License-Identifier: MIT
/* What a hunt found, for people: the tables of reports/, below lines that say what was watched. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/cli/hunt.h"
#include "harness/param.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "reports/fmt.h"
#include "reports/foreign.h"
#include "reports/get.h"
#include "reports/plot.h"
#include "reports/probes_html.h"
#include "reports/probes_text.h"

#define WIDTH_DEFAULT 120
#define WIDTH_MIN     60
#define ROWS	      10
#define LINE_BYTES    (ERR_MAX + 64)
#define LINES	      3

/* What stands above the figures; all of it text to be escaped. */
struct lines {
	char title[LINE_BYTES];
	char text[LINES][LINE_BYTES];
	const char *list[LINES + 1]; /* ended by NULL */
};

static void put_command(char *buf, size_t size, char **command)
{
	size_t used = 0;

	for (; *command && used + 2 < size; command++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "",
					 *command);
}

void hunt_title(const struct hunt *h, char *buf, size_t size)
{
	char raw[LINE_BYTES] = "";

	if (h->prey.command)
		put_command(raw, sizeof(raw), h->prey.command);
	else
		snprintf(raw, sizeof(raw), "%s (process %d)", h->prey.comm, h->prey.pid);
	fmt_safe(buf, size, raw);
}

static void say_window(const struct hunt *h, char *buf, size_t size)
{
	static const char *const until[] = {
		[HUNT_EXITED] = "until it ended",
		[HUNT_TIME] = "until the time was over",
		[HUNT_INTERRUPTED] = "until it was interrupted",
	};
	double seconds = (double)(h->window.end_ns - h->window.begin_ns) / (double)NSEC_PER_SEC;
	char span[FMT_MAX];

	snprintf(buf, size, "watched for %s %s", fmt_value(span, seconds * 1e9, "ns", false),
		 until[h->end]);
}

static void say_usage(const struct hunt *h, char *buf, size_t size)
{
	const cJSON *usage = get_object(h->usage, "process");
	char user[FMT_MAX], system[FMT_MAX], n[FMT_MAX], vol[FMT_MAX], invol[FMT_MAX];
	double threads = get_number(usage, "threads");

	if (!usage) {
		snprintf(buf, size, "by the kernel's own account: not known, %s",
			 h->usage_why.text);
		return;
	}
	n[0] = '\0';
	if (isfinite(threads))
		snprintf(n, sizeof(n), "%.0f thread%s, ", threads, threads == 1 ? "" : "s");
	snprintf(buf, size,
		 "by the kernel's own account: %suser %s, system %s, switches: %s voluntary, "
		 "%s involuntary",
		 n, fmt_value(user, get_number(usage, "user_ns"), "ns", false),
		 fmt_value(system, get_number(usage, "system_ns"), "ns", false),
		 fmt_count(vol, get_number(usage, "voluntary")),
		 fmt_count(invol, get_number(usage, "involuntary")));
}

/* Others that sit on the same hooks slow the process too, and are in no figure. */
static bool say_foreign(const struct hunt *h, char *buf, size_t size)
{
	int len = foreign_text(h->foreign, buf, size);

	if (len)
		snprintf(buf + len, size - (size_t)len,
			 ". What is on the same hooks slows the process, too");
	return len;
}

static void make_lines(const struct hunt *h, struct lines *l)
{
	unsigned n = 0;

	hunt_title(h, l->title, sizeof(l->title));
	say_window(h, l->text[n++], LINE_BYTES);
	say_usage(h, l->text[n++], LINE_BYTES);
	n += say_foreign(h, l->text[n], LINE_BYTES);
	for (unsigned i = 0; i <= LINES; i++)
		l->list[i] = i < n ? l->text[i] : NULL;
}

static struct probes_view view_of(const struct hunt *h)
{
	return (struct probes_view){.probes = h->probes,
				    .ops = NAN,
				    .total = true,
				    .window_ns = (double)(h->window.end_ns - h->window.begin_ns)};
}

static unsigned width_of(FILE *out)
{
	struct winsize size;

	if (!isatty(fileno(out)) || ioctl(fileno(out), TIOCGWINSZ, &size) || !size.ws_col)
		return WIDTH_DEFAULT;
	return max_of((unsigned)WIDTH_MIN, (unsigned)size.ws_col);
}

static bool cost_unknown(const struct hunt *h)
{
	const cJSON *probe;

	cJSON_ArrayForEach (probe, h->probes)
		if (*get_text(probe, "reason_run_ns"))
			return true;
	return false;
}

int hunt_text(const struct hunt *h, FILE *out, struct err *err)
{
	struct probes_view view = view_of(h);
	struct lines lines;
	int r;

	make_lines(h, &lines);
	fprintf(out, "%s\n", lines.title);
	for (unsigned i = 0; lines.list[i]; i++)
		fprintf(out, "%s\n", lines.list[i]);
	r = probes_text_tables(out, &view, width_of(out), ROWS);
	if (cost_unknown(h) && !h->warmup_ns)
		fputs("  (--warmup 100ms measures it, before anything counts)\n", out);
	return r ? err_sys(err, r, "tables") : 0;
}

static void cleanup_plot(struct plot **p)
{
	plot_close(*p);
}

/* Without gnuplot the page has no distributions, and that is said. */
static struct probe_pictures draw(struct plot *plot, const struct probes_view *view)
{
	struct probe_pictures pictures = {.n = 0};
	struct err why = {""};

	probes_plan(plot, view, &pictures);
	if (pictures.n && plot_run(plot, &why)) {
		fprintf(stderr, "uhbench: no pictures of distributions: %s\n", why.text);
		pictures.n = 0;
	}
	return pictures;
}

static int write_page(const struct hunt *h, FILE *out, struct err *err)
{
	_cleanup_(cleanup_plot) struct plot *plot = NULL;
	struct probes_view view = view_of(h);
	struct probe_pictures pictures = {.n = 0};
	struct lines lines;
	int r = plot_open(&plot, err);

	if (r)
		return r;
	make_lines(h, &lines);
	pictures = draw(plot, &view);
	return probes_page(out, lines.title, lines.list, &view, &pictures, err);
}

/* Into what is there: a device or a link is not to be replaced by a file. */
int hunt_html(const struct hunt *h, const char *path, struct err *err)
{
	FILE *out = fopen(path, "we");
	int r;

	if (!out)
		return err_sys(err, -errno, "%s", path);
	r = write_page(h, out, err);
	if (fclose(out) && !r)
		r = err_sys(err, -errno, "%s", path);
	return r;
}

// SPDX-License-Identifier: MIT
/*
 * A look at a hunt each second, on stderr: what each role did in the last second, and how many of
 * what the other probes see. Probes count from the begin of the window, so that a second is
 * the difference of two looks. A process that is there already gets a picture that is drawn anew;
 * a command may print to the same terminal, so that it gets lines.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/cli/hunt.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "reports/fmt.h"
#include "reports/get.h"
#include "reports/probes_view.h"

#define TOP_CLASSES   4
#define SHARE_LEAST   0.005
#define TEXT_MAX      120
#define WIDTH_DEFAULT 80

struct look {
	const struct hunt *hunt;
	struct probes_view now, before;
	double seconds; /* between the two */
	unsigned lines;
};

/* The same row of an earlier look, by its keys; NULL. */
static const cJSON *row_before(const cJSON *rows, const cJSON *row, const char *const *keys)
{
	const cJSON *r;

	cJSON_ArrayForEach (r, rows) {
		const char *const *key = keys;

		while (*key && cJSON_Compare(get(r, *key), get(row, *key), true))
			key++;
		if (!*key)
			return r;
	}
	return NULL;
}

/* Growth of a number; what was not there before was 0. */
static double grown(const cJSON *now, const cJSON *before, const char *key)
{
	double b = get_number(before, key);

	return get_number(now, key) - (isfinite(b) ? b : 0);
}

static bool role_before(const struct look *l, const char *name, struct view_role *ret)
{
	for (unsigned i = 0; view_role(&l->before, i, ret); i++)
		if (!strcmp(ret->name, name))
			return true;
	*ret = (struct view_role){.name = name};
	return false;
}

/* Leaves in `role` what came since `before`. */
static void subtract(struct view_role *role, const struct view_role *before)
{
	role->wall_ns -= before->wall_ns;
	role->voluntary -= before->voluntary;
	role->involuntary -= before->involuntary;
	for (unsigned i = 0; i < role->n_parts; i++) {
		for (unsigned j = 0; j < before->n_parts; j++)
			if (role->parts[i].cls == before->parts[j].cls)
				role->parts[i].ns -= before->parts[j].ns;
		role->parts[i].share = role->parts[i].ns / role->wall_ns;
	}
}

static void begin_line(struct look *l, FILE *out)
{
	if (!l->hunt->prey.command || !l->lines)
		fprintf(out, "%s", l->hunt->prey.command ? "" : "  ");
	else
		fputs("; ", out);
	l->lines++;
}

static void end_line(const struct look *l, FILE *out)
{
	if (!l->hunt->prey.command)
		fputc('\n', out);
}

static void put_role(struct look *l, FILE *out, struct view_role *role)
{
	char name[TEXT_MAX], count[FMT_MAX];

	if (!(role->wall_ns > 0))
		return;
	view_sort(role);
	begin_line(l, out);
	fprintf(out, "%s, %.0f thread%s:", fmt_safe(name, sizeof(name), role->name), role->threads,
		role->threads == 1 ? "" : "s");
	for (unsigned i = 0; i < role->n_parts && i < TOP_CLASSES; i++)
		if (!i || role->parts[i].share >= SHARE_LEAST)
			fprintf(out, "%s %s %.0f %%", i ? "," : "", role->parts[i].cls->name,
				role->parts[i].share * 100);
	fprintf(out, ", %s switches/s",
		fmt_count(count, (role->voluntary + role->involuntary) / l->seconds));
	end_line(l, out);
}

static void put_roles(struct look *l, FILE *out)
{
	struct view_role role, before;

	for (unsigned i = 0; view_role(&l->now, i, &role); i++) {
		role_before(l, role.name, &before);
		subtract(&role, &before);
		put_role(l, out, &role);
	}
}

/* The type of kernel lock that was waited for longest in the last second. */
static void put_kernel_locks(struct look *l, FILE *out)
{
	static const char *const keys[] = {"type", "role", NULL};
	const cJSON *rows = view_rows(&l->now, "lock", "kernel_types"), *row, *top = NULL;
	const cJSON *old = view_rows(&l->before, "lock", "kernel_types");
	char type[TEXT_MAX], count[FMT_MAX], mean[FMT_MAX];
	double worst_ns = 0, n = 0;

	cJSON_ArrayForEach (row, rows) {
		const cJSON *was = row_before(old, row, keys);
		double ns = grown(view_tally(row, "tally"), view_tally(was, "tally"), "sum_ns");

		if (!(ns > worst_ns))
			continue;
		top = row;
		worst_ns = ns;
		n = grown(view_tally(row, "tally"), view_tally(was, "tally"), "count");
	}
	if (!top)
		return;
	begin_line(l, out);
	fprintf(out, "kernel %s locks: %s waits/s, mean %s",
		fmt_safe(type, sizeof(type), get_text(top, "type")),
		fmt_count(count, n / l->seconds),
		fmt_value(mean, n > 0 ? worst_ns / n : NAN, "ns", false));
	end_line(l, out);
}

/* A column of a table, without what others than those watched asked of a device. */
static double sum_of(const cJSON *rows, const char *key)
{
	const cJSON *row;
	double sum = 0, value;

	cJSON_ArrayForEach (row, rows) {
		if (!strcmp(get_text(row, "by"), "others"))
			continue;
		value = get_number(row, key);
		sum += isfinite(value) ? value : 0;
	}
	return sum;
}

static void put_rate(struct look *l, FILE *out, const char *probe, const char *table,
		     const char *key, const char *what)
{
	double n = sum_of(view_rows(&l->now, probe, table), key) -
		   sum_of(view_rows(&l->before, probe, table), key);
	char count[FMT_MAX];

	if (!(n > 0))
		return;
	begin_line(l, out);
	fprintf(out, "%s: %s/s", what, fmt_count(count, n / l->seconds));
	end_line(l, out);
}

/* Where no probe has a table of its own for a line: how much it saw. */
static void put_events(struct look *l, FILE *out)
{
	const cJSON *probe;
	char count[FMT_MAX];

	cJSON_ArrayForEach (probe, l->now.probes) {
		const cJSON *was = get_object(l->before.probes, probe->string);

		if (!view_probe(&l->now, probe->string))
			continue;
		begin_line(l, out);
		fprintf(out, "%s: %s events/s", probe->string,
			fmt_count(count, grown(probe, was, "events") / l->seconds));
		end_line(l, out);
	}
}

/* A quick look of `lock` has no tables by caller and address: those may be long. */
static void put_all(struct look *l, FILE *out)
{
	put_roles(l, out);
	put_kernel_locks(l, out);
	put_rate(l, out, "lock", "futex_calls", "slept", "futex waits that slept");
	put_rate(l, out, "lock", "futex_calls", "again", "futex waits that came too late (EAGAIN)");
	put_rate(l, out, "cqe", "rings", "completed", "io_uring completions");
	put_rate(l, out, "syscalls", "calls", "count", "system calls");
	put_rate(l, out, "block", "devices", "count", "requests to disks");
	if (!l->lines)
		put_events(l, out);
}

/* Cut at the right margin: a line that wraps would be two of those that are drawn over. */
static void draw(struct hunt *h, const char *frame)
{
	struct winsize size = {.ws_col = 0};
	int width = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col ? WIDTH_DEFAULT
									    : size.ws_col - 1;

	if (h->live.lines)
		fprintf(stderr, "\033[%uA\033[J", h->live.lines);
	for (h->live.lines = 0; *frame; h->live.lines++) {
		int len = (int)strcspn(frame, "\n");

		fprintf(stderr, "%.*s\n", min_of(len, width), frame);
		frame += len + (frame[len] == '\n');
	}
}

static void put_title(const struct hunt *h, uint64_t now, FILE *out)
{
	char title[TEXT_MAX], span[FMT_MAX];

	fmt_value(span, (double)(now - h->window.begin_ns), "ns", false);
	hunt_title(h, title, sizeof(title));
	if (h->prey.command)
		fprintf(out, "[%s] ", span);
	else
		fprintf(out, "%s, %s: the last second (Ctrl-C ends the hunt)\n", title, span);
}

void hunt_live(struct hunt *h)
{
	cJSON *probes = h->ops->read(h->prober, NULL, 0, true);
	_cleanup_free_ char *frame = NULL;
	uint64_t now = nsec_now();
	struct look l = {.hunt = h,
			 .now.probes = probes,
			 .before.probes = h->live.before,
			 .seconds = (double)(now - h->live.at_ns) / 1e9};
	size_t len;
	FILE *out = open_memstream(&frame, &len);

	if (out) {
		put_title(h, now, out);
		put_all(&l, out);
		fclose(out);
	}
	if (frame && h->prey.command)
		fprintf(stderr, "%s\n", frame);
	else if (frame)
		draw(h, frame);
	h->live.at_ns = now;
	cJSON_Delete(h->live.before);
	h->live.before = probes;
}

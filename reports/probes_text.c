// SPDX-License-Identifier: MIT
/* The summary in a few lines: for each role what took most of its time, then the worst of the rest.
 */
#include "reports/probes_text.h"

#include <math.h>
#include <string.h>

#include "reports/fmt.h"
#include "reports/get.h"

#define TOP_CLASSES 3
#define SHARE_LEAST 0.005
#define LOCK_LEAST  0.001 /* of the window, for a lock to be worth a line */
#define TEXT_MAX    160

static const char *per_op(char buf[FMT_MAX], const struct probes_view *v, double ns)
{
	return fmt_value(buf, view_per_op(v, ns), "ns", false);
}

/* Those that start and guard a run wait for its end, and that is all they do. */
static bool only_waits(const struct view_role *role)
{
	double on = 0;

	if (strcmp(role->name, "harness") && strcmp(role->name, "process"))
		return false;
	for (unsigned i = 0; i < role->n_parts; i++)
		if (!strcmp(role->parts[i].cls->key, "user") ||
		    !strcmp(role->parts[i].cls->key, "system"))
			on += role->parts[i].share;
	return on < SHARE_LEAST;
}

static void put_role(FILE *out, const struct probes_view *v, struct view_role *role,
		     const char *indent)
{
	char name[TEXT_MAX], per[FMT_MAX], closure[CLOSURE_TEXT];

	view_sort(role);
	fprintf(out, "%s%s:", indent, fmt_safe(name, sizeof(name), role->name));
	for (unsigned i = 0; i < role->n_parts && i < TOP_CLASSES; i++)
		if (!i || role->parts[i].share >= SHARE_LEAST)
			fprintf(out, "%s %s %.0f %%", i ? "," : "", role->parts[i].cls->name,
				role->parts[i].share * 100);
	fprintf(out, "; %s %s, %s%s\n", per_op(per, v, role->wall_ns), view_per(v),
		view_closure_text(role, closure),
		role->closure < CLOSURE_LEAST  ? " (too low)"
		: role->closure > CLOSURE_MOST ? " (too high)"
					       : "");
}

static double tally_ns(const cJSON *row)
{
	return get_number(view_tally(row, "tally"), "sum_ns");
}

static void put_locks(FILE *out, const struct probes_view *v, const char *indent)
{
	const cJSON *kernel = view_rows(v, "lock", "kernel"),
		    *futex = view_rows(v, "lock", "futex");
	char text[TEXT_MAX], type[TEXT_MAX], per[FMT_MAX];

	if (kernel && !(tally_ns(kernel->child) < LOCK_LEAST * v->window_ns)) {
		const cJSON *row = kernel->child;

		fprintf(out, "%sworst kernel lock: %s in %s, %s %s\n", indent,
			fmt_safe(type, sizeof(type), get_text(row, "type")),
			fmt_safe(text, sizeof(text), get_text(row, "caller")),
			per_op(per, v, tally_ns(row)), view_per(v));
	}
	if (futex && !(view_futex_ns(futex->child) < LOCK_LEAST * v->window_ns)) {
		const cJSON *row = futex->child;
		const char *frame = view_top_frame(get(row, "waiters"));
		double ns = view_futex_ns(row);

		fprintf(out, "%sworst futex: %s, ", indent,
			fmt_safe(text, sizeof(text), *frame ? frame : get_text(row, "address")));
		if (isfinite(ns))
			fprintf(out, "%s %s\n", per_op(per, v, ns), view_per(v));
		else
			fprintf(out, "%s calls (%s)\n", fmt_count(per, get_number(row, "calls")),
				fmt_safe(type, sizeof(type),
					 get_text(view_probe(v, "lock"), "reason_slept")));
	}
}

/* The opcode of a ring that takes longest in all. */
static void put_cqe(FILE *out, const struct probes_view *v, const char *indent)
{
	const cJSON *rings = view_rows(v, "cqe", "rings"), *ring, *row, *top = NULL;
	char opcode[TEXT_MAX], complete[VIEW_TIME_MAX], reap[VIEW_TIME_MAX];
	double most = -1, ns;

	cJSON_ArrayForEach (ring, rings) {
		cJSON_ArrayForEach (row, get(ring, "opcodes")) {
			ns = get_number(get_object(row, "complete"), "sum_ns");
			if (!(ns > most))
				continue;
			most = ns;
			top = row;
		}
	}
	if (!top)
		return;
	fprintf(out, "%s%s: p50 of completion %s, of reaping at most %s%s\n", indent,
		fmt_safe(opcode, sizeof(opcode), get_text(top, "opcode")),
		view_uring_time(complete, v, top, "complete", 0.5, false),
		view_uring_time(reap, v, top, "reap", 0.5, false),
		*get_text(view_probe(v, "cqe"), "reason_timing")
			? " (in slices: slowed down, not comparable)"
			: "");
}

/* "probes: sched 0.9 % of a CPU, lost 7; cqe unsupported (no tracepoint)" */
static void put_costs(FILE *out, const struct probes_view *v, const char *indent)
{
	const cJSON *probe;
	char reason[TEXT_MAX], name[TEXT_MAX];

	fprintf(out, "%sprobes:", indent);
	cJSON_ArrayForEach (probe, v->probes) {
		double cost = view_cost(v, probe->string), lost = get_number(probe, "lost");
		double full = get_number(probe, "map_full");

		fprintf(out, "%s %s", probe == v->probes->child ? "" : ";",
			fmt_safe(name, sizeof(name), probe->string));
		if (!view_probe(v, probe->string)) {
			fprintf(out, " %s (%s)", get_text(probe, "status"),
				fmt_safe(reason, sizeof(reason), get_text(probe, "reason")));
			continue;
		}
		if (isfinite(cost))
			fprintf(out, " %.1f %% of a CPU", cost * 100);
		else
			fprintf(out, " cost not known");
		if (lost > 0)
			fprintf(out, ", %.0f lost", lost);
		if (full > 0)
			fprintf(out, ", %.0f found no room", full);
	}
	fputc('\n', out);
}

/* All figures above it are of the watched part. */
static void put_watched(FILE *out, const struct probes_view *v, const char *indent)
{
	const cJSON *probe = view_least_watched(v);
	char share[VIEW_SHARE_MAX];

	if (probe)
		fprintf(out, "%swatched: %s\n", indent, view_share_text(probe, share));
}

void probes_text_short(FILE *out, const struct probes_view *v, const char *indent)
{
	const struct probes_view sched = view_for(v, "sched"), lock = view_for(v, "lock");
	struct view_role role;

	if (!cJSON_IsObject(v->probes) || !v->probes->child)
		return;
	for (unsigned i = 0; view_role(v, i, &role); i++)
		if (!only_waits(&role))
			put_role(out, &sched, &role, indent);
	put_locks(out, &lock, indent);
	put_cqe(out, v, indent);
	put_watched(out, v, indent);
	put_costs(out, v, indent);
}

// SPDX-License-Identifier: MIT
/* Questions asked of a `probes` object. It comes from a file: nothing in it is taken for granted.
 */
#include "reports/probes_view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/hist.h"
#include "reports/fmt.h"
#include "reports/get.h"

const struct view_class view_classes[] = {
	{"user", "user", "on the CPU, in the program's own code"},
	{"system", "system", "on the CPU, in the kernel"},
	{"stolen", "stolen", "on the CPU by the clock, and not run: hypervisor and interrupts"},
	{"delivery", "wake-up", "the wake-up was on its way to the CPU"},
	{"run_queue", "run queue", "runnable, waiting for the CPU"},
	{"futex", "futex", "waiting for a futex: a lock or condition of the program"},
	{"lock", "kernel lock", "waiting for a lock of the kernel"},
	{"block", "block I/O", "waiting for a device: I/O or flush"},
	{"cq", "CQ wait", "in io_uring_enter, waiting for completions"},
	{"socket", "socket", "waiting for a socket"},
	{"poll", "poll", "in poll, select or epoll"},
	{"pipe", "pipe", "waiting for a pipe"},
	{"sleep", "sleep", "asleep by its own wish"},
	{"idle", "idle", "a kernel worker without work"},
	{"other", "other", "blocked on something else"},
	{NULL},
};

const cJSON *view_probe(const struct probes_view *v, const char *name)
{
	const cJSON *probe = get_object(v->probes, name);

	return probe && !strcmp(get_text(probe, "status"), "ok") ? probe : NULL;
}

struct probes_view view_for(const struct probes_view *v, const char *probe)
{
	const cJSON *runs = get_object(view_probe(v, probe), "runs"), *n;
	struct probes_view part = *v;
	double all = 0, ok = get_number(runs, "ok");

	cJSON_ArrayForEach (n, runs)
		all += cJSON_IsNumber(n) ? n->valuedouble : 0;
	if (ok > 0 && ok < all) {
		part.ops *= ok / all;
		part.window_ns *= ok / all;
	}
	return part;
}

const cJSON *view_rows(const struct probes_view *v, const char *probe, const char *key)
{
	const cJSON *rows = get(view_probe(v, probe), key);

	return cJSON_IsArray(rows) && rows->child ? rows : NULL;
}

static struct view_part read_part(const cJSON *classes, const struct view_class *cls, double wall)
{
	const cJSON *item = get_object(classes, cls->key);
	struct view_part part = {.cls = cls};

	part.ns = get_number(item, "ns");
	part.count = get_number(item, "count");
	part.share = part.ns / wall;
	if (!isfinite(part.ns))
		part.reason = *get_text(item, "reason") ? get_text(item, "reason") : "not known";
	return part;
}

static void add_parts(struct view_role *role, const cJSON *classes, bool known)
{
	for (const struct view_class *c = view_classes; c->key; c++) {
		struct view_part part = read_part(classes, c, role->wall_ns);

		if (!get_object(classes, c->key) || isfinite(part.ns) != known)
			continue;
		role->parts[role->n_parts++] = part;
		role->sum_ns += known ? part.ns : 0;
	}
}

bool view_role(const struct probes_view *v, unsigned n, struct view_role *ret)
{
	const cJSON *item = get_object(view_probe(v, "sched"), "roles");

	item = item ? item->child : NULL;
	for (; item && n; n--)
		item = item->next;
	if (!item)
		return false;
	*ret = (struct view_role){
		.name = item->string,
		.threads = get_number(item, "threads"),
		.wall_ns = get_number(item, "wall_ns"),
		.voluntary = get_number(item, "voluntary"),
		.involuntary = get_number(item, "involuntary"),
		.closure = get_number(item, "closure"),
		.checked = cJSON_IsTrue(get(item, "checked")),
	};
	add_parts(ret, get(item, "classes"), true);
	add_parts(ret, get(item, "classes"), false);
	if (!isfinite(ret->closure))
		ret->closure = ret->sum_ns / ret->wall_ns;
	return true;
}

static int compare_parts(const void *a, const void *b)
{
	const struct view_part *x = a, *y = b;

	if (isfinite(x->ns) != isfinite(y->ns))
		return isfinite(x->ns) ? -1 : 1;
	if (x->ns != y->ns && isfinite(x->ns))
		return x->ns < y->ns ? 1 : -1;
	return x->cls < y->cls ? -1 : 1;
}

void view_sort(struct view_role *role)
{
	qsort(role->parts, role->n_parts, sizeof(*role->parts), compare_parts);
}

/* The first class that has this reason, too. */
static unsigned first_with(const struct view_role *role, const char *reason)
{
	unsigned i = 0;

	while (!role->parts[i].reason || strcmp(role->parts[i].reason, reason) != 0)
		i++;
	return i;
}

const char *view_unknown(const struct view_role *role, unsigned n, char *names, size_t size)
{
	const char *found = NULL;
	size_t used = 0;

	for (unsigned i = 0; i < role->n_parts; i++) {
		const char *reason = role->parts[i].reason;

		if (!reason)
			continue;
		if (!found && first_with(role, reason) == i && !n--)
			found = reason;
		if (found && !strcmp(reason, found) && used < size)
			used += (size_t)snprintf(names + used, size - used, "%s%s",
						 used ? ", " : "", role->parts[i].cls->name);
	}
	return found;
}

const char *view_closure_text(const struct view_role *role, char buf[CLOSURE_TEXT])
{
	if (!isfinite(role->closure))
		return "closure not known";
	snprintf(buf, CLOSURE_TEXT, "closure %.1f %%%s", role->closure * 100,
		 role->checked ? "" : " (unchecked)");
	return buf;
}

double view_per_op(const struct probes_view *v, double ns)
{
	if (v->total)
		return ns;
	return v->ops > 0 ? ns / v->ops : ns / (v->window_ns / 1e9);
}

const char *view_per(const struct probes_view *v)
{
	if (v->total)
		return "in total";
	return v->ops > 0 ? "per op" : "per second";
}

const cJSON *view_tally(const cJSON *row, const char *key)
{
	const cJSON *tally = get_object(row, key);

	return tally ? tally : row;
}

double view_futex_ns(const cJSON *row)
{
	return isfinite(get_number(row, "slept")) ? get_number(view_tally(row, "tally"), "sum_ns")
						  : NAN;
}

double view_mean(const cJSON *tally)
{
	double count = get_number(tally, "count");

	return count > 0 ? get_number(tally, "sum_ns") / count : NAN;
}

double view_quantile(const cJSON *tally, double q)
{
	const cJSON *slot;
	double total = 0, seen = 0, high = 2;

	cJSON_ArrayForEach (slot, get(tally, "slots"))
		total += cJSON_IsNumber(slot) ? slot->valuedouble : 0;
	cJSON_ArrayForEach (slot, get(tally, "slots")) {
		seen += cJSON_IsNumber(slot) ? slot->valuedouble : 0;
		if (total > 0 && seen >= q * total)
			return fmin(high, get_number(tally, "max_ns"));
		high *= 2;
	}
	return NAN;
}

double view_hist_quantile(const cJSON *hist, double q)
{
	double count = get_number(hist, "count"), seen = 0;
	const cJSON *pair;

	cJSON_ArrayForEach (pair, get(hist, "buckets")) {
		const cJSON *n = cJSON_IsArray(pair) && pair->child ? pair->child->next : NULL;
		double i = n && cJSON_IsNumber(pair->child) ? pair->child->valuedouble : -1;

		if (!cJSON_IsNumber(n) || !(i >= 0 && i < HIST_BUCKETS))
			return NAN;
		seen += n->valuedouble;
		if (seen >= q * count)
			return fmin(
				fmax((double)(hist_low((unsigned)i) + hist_high((unsigned)i)) / 2,
				     get_number(hist, "min")),
				get_number(hist, "max"));
	}
	return NAN;
}

/* Is there no other ring with this opcode? Histograms are over all rings. */
static bool only_one(const struct probes_view *v, const char *opcode)
{
	const cJSON *ring, *row;
	unsigned n = 0;

	cJSON_ArrayForEach (ring, view_rows(v, "cqe", "rings"))
		cJSON_ArrayForEach (row, get(ring, "opcodes"))
			n += !strcmp(get_text(row, "opcode"), opcode);
	return n == 1;
}

const char *view_uring_time(char buf[VIEW_TIME_MAX], const struct probes_view *v, const cJSON *row,
			    const char *time, double q, bool utf8)
{
	const char *opcode = get_text(row, "opcode");
	const cJSON *hists = get_object(view_probe(v, "cqe"), "histograms");
	double ns = NAN, below = view_quantile(get_object(row, time), q);
	char text[FMT_MAX];

	if (only_one(v, opcode))
		ns = view_hist_quantile(get(get_object(hists, opcode), time), q);
	snprintf(buf, VIEW_TIME_MAX, "%s%s", isfinite(ns) || !isfinite(below) ? "" : "< ",
		 fmt_value(text, isfinite(ns) ? ns : below, "ns", utf8));
	return buf;
}

const char *view_share_text(const cJSON *probe, char buf[VIEW_SHARE_MAX])
{
	const cJSON *sampling = get_object(probe, "sampling");
	double share = get_number(sampling, "share"), partly = get_number(sampling, "partly_runs");
	double runs = get_number(get_object(probe, "runs"), "ok");
	int len;

	buf[0] = '\0';
	if (!(share < 1))
		return buf;
	len = snprintf(buf, VIEW_SHARE_MAX, "the first %.3g %% of the window%s", share * 100,
		       runs > 1 ? " at least" : "");
	if (partly < runs)
		snprintf(buf + len, VIEW_SHARE_MAX - (size_t)len,
			 " (all of it in %.0f of %.0f runs)", runs - partly, runs);
	return buf;
}

const cJSON *view_least_watched(const struct probes_view *v)
{
	const cJSON *probe, *least = NULL;
	double min = 1;

	cJSON_ArrayForEach (probe, v->probes) {
		double share = get_number(get_object(probe, "sampling"), "share");

		if (!(share < min) || strcmp(get_text(probe, "status"), "ok") != 0)
			continue;
		min = share;
		least = probe;
	}
	return least;
}

struct reasons {
	char text[300];
	size_t used;
};

/* Appends "no memory (7), too many frames (2)". Returns how many there are. */
static double add_reasons(struct reasons *r, const cJSON *object)
{
	const cJSON *n;
	double sum = 0;

	cJSON_ArrayForEach (n, object) {
		if (!cJSON_IsNumber(n))
			continue;
		sum += n->valuedouble;
		if (r->used < sizeof(r->text))
			r->used += (size_t)snprintf(r->text + r->used, sizeof(r->text) - r->used,
						    "%s%s (%.0f)", r->used ? ", " : "", n->string,
						    n->valuedouble);
	}
	return sum;
}

const char *view_stack_losses(const struct probes_view *v, char *buf, size_t size)
{
	const cJSON *stacked = get_object(view_probe(v, "sched"), "stacked");
	struct reasons missing = {.used = 0}, early = {.used = 0};
	double n_dropped = add_reasons(&missing, get_object(stacked, "dropped"));
	double n_missing = n_dropped + add_reasons(&missing, get_object(stacked, "failed"));
	double n_early = add_reasons(&early, get_object(stacked, "truncated"));
	size_t used = 0;

	buf[0] = 0;
	if (n_missing > 0)
		used = (size_t)snprintf(buf, size, "%.0f of %.0f user stacks are missing: %s",
					n_missing, get_number(stacked, "user") + n_dropped,
					missing.text);
	if (n_early > 0 && used < size)
		snprintf(buf + used, size - used,
			 "%s%.0f of %.0f user stacks end before the thread's start: %s",
			 used ? "; " : "", n_early, get_number(stacked, "unwound"), early.text);
	return buf;
}

static bool starts_with_any(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (!strncmp(text, *words, strlen(*words)))
			return true;
	return false;
}

const char *view_frame(const cJSON *stack)
{
	static const char *const libc[] = {"__",    "pthread_", "_pthread", "syscall", "futex_",
					   "futex", "lll_",	"std::",    NULL};
	const cJSON *frame;
	const char *first = NULL;

	cJSON_ArrayForEach (frame, stack) {
		const char *text = cJSON_IsString(frame) ? frame->valuestring : "";

		first = first ? first : text;
		if (*text != '[' && strstr(text, " (") && !strstr(text, "[libc.") &&
		    !starts_with_any(text, libc))
			return text;
	}
	cJSON_ArrayForEach (frame, stack) { /* no line is known: a program without debug data */
		const char *text = cJSON_IsString(frame) ? frame->valuestring : "";

		if (strchr(text, '[') && !strstr(text, "[libc") && !strstr(text, "[libpthread") &&
		    !strstr(text, "[bpf]") && !starts_with_any(text, libc))
			return text;
	}
	return first ? first : "";
}

const char *view_top_frame(const cJSON *stacks)
{
	const cJSON *first = cJSON_IsArray(stacks) ? stacks->child : NULL;

	return view_frame(get(first, "stack"));
}

double view_cost(const struct probes_view *v, const char *probe)
{
	return get_number(view_probe(v, probe), "run_ns") / view_for(v, probe).window_ns;
}

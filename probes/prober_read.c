// SPDX-License-Identifier: MIT
/* What every probe tells in the same words: how it fared, what it lost, what it cost. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/util/nsec.h"
#include "probes/prober.h"

#define SKIPPED                                                                                    \
	"the kernel runs no program twice at a time on a CPU: what interrupts do while one runs, " \
	"it skips and counts"

#define UNKNOWN_NS  1000 /* of a run that nobody measured: more than all that are measured */
#define NEVER_BEGAN "the run ended before its window began"

static uint64_t skipped(const struct part *part, const struct watcher *w, unsigned program)
{
	struct part_stats now;

	return part_stats(part, program, &now) ? 0 : now.missed - w->armed[program].missed;
}

/* Runs of a program in the window, or so far. */
static uint64_t runs_of(const struct prober *p, const struct watcher *w, unsigned program)
{
	struct part_stats now;

	if (p->phase != WINDOW)
		return w->end[program].hits - w->begin[program].hits;
	if (part_stats(w->plugin->part(w->probe), program, &now))
		return 0;
	return now.hits - w->begin[program].hits;
}

static void add_run_ns(cJSON *o, double run_ns, double unknown_ns, const struct probe_window *win)
{
	bool known = unknown_ns <= (double)(win->end_ns - win->begin_ns) / 100;

	cJSON_AddItemToObject(o, "run_ns",
			      known ? cJSON_CreateNumber(floor(run_ns + unknown_ns))
				    : cJSON_CreateNull());
	if (!known)
		cJSON_AddStringToObject(
			o, "reason_run_ns",
			"what ran in the window ran too seldom while it was measured");
}

static void add_programs(cJSON *o, const struct prober *p, const struct watcher *w)
{
	struct part *part = w->plugin->part(w->probe);
	cJSON *list = cJSON_AddArrayToObject(o, "programs");
	double run_ns = 0, unknown_ns = 0;

	for (unsigned i = 0; part->programs[i]; i++) {
		uint64_t runs = runs_of(p, w, i);
		double mean = prober_mean_ns(w, i);
		cJSON *item;

		if (!w->armed[i].id)
			continue;
		item = cJSON_CreateObject();
		cJSON_AddStringToObject(item, "name", part->programs[i]);
		cJSON_AddStringToObject(item, "hook", part_hook(part, i));
		cJSON_AddNumberToObject(item, "runs", (double)runs);
		cJSON_AddNumberToObject(item, "skipped", (double)skipped(part, w, i));
		cJSON_AddItemToObject(item, "ns",
				      mean < 0 ? cJSON_CreateNull() : cJSON_CreateNumber(mean));
		cJSON_AddItemToArray(list, item);
		if (mean < 0)
			unknown_ns += UNKNOWN_NS * (double)runs;
		else
			run_ns += mean * (double)runs;
	}
	add_run_ns(o, run_ns, unknown_ns, track_window(p->track));
}

/* The window, or what is over of it while it lasts. */
static struct probe_view view_of(const struct prober *p, const struct watcher *w,
				 const cJSON *usage, uint64_t usage_off_ns, bool live)
{
	const struct probe_window *win = track_window(p->track);
	uint64_t now = nsec_now();

	return (struct probe_view){.env = &w->env,
				   .usage = usage,
				   .usage_off_ns = usage_off_ns,
				   .begin_ns = win->begin_ns,
				   .end_ns = win->begin_ns && now < win->end_ns ? now : win->end_ns,
				   .live = live};
}

static void add_losses(cJSON *o, const struct prober *p, const struct watcher *w,
		       struct probe_losses *l)
{
	struct part *part = w->plugin->part(w->probe);
	uint64_t n = 0;
	cJSON *sampling;

	for (unsigned i = 0; part->programs[i]; i++)
		n += skipped(part, w, i);
	l->lost += n;
	cJSON_AddNumberToObject(o, "events", (double)l->events);
	cJSON_AddNumberToObject(o, "lost", (double)l->lost);
	if (n)
		cJSON_AddStringToObject(o, "reason_lost", SKIPPED);
	cJSON_AddNumberToObject(o, "map_full", (double)l->map_full);
	cJSON_AddNumberToObject(o, "untracked", (double)l->untracked);
	sampling = cJSON_AddObjectToObject(o, "sampling");
	cJSON_AddNumberToObject(sampling, "every", (double)l->every);
	cJSON_AddNumberToObject(sampling, "share", p->share);
	if (p->why_share[0])
		cJSON_AddStringToObject(sampling, "reason_share", p->why_share);
	cJSON_AddItemToObject(sampling, "predicted",
			      p->predicted < 0 ? cJSON_CreateNull()
					       : cJSON_CreateNumber(p->predicted));
	if (l->sampling[0])
		cJSON_AddStringToObject(sampling, "reason", l->sampling);
	else
		cJSON_AddNullToObject(sampling, "reason");
}

static cJSON *read_probe(const struct prober *p, const struct watcher *w, const cJSON *usage,
			 uint64_t usage_off_ns, bool live)
{
	const char *reason = w->probe ? w->run_reason : w->reason;
	cJSON *o = cJSON_CreateObject();
	struct probe_losses losses = {.every = 1};
	struct probe_view view;

	if (w->probe && !*reason && !live && !p->began)
		reason = NEVER_BEGAN;
	cJSON_AddStringToObject(o, "status", !*reason ? "ok" : w->probe ? "failed" : "unsupported");
	if (*reason) {
		cJSON_AddStringToObject(o, "reason", reason);
		return o;
	}
	cJSON_AddNullToObject(o, "reason");
	cJSON_AddStringToObject(o, "hooks", w->env.plain ? "plain" : "btf");
	view = view_of(p, w, usage, usage_off_ns, live);
	w->plugin->read(w->probe, &view, o, &losses);
	add_losses(o, p, w, &losses);
	add_programs(o, p, w);
	return o;
}

cJSON *prober_read(struct prober *p, const cJSON *usage, uint64_t usage_off_ns, bool live)
{
	cJSON *o = cJSON_CreateObject();

	for (unsigned i = 0; i < p->n; i++)
		if (p->watchers[i].chosen)
			cJSON_AddItemToObject(
				o, p->watchers[i].plugin->info.name,
				read_probe(p, &p->watchers[i], usage, usage_off_ns, live));
	return o;
}

void probe_tally_json(cJSON *into, const struct tally *t)
{
	double slots[SLOTS32];

	for (unsigned i = 0; i < SLOTS32; i++)
		slots[i] = t->slots[i];
	cJSON_AddNumberToObject(into, "count", (double)t->count);
	cJSON_AddNumberToObject(into, "sum_ns", (double)t->sum);
	cJSON_AddNumberToObject(into, "max_ns", (double)t->max);
	cJSON_AddItemToObject(into, "slots", cJSON_CreateDoubleArray(slots, SLOTS32));
}

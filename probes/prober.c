// SPDX-License-Identifier: MIT
/*
 * When what happens to probes. A probe that cannot be loaded or attached keeps its reason and the
 * others go on. The kernel's own measurement of programs costs as much as a cheap program does, so
 * it is on while the load warms up, to plan by, and for the first moment of the window: a mean from
 * there, times the runs in the window, is what a probe cost.
 */
#include "probes/prober.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "probes/closer.h"
#include "probes/foreign.h"
#include "probes/probes.h"
#include "probes/stacks/stacks.h"
#include "probes/tracefs.h"

#define POLL_NS	       (10 * NSEC_PER_MSEC)  /* until the load starts */
#define SETTLE_NS      (2 * NSEC_PER_MSEC)   /* all is quiet so long before the window */
#define MEASURE_MIN_NS (20 * NSEC_PER_MSEC)  /* shorter warm-ups tell nothing */
#define INSIDE_NS      (10 * NSEC_PER_MSEC)  /* measured so long inside the window */
#define LOOK_NS	       (200 * NSEC_PER_MSEC) /* inside the window */
#define LATE_NS	       (10 * NSEC_PER_MSEC)  /* before its end: a last look at who lives */

static bool choose_one(const struct prober_ops *ops, unsigned *set)
{
	unsigned before = *set;

	for (unsigned i = 0; ops->probes[i].name; i++)
		for (unsigned j = 0; ops->probes[j].name; j++)
			if (*set & 1u << i && ops->probes[i].needs &&
			    !strcmp(ops->probes[i].needs, ops->probes[j].name))
				*set |= 1u << j;
	return *set != before;
}

static int load_track(struct prober *p, struct err *err)
{
	struct err first = {""}, second = {""};
	int r = -EOPNOTSUPP;

	if (p->config.hooks != HOOKS_PLAIN)
		r = track_open(false, &p->track, &first);
	if (r && p->config.hooks != HOOKS_BTF)
		r = track_open(true, &p->track, &second);
	return r ? err_set(err, r, "%s", first.text[0] ? first.text : second.text) : 0;
}

/* BTF first. When both ways fail, the reason of the first is the one worth telling. */
static void load_probe(struct watcher *w)
{
	int hooks = w->env.config->hooks;
	struct err first = {""}, second = {""};
	int r = -EOPNOTSUPP;

	w->env.plain = false;
	if (hooks != HOOKS_PLAIN)
		r = w->plugin->open(&w->env, &w->probe, &first);
	if (r && hooks != HOOKS_BTF) {
		w->env.plain = true;
		r = w->plugin->open(&w->env, &w->probe, &second);
	}
	if (r)
		snprintf(w->reason, sizeof(w->reason), "%s",
			 first.text[0] ? first.text : second.text);
}

/* Whoever takes samples says where they are; without, there are only kernel symbols. */
static int open_stacks(struct prober *p, struct err *err)
{
	struct stacks_maps maps;
	bool sampled = false;
	int r;

	for (unsigned i = 0; i < p->n && !sampled; i++) {
		struct watcher *w = &p->watchers[i];

		if (w->probe && w->plugin->sample_maps)
			sampled = w->plugin->sample_maps(w->probe, &maps);
	}
	r = stacks_open(sampled ? &maps : NULL, p->config.stack_wait_ns, &p->stacks, err);
	for (unsigned i = 0; i < p->n; i++)
		p->watchers[i].env.stacks = p->stacks;
	return r;
}

/* Others need not count on it. */
static void forget(struct prober *p, unsigned probe)
{
	for (unsigned i = 0; i < p->n; i++)
		p->watchers[i].env.chosen &= ~(1u << probe);
}

static int load_all(struct prober *p, unsigned set, struct err *err)
{
	struct err why = {""};
	int r = load_track(p, &why);

	for (unsigned i = 0; probe_plugins[i]; i++, p->n++) {
		struct watcher *w = &p->watchers[i];

		w->plugin = probe_plugins[i];
		w->chosen = set & 1u << i;
		w->env = (struct probe_env){.track = p->track, .config = &p->config, .chosen = set};
		if (w->chosen && r)
			snprintf(w->reason, sizeof(w->reason), "%s", why.text);
		else if (w->chosen)
			load_probe(w);
	}
	for (unsigned i = 0; i < p->n; i++)
		if (!p->watchers[i].probe)
			forget(p, i);
	return open_stacks(p, err);
}

static int open_prober(unsigned set, const void *config, struct prober **ret, struct err *err)
{
	struct prober *p;
	int r;

	if (!set)
		return err_set(err, -EINVAL, "no probe was chosen");
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_sys(err, -ENOMEM, "probes");
	while (choose_one(&probes_prober, &set))
		;
	part_quiet();
	/* Only some hooks need it, and those say so when it is not there. */
	tracefs_mount();
	p->config = *(const struct probe_config *)config;
	p->stats_fd = -1;
	r = load_all(p, set, err);
	if (r)
		probes_prober.close(p);
	else
		*ret = p;
	return r;
}

static void snapshot(struct prober *p, size_t which)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct watcher *w = &p->watchers[i];
		struct part_stats *into = (struct part_stats *)((char *)w + which);
		struct part *part = w->probe ? w->plugin->part(w->probe) : NULL;

		for (unsigned j = 0; part && part->programs[j]; j++)
			if (part_stats(part, j, &into[j]))
				into[j] = (struct part_stats){.runs = 0};
	}
}
#define SNAPSHOT(p, which) snapshot(p, offsetof(struct watcher, which))

static int attach_probe(struct watcher *w, struct err *err)
{
	int r = part_clear(w->plugin->part(w->probe), err);

	if (!r && w->plugin->reset)
		r = w->plugin->reset(w->probe, err);
	if (!r)
		r = w->plugin->attach(w->probe, err);
	w->attached = !r;
	return r;
}

/* Whoever builds on another probe can tell whether it is there. */
static void set_attached(struct prober *p)
{
	unsigned attached = 0;

	for (unsigned i = 0; i < p->n; i++)
		attached |= p->watchers[i].attached ? 1u << i : 0;
	for (unsigned i = 0; i < p->n; i++)
		p->watchers[i].env.attached = attached;
}

static void detach_probes(struct prober *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->watchers[i].attached)
			p->watchers[i].plugin->detach(p->watchers[i].probe);
		p->watchers[i].attached = false;
	}
}

static void disarm(struct prober *p)
{
	cleanup_close(&p->stats_fd);
	detach_probes(p);
	if (p->track)
		track_detach(p->track);
	closer_wait();
	if (p->phase == WINDOW)
		SNAPSHOT(p, end);
	if (p->phase != IDLE)
		stacks_poll(p->stacks, false);
	p->phase = IDLE;
}

static int arm(struct prober *p, const char *role, pid_t pid, struct err *err)
{
	int r;

	p->measured = p->began = p->inside = false;
	p->share = 1;
	p->predicted = -1;
	p->why_share[0] = 0;
	for (unsigned i = 0; i < p->n; i++)
		p->watchers[i].env.part = false;
	p->whole = strcmp(role, "harness") != 0;
	if (!p->track)
		return 0; /* every probe has its reason */
	r = stacks_reset(p->stacks, err);
	if (!r)
		r = track_attach(p->track, err);
	for (unsigned i = 0; !r && i < p->n; i++) {
		struct watcher *w = &p->watchers[i];
		struct err why = {""};

		w->run_reason[0] = 0;
		memset(w->start, 0, sizeof(w->start));
		memset(w->begin, 0, sizeof(w->begin));
		memset(w->warm, 0, sizeof(w->warm));
		memset(w->inside, 0, sizeof(w->inside));
		memset(w->end, 0, sizeof(w->end));
		if (w->probe && attach_probe(w, &why))
			snprintf(w->run_reason, sizeof(w->run_reason), "%s", why.text);
	}
	closer_wait(); /* for what was attached of a probe that failed */
	if (!r) {
		set_attached(p);
		SNAPSHOT(p, armed);
		p->phase = ARMED;
		if (pid)
			r = track_process(p->track, pid, role, err);
		else
			track_seed(p->track, role);
	}
	if (r)
		disarm(p);
	return r;
}

static void launched(struct prober *p)
{
	if (p->track)
		track_seed(p->track, NULL);
}

static int window_fd(const struct prober *p)
{
	return p->track ? part_map_fd(track_part(p->track), "window") : -1;
}

static void begin_measuring(struct prober *p, uint64_t now)
{
	p->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	p->started_ns = now;
	SNAPSHOT(p, start);
	for (unsigned i = 0; i < p->n; i++)
		if (p->watchers[i].attached)
			memcpy(p->watchers[i].start_hits,
			       p->watchers[i].plugin->part(p->watchers[i].probe)->hits,
			       sizeof(p->watchers[i].start_hits));
	p->phase = WARM_UP;
}

static void calibrate(struct watcher *w, const struct probe_config *config, double seconds)
{
	struct probe_load load = prober_load(w, seconds);
	double before = load.ns_per_s;

	w->eased = 1;
	if (!w->plugin->calibrate || !(before > 0))
		return;
	load.budget_ns_per_s = (double)NSEC_PER_SEC * (double)config->cost / 100;
	w->plugin->calibrate(w->probe, &load);
	w->eased = load.ns_per_s / before;
}

/* Before the window: what a probe then does is up to it, and takes effect at once. */
static void end_measuring(struct prober *p, uint64_t now)
{
	double seconds = (double)(now - p->started_ns) / (double)NSEC_PER_SEC;
	struct probe_window *window = track_window(p->track);
	uint64_t end_ns = window->end_ns;

	SNAPSHOT(p, warm);
	SNAPSHOT(p, begin); /* in case that nobody looks when it does begin */
	p->measured = p->stats_fd >= 0 && now - p->started_ns >= MEASURE_MIN_NS;
	for (unsigned i = 0; p->measured && i < p->n; i++)
		if (p->watchers[i].attached)
			calibrate(&p->watchers[i], &p->config, seconds);
	if (p->measured) {
		prober_share(p, window, seconds, nsec_now());
		prober_share_check(p, window, end_ns, nsec_now());
	} else {
		snprintf(p->why_share, sizeof(p->why_share), "%s: probe_cost was not applied",
			 p->stats_fd < 0 ? "the kernel does not measure programs"
					 : "the warm-up was too short to measure programs");
	}
	p->phase = WINDOW;
	p->began = true;
}

static uint64_t tick_probes(struct prober *p, uint64_t now)
{
	uint64_t next = LOOK_NS;

	for (unsigned i = 0; i < p->n; i++) {
		struct watcher *w = &p->watchers[i];

		if (w->attached && w->plugin->tick)
			next = min_of(next, w->plugin->tick(w->probe, now));
	}
	return next;
}

/* Inside the window programs do more than before it, so what they cost is measured there, for a
 * moment only: the measuring costs more than many a program. Returns when it is over. */
static uint64_t measure_inside(struct prober *p, const struct probe_window *w, uint64_t now)
{
	uint64_t until = w->begin_ns + INSIDE_NS;

	if (p->stats_fd < 0)
		return LOOK_NS;
	if (!p->inside) {
		SNAPSHOT(p, begin);
		p->inside = true;
	}
	if (now < until)
		return until - now;
	SNAPSHOT(p, inside);
	cleanup_close(&p->stats_fd);
	return LOOK_NS;
}

static uint64_t in_the_window(struct prober *p, const struct probe_window *w, uint64_t now)
{
	uint64_t next;

	stacks_poll(p->stacks, now + LATE_NS >= w->end_ns);
	if (now < w->begin_ns)
		return w->begin_ns - now;
	next = min_of(tick_probes(p, now), measure_inside(p, w, now));
	if (now + LATE_NS < w->end_ns)
		return min_of(next, w->end_ns - LATE_NS - now);
	return now < w->end_ns ? min_of(next, w->end_ns - now) : 0;
}

static uint64_t tick(struct prober *p)
{
	struct probe_window *w = p->track ? track_window(p->track) : NULL;
	uint64_t now = nsec_now(), begin;

	if (!w || p->phase == IDLE || p->phase == AFTER)
		return NSEC_PER_SEC;
	begin = __atomic_load_n(&w->begin_ns, __ATOMIC_ACQUIRE);
	if (!begin)
		return POLL_NS;
	if (p->phase == ARMED)
		begin_measuring(p, now);
	if (p->phase == WARM_UP && now + SETTLE_NS < begin)
		return begin - SETTLE_NS - now;
	if (p->phase == WARM_UP)
		end_measuring(p, now);
	if (now < w->end_ns)
		return in_the_window(p, w, now);
	SNAPSHOT(p, end);
	cleanup_close(&p->stats_fd); /* a window shorter than the measuring */
	p->phase = AFTER;
	if (p->share < 1)
		detach_probes(p);
	return NSEC_PER_SEC;
}

static void close_prober(struct prober *p)
{
	if (!p)
		return;
	disarm(p);
	for (unsigned i = 0; i < p->n; i++)
		if (p->watchers[i].probe)
			p->watchers[i].plugin->close(p->watchers[i].probe);
	stacks_close(p->stacks);
	track_close(p->track);
	free(p);
}

static int supported(const char *name, const char **ret_hooks, struct err *why)
{
	_cleanup_free_ void *config = calloc(1, sizeof(struct probe_config));
	struct prober *p = NULL;
	unsigned set = 0;
	int r = config ? param_defaults(probe_params, config) : -ENOMEM;

	if (!r)
		r = probe_set_add(&probes_prober, name, &set, why);
	if (!r)
		r = open_prober(set, config, &p, why);
	for (unsigned i = 0; !r && i < p->n; i++) {
		const struct watcher *w = &p->watchers[i];

		if (strcmp(w->plugin->info.name, name))
			continue;
		*ret_hooks = w->env.plain ? "plain" : "btf";
		if (!w->probe)
			r = err_set(why, -EOPNOTSUPP, "%s", w->reason);
	}
	close_prober(p);
	return r;
}

static cJSON *foreign(struct err *why)
{
	return foreign_list(probe_plugins, why);
}

const struct prober_ops probes_prober = {
	.probes = probe_infos,
	.params = probe_params,
	.config_size = sizeof(struct probe_config),
	.open = open_prober,
	.arm = arm,
	.launched = launched,
	.window_fd = window_fd,
	.tick = tick,
	.disarm = disarm,
	.read = prober_read,
	.close = close_prober,
	.foreign = foreign,
	.supported = supported,
};

// SPDX-License-Identifier: MIT
/*
 * Sets are few (a matrix states them), so they are a list. A prober that cannot be opened or armed
 * costs its runs nothing but what it would have seen: the record has every probe of the set with
 * the status `failed` and the reason.
 */
#include "harness/session/watch.h"

#include <errno.h>
#include <stdlib.h>

#include "harness/matrix/matrix.h"
#include "harness/matrix/plan.h"
#include "harness/probe.h"
#include "harness/util/cleanup.h"

struct watched_set {
	unsigned set;
	struct prober *prober; /* NULL: could not be opened */
	struct err why;
};

struct watch {
	const struct prober_ops *ops;
	struct watched_set *sets;
	size_t n;
	cJSON *before; /* foreign programs before the last run; NULL with the reason */
	struct err before_why;
};

static struct watched_set *find(const struct watch *w, unsigned set)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->sets[i].set == set)
			return &w->sets[i];
	return NULL;
}

static int open_set(struct watch *w, unsigned set, const void *config)
{
	struct watched_set *sets = reallocarray(w->sets, w->n + 1, sizeof(*sets));
	struct watched_set *s;

	if (!sets)
		return -ENOMEM;
	w->sets = sets;
	s = &sets[w->n++];
	*s = (struct watched_set){.set = set};
	if (w->ops->open(set, config, &s->prober, &s->why))
		s->prober = NULL;
	return 0;
}

int watch_open(const struct prober_ops *ops, const struct matrix *m, const struct plan *p,
	       struct watch **ret, struct err *err)
{
	struct watch *w = calloc(1, sizeof(*w));
	int r = w ? 0 : -ENOMEM;

	if (w)
		w->ops = ops;
	for (size_t i = 0; !r && i < p->n; i++) {
		unsigned set = m->cells[p->items[i].cell]->probes;

		if (p->items[i].probed && !find(w, set))
			r = open_set(w, set, m->probe_config);
	}
	if (r) {
		watch_close(w);
		return err_sys(err, r, "probes");
	}
	*ret = w;
	return 0;
}

/* {probe: {status: "failed", reason}} for all of the set. */
static cJSON *describe_failure(const struct prober_ops *ops, unsigned set, const char *reason)
{
	cJSON *probes = cJSON_CreateObject();

	for (size_t i = 0; ops->probes[i].name; i++) {
		cJSON *probe;

		if (!(set & 1u << i))
			continue;
		probe = cJSON_AddObjectToObject(probes, ops->probes[i].name);
		cJSON_AddStringToObject(probe, "status", "failed");
		cJSON_AddStringToObject(probe, "reason", reason);
	}
	return probes;
}

/* What an open prober and the launch have to do with each other. */
struct armed {
	const struct prober_ops *ops;
	struct prober *prober;
};

static void on_launched(void *arg)
{
	struct armed *a = arg;

	a->ops->launched(a->prober);
}

static uint64_t on_tick(void *arg)
{
	struct armed *a = arg;

	return a->ops->tick(a->prober);
}

static int launch_armed(struct armed *a, cJSON *request, struct launch *l, struct outcome *ret,
			struct err *err)
{
	const struct launch_watcher watcher = {.window_fd = a->ops->window_fd(a->prober),
					       .launched = on_launched,
					       .tick = on_tick,
					       .arg = a};
	int r;

	if (watcher.window_fd >= 0)
		cJSON_AddTrueToObject(request, "window");
	l->watcher = &watcher;
	r = launch(l, ret, err);
	l->watcher = NULL;
	a->ops->disarm(a->prober);
	return r;
}

static cJSON *read_probes(const struct armed *a, unsigned set, const struct outcome *o)
{
	const cJSON *usage = cJSON_GetObjectItemCaseSensitive(o->response, "usage");
	const cJSON *window = cJSON_GetObjectItemCaseSensitive(o->response, "window");
	const cJSON *took = cJSON_GetObjectItemCaseSensitive(window, "usage_off_ns");
	uint64_t usage_off_ns = cJSON_IsNumber(took) ? (uint64_t)took->valuedouble : 0;
	cJSON *probes = a->ops->read(a->prober, usage, usage_off_ns, false);

	return probes ? probes : describe_failure(a->ops, set, "out of memory");
}

/* Nothing of ours is attached: a program that others attach is seen unless it comes after this, and
 * goes before the run is over. */
static void list_before(struct watch *w)
{
	cJSON_Delete(w->before);
	w->before = NULL;
	err_set(&w->before_why, 0, "no run was begun");
	if (w->n)
		w->before = w->ops->foreign(&w->before_why);
}

int watch_launch(struct watch *w, unsigned set, cJSON *request, struct launch *l,
		 struct outcome *ret, cJSON **ret_probes, struct err *err)
{
	const struct watched_set *s = set ? find(w, set) : NULL;
	struct armed armed = {.ops = w->ops, .prober = s ? s->prober : NULL};
	struct err why = s ? s->why : (struct err){""};
	int r;

	list_before(w);
	if (armed.prober && w->ops->arm(armed.prober, "harness", 0, &why))
		armed.prober = NULL;
	r = armed.prober ? launch_armed(&armed, request, l, ret, err) : launch(l, ret, err);
	if (r || ret->interrupted)
		return r;
	if (!set)
		*ret_probes = cJSON_CreateObject();
	else if (armed.prober)
		*ret_probes = read_probes(&armed, set, ret);
	else
		*ret_probes = describe_failure(w->ops, set, why.text);
	return 0;
}

void watch_add_foreign(struct watch *w, cJSON *host)
{
	struct err why = {"nothing is probed in this session"};
	cJSON *foreign = NULL;

	if (!cJSON_IsObject(host))
		return;
	if (w->n && !w->before)
		why = w->before_why;
	else if (w->n)
		foreign = w->ops->foreign(&why);
	if (foreign)
		foreign = probe_foreign_seen(take_ptr(w->before), foreign);
	cJSON_AddItemToObject(host, "foreign_bpf", foreign ? foreign : cJSON_CreateNull());
	if (!foreign)
		cJSON_AddStringToObject(host, "reason_foreign_bpf", why.text);
}

void watch_close(struct watch *w)
{
	for (size_t i = 0; w && i < w->n; i++)
		if (w->sets[i].prober)
			w->ops->close(w->sets[i].prober);
	if (w) {
		cJSON_Delete(w->before);
		free(w->sets);
	}
	free(w);
}

// SPDX-License-Identifier: MIT
/*
 * The order of things: claim the machine, open the store, note what is going to be made, then run,
 * each record stored before the next run begins. On resume the records that are there name the runs
 * that are not missing; nothing else about them is looked at.
 */
#include "harness/session/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "harness/cell.h"
#include "harness/host/hostinfo.h"
#include "harness/session/launch.h"
#include "harness/matrix/matrix.h"
#include "harness/pad.h"
#include "harness/probe.h"
#include "harness/matrix/plan.h"
#include "harness/session/record.h"
#include "harness/session/runner.h"
#include "harness/session/store.h"
#include "harness/session/yardlog.h"
#include "harness/util/cleanup.h"

struct session {
	const struct matrix *matrix;
	const struct plan *plan;
	const struct session_options *opt;
	struct session_summary *sum;
	struct store *store;
	struct runner *runner;
	unsigned char *have; /* [plan->n]: a record is there */
	double pad_iters_per_ns;
	struct err *err;
};

static cJSON *describe_cells(const struct matrix *m)
{
	cJSON *cells = cJSON_CreateArray();

	for (size_t i = 0; i < m->n_cells; i++) {
		_cleanup_free_ char *label = cell_label(m->cells[i]);
		cJSON *cell = cell_describe(m->cells[i]);

		cJSON_AddStringToObject(cell, "label", label ? label : "");
		if (m->cells[i]->gate)
			cJSON_AddItemToObject(cell, "gate",
					      cJSON_Duplicate(m->cells[i]->gate, true));
		cJSON_AddItemToArray(cells, cell);
	}
	return cells;
}

/* The knobs of the probes as they are used; none where nothing is probed. */
static cJSON *describe_probe_knobs(const struct session *s)
{
	const struct param *row = s->plan->n_probed ? s->opt->prober->params : NULL;
	cJSON *o = cJSON_CreateObject();

	for (; row && row->name; row++)
		cJSON_AddItemToObject(o, row->name, param_get_json(row, s->matrix->probe_config));
	return o;
}

static int describe_session(struct session *s, cJSON *o)
{
	const struct matrix *m = s->matrix;
	struct timespec now;
	uint64_t id = 0;
	char text[40];

	if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
		return err_sys(s->err, -errno, "getrandom");
	clock_gettime(CLOCK_REALTIME, &now);
	cJSON_AddNumberToObject(o, "schema", RECORD_SCHEMA);
	cJSON_AddStringToObject(o, "uhbench", UHBENCH_VERSION);
	snprintf(text, sizeof(text), "%016llx", (unsigned long long)id);
	cJSON_AddStringToObject(o, "session", text);
	record_time(&now, text, sizeof(text));
	cJSON_AddStringToObject(o, "started", text);
	cJSON_AddItemToObject(o, "matrix", cJSON_Duplicate(m->source, 1));
	cJSON_AddStringToObject(o, "matrix_hash", m->hash);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)s->opt->seed);
	cJSON_AddStringToObject(o, "seed", text);
	cJSON_AddNumberToObject(o, "repeats", (double)s->opt->repeats);
	cJSON_AddBoolToObject(o, "concurrent", s->opt->concurrent);
	cJSON_AddItemToObject(o, "only",
			      s->opt->only ? cJSON_CreateString(s->opt->only) : cJSON_CreateNull());
	cJSON_AddItemToObject(o, "probes",
			      s->opt->probes_given ? probe_set_json(s->opt->prober, m->probes)
						   : cJSON_CreateNull());
	cJSON_AddItemToObject(o, "probe_knobs", describe_probe_knobs(s));
	cJSON_AddStringToObject(o, "order", matrix_order_names[m->order]);
	cJSON_AddNumberToObject(o, "warmup_ns", (double)m->warmup_ns);
	cJSON_AddNumberToObject(o, "duration_ns", (double)m->duration_ns);
	if (m->deadline_ns)
		cJSON_AddNumberToObject(o, "deadline_ns", (double)m->deadline_ns);
	else
		cJSON_AddNullToObject(o, "deadline_ns");
	cJSON_AddNumberToObject(o, "pad_iters_per_ns", s->pad_iters_per_ns);
	cJSON_AddItemToObject(o, "cells", describe_cells(m));
	cJSON_AddNumberToObject(o, "runs", (double)s->plan->n);
	cJSON_AddItemToObject(o, "host", hostinfo_collect(s->opt->dir));
	return 0;
}

static int open_new(struct session *s)
{
	_cleanup_json_ cJSON *manifest = cJSON_CreateObject();
	int r = store_prepare(s->opt->dir, s->err);

	if (r)
		return r;
	s->pad_iters_per_ns = pad_calibrate();
	r = describe_session(s, manifest);
	return r ? r : store_open(s->opt->dir, manifest, &s->store, s->err);
}

/* A text of the manifest, "" where there is none. */
static const char *text_at(const cJSON *object, const char *key, const char *key2)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
	const char *text;

	if (key2)
		item = cJSON_GetObjectItemCaseSensitive(item, key2);
	text = cJSON_GetStringValue(item);
	return text ? text : "";
}

/* Figures of another build or kernel must not be mixed in unseen. */
static int check_same_host(struct session *s, const cJSON *manifest)
{
	static const char *const keys[][2] = {{"kernel", NULL}, {"build", "revision"}};
	_cleanup_json_ cJSON *now = hostinfo_collect(s->opt->dir);
	const cJSON *then = cJSON_GetObjectItemCaseSensitive(manifest, "host");

	for (unsigned i = 0; i < array_size(keys); i++) {
		const char *a = text_at(then, keys[i][0], keys[i][1]);
		const char *b = text_at(now, keys[i][0], keys[i][1]);

		if (strcmp(a, b))
			return err_set(s->err, -ESTALE,
				       "%s holds a session with %s %s, this is %s: start a new one",
				       s->opt->dir, keys[i][1] ? "uhbench" : keys[i][0], a, b);
	}
	return 0;
}

/* The folder must hold a session of this matrix, planned with the same seed and repeats. */
static int check_same_plan(struct session *s, const cJSON *manifest)
{
	const char *hash = text_at(manifest, "matrix_hash", NULL);
	const char *seed = text_at(manifest, "seed", NULL);
	const cJSON *runs = cJSON_GetObjectItemCaseSensitive(manifest, "runs");
	char mine[24];

	snprintf(mine, sizeof(mine), "%llu", (unsigned long long)s->opt->seed);
	if (strcmp(hash, s->matrix->hash))
		return err_set(s->err, -ESTALE,
			       "%s holds the session of another matrix (hash %s, this one has %s)",
			       s->opt->dir, hash, s->matrix->hash);
	if (strcmp(seed, mine))
		return err_set(s->err, -ESTALE, "%s holds a session with seed %s, not %s",
			       s->opt->dir, seed, mine);
	if (!cJSON_IsNumber(runs) || runs->valuedouble != (double)s->plan->n)
		return err_set(s->err, -ESTALE,
			       "%s holds a session of %.0f runs, this plan has %zu: give the same "
			       "--repeats and --only as before",
			       s->opt->dir, cJSON_IsNumber(runs) ? runs->valuedouble : 0,
			       s->plan->n);
	return 0;
}

/* The `--probes` of the session that is there, or that there was none. */
static int check_same_probes(struct session *s, const cJSON *manifest)
{
	const cJSON *then = cJSON_GetObjectItemCaseSensitive(manifest, "probes");
	_cleanup_json_ cJSON *now = probe_set_json(s->opt->prober, s->matrix->probes);
	bool same = s->opt->probes_given ? cJSON_Compare(then, now, true) : !cJSON_IsArray(then);

	if (same)
		return 0;
	return err_set(s->err, -ESTALE,
		       "%s holds a session with other probes: give the same --probes as before",
		       s->opt->dir);
}

/* The folder must hold a session of this matrix, planned alike, by this build on this kernel. */
static int check_same_session(struct session *s)
{
	_cleanup_json_ cJSON *manifest = NULL;
	const cJSON *pad;
	int r = store_manifest(s->opt->dir, &manifest, s->err);

	if (r)
		return r;
	pad = cJSON_GetObjectItemCaseSensitive(manifest, "pad_iters_per_ns");
	if (!cJSON_IsNumber(pad))
		return err_set(s->err, -EBADMSG, "%s: the manifest has no pad_iters_per_ns",
			       s->opt->dir);
	s->pad_iters_per_ns = pad->valuedouble;
	r = check_same_probes(s, manifest);
	if (!r)
		r = check_same_plan(s, manifest);
	return r ? r : check_same_host(s, manifest);
}

static void count_status(struct session *s, const char *status)
{
	for (int i = 0; i < STATUS_COUNT; i++)
		if (!strcmp(status, status_names[i]))
			s->sum->by_status[i]++;
}

/* A record knows its place in the plan; cell and repeat must be what the plan has there. */
static int note_record(void *arg, cJSON *rec)
{
	struct session *s = arg;
	const cJSON *cell = cJSON_GetObjectItemCaseSensitive(rec, "cell");
	const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(cell, "id"));
	const cJSON *order = cJSON_GetObjectItemCaseSensitive(rec, "order");
	double repeat = cJSON_GetObjectItemCaseSensitive(rec, "repeat")->valuedouble;
	bool probed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(rec, "probed"));
	size_t i = cJSON_IsNumber(order) && order->valuedouble >= 0 ? (size_t)order->valuedouble
								    : s->plan->n;

	if (!id || i >= s->plan->n || s->have[i] || (double)s->plan->items[i].repeat != repeat ||
	    s->plan->items[i].probed != probed ||
	    strcmp(s->matrix->cells[s->plan->items[i].cell]->id, id))
		return err_set(
			s->err, -ESTALE,
			"%s holds a%s run of cell %s, repeat %.0f, that is not planned there",
			s->opt->dir, probed ? " probed" : "", id ? id : "?", repeat);
	s->have[i] = 1;
	s->sum->kept++;
	count_status(s, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(rec, "status")));
	return 0;
}

static int open_old(struct session *s)
{
	int r = check_same_session(s);

	if (!r)
		r = store_open(s->opt->dir, NULL, &s->store, s->err);
	return r ? r : store_each(s->opt->dir, note_record, s, NULL, s->err);
}

static int open_session(struct session *s)
{
	struct runner_options opt = {.registry = s->opt->registry,
				     .prober = s->opt->prober,
				     .concurrent = s->opt->concurrent,
				     .interrupted = s->opt->interrupted};
	int r = runner_claim(&opt, &s->runner, s->err);

	if (r)
		return r;
	r = s->opt->resume ? open_old(s) : open_new(s);
	if (!r)
		r = runner_open(s->runner, s->matrix, s->plan, s->opt->dir, s->err);
	if (!r)
		r = yardlog_add(s->opt->dir, runner_workdir(s->runner), YARDLOG_BEGIN, s->err);
	return r;
}

static int store_outcome(struct session *s, const struct plan_item *item,
			 const struct timespec *start, struct outcome *o, cJSON *probes)
{
	struct record_head head = {.cell = s->matrix->cells[item->cell],
				   .repeat = item->repeat,
				   .order = item->order,
				   .seed = item->seed,
				   .probed = item->probed,
				   .probes = probes,
				   .start = *start};
	_cleanup_json_ cJSON *rec = NULL;

	rec = record_make(&head, o);
	s->sum->done++;
	s->sum->by_status[o->status]++;
	return store_append(s->store, rec, s->err);
}

static int run_one(struct session *s, const struct plan_item *item)
{
	const struct cell *cell = s->matrix->cells[item->cell];
	struct runner_job job = {.cell = cell,
				 .binary = s->opt->binary,
				 .number = item->order,
				 .seed = item->seed,
				 .pad_iters_per_ns = s->pad_iters_per_ns,
				 .probed = item->probed};
	_cleanup_json_ cJSON *probes = NULL;
	struct outcome o = {.status = STATUS_FAILED};
	struct timespec start;
	int r;

	s->opt->begins(s->opt->arg, cell, item->probed, s->sum->done, s->sum->todo);
	r = runner_run(s->runner, &job, &o, &probes, &start, s->err);
	if (!r && !o.interrupted)
		r = store_outcome(s, item, &start, &o, take_ptr(probes));
	if (!r && !o.interrupted)
		s->opt->ended(s->opt->arg, cell, item->probed, &o, s->sum->done, s->sum->todo);
	outcome_free(&o);
	return r;
}

static int run_all(struct session *s)
{
	int r = 0;

	s->sum->todo = s->plan->n - s->sum->kept;
	for (size_t i = 0; !r && i < s->plan->n && !*s->opt->interrupted; i++)
		if (!s->have[i])
			r = run_one(s, &s->plan->items[i]);
	s->sum->interrupted = !r && *s->opt->interrupted && s->sum->done < s->sum->todo;
	return r;
}

int session_run(const struct matrix *m, const struct plan *p, const struct session_options *opt,
		struct session_summary *ret, struct err *err)
{
	struct session s = {.matrix = m, .plan = p, .opt = opt, .sum = ret, .err = err};
	int r;

	*ret = (struct session_summary){.todo = 0};
	s.have = calloc(p->n ? p->n : 1, 1);
	if (!s.have)
		return err_sys(err, -ENOMEM, "session");
	r = open_session(&s);
	if (!r)
		r = run_all(&s);
	if (!r && !ret->interrupted)
		r = yardlog_add(opt->dir, runner_workdir(s.runner), YARDLOG_END, err);
	if (s.runner) {
		ret->swept = runner_swept(s.runner)->count;
		snprintf(ret->not_swept, sizeof(ret->not_swept), "%s",
			 runner_swept(s.runner)->not_swept);
	}
	runner_close(s.runner);
	store_close(s.store);
	free(s.have);
	return r;
}

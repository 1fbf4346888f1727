// SPDX-License-Identifier: MIT
/*
 * The order of things: claim the machine, undo what the dead left, open the store, note what is
 * going to be made, then run. On resume the records that are there name the runs that are not
 * missing; nothing else about them is looked at.
 */
#include "harness/session/session.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "harness/cell.h"
#include "harness/host/hostinfo.h"
#include "harness/session/launch.h"
#include "harness/session/leftover.h"
#include "harness/matrix/matrix.h"
#include "harness/pad.h"
#include "harness/matrix/plan.h"
#include "harness/session/record.h"
#include "harness/session/solo.h"
#include "harness/session/store.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"
#include "harness/workload.h"

#define DEADLINE_GRACE_NS (10 * NSEC_PER_SEC)

struct session {
	const struct matrix *matrix;
	const struct plan *plan;
	const struct session_options *opt;
	struct session_summary *sum;
	struct store *store;
	struct leftover *leftover;
	int claim_fd;
	char workdir[PATH_MAX];
	unsigned char *have; /* [plan->n]: a record is there */
	double pad_iters_per_ns;
	struct err *err;
};

static cJSON *describe_cells(const struct matrix *m)
{
	cJSON *cells = cJSON_CreateArray();

	for (size_t i = 0; i < m->n_cells; i++)
		cJSON_AddItemToArray(cells, cell_describe(m->cells[i]));
	return cells;
}

static uint64_t deadline_of(const struct matrix *m, const struct cell *cell)
{
	uint64_t extra = cell->workload->extra_ns ? cell->workload->extra_ns(cell) : 0;

	if (m->deadline_ns)
		return m->deadline_ns;
	return m->warmup_ns + m->duration_ns + DEADLINE_GRACE_NS + extra;
}

static int write_manifest(struct session *s)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
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
	cJSON_AddStringToObject(o, "order", matrix_order_names[m->order]);
	cJSON_AddNumberToObject(o, "warmup_ns", (double)m->warmup_ns);
	cJSON_AddNumberToObject(o, "duration_ns", (double)m->duration_ns);
	if (m->deadline_ns)
		cJSON_AddNumberToObject(o, "deadline_ns", (double)m->deadline_ns);
	else
		cJSON_AddNullToObject(o, "deadline_ns");
	cJSON_AddItemToObject(o, "cells", describe_cells(m));
	cJSON_AddNumberToObject(o, "runs", (double)s->plan->n);
	cJSON_AddItemToObject(o, "host", hostinfo_collect(s->opt->dir));
	return store_write_manifest(s->store, o, s->err);
}

/* The folder must hold a session of this matrix, planned with the same seed and repeats. */
static int check_same_session(struct session *s)
{
	_cleanup_json_ cJSON *o = NULL;
	const char *hash, *seed;
	const cJSON *runs;
	char mine[24];
	int r = store_manifest(s->opt->dir, &o, s->err);

	if (r)
		return r;
	hash = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, "matrix_hash"));
	if (!hash || strcmp(hash, s->matrix->hash))
		return err_set(s->err, -ESTALE,
			       "%s holds the session of another matrix (hash %s, this one has %s)",
			       s->opt->dir, hash ? hash : "missing", s->matrix->hash);
	seed = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, "seed"));
	snprintf(mine, sizeof(mine), "%llu", (unsigned long long)s->opt->seed);
	if (!seed || strcmp(seed, mine))
		return err_set(s->err, -ESTALE, "%s holds a session with seed %s, not %s",
			       s->opt->dir, seed ? seed : "missing", mine);
	runs = cJSON_GetObjectItemCaseSensitive(o, "runs");
	if (!cJSON_IsNumber(runs) || runs->valuedouble != (double)s->plan->n)
		return err_set(s->err, -ESTALE,
			       "%s holds a session of %.0f runs, this plan has %zu: give the same "
			       "--repeats and --only as before",
			       s->opt->dir, cJSON_IsNumber(runs) ? runs->valuedouble : 0,
			       s->plan->n);
	return 0;
}

static int note_record(void *arg, cJSON *rec)
{
	struct session *s = arg;
	const cJSON *cell = cJSON_GetObjectItemCaseSensitive(rec, "cell");
	const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(cell, "id"));
	uint64_t repeat = (uint64_t)cJSON_GetObjectItemCaseSensitive(rec, "repeat")->valuedouble;

	for (size_t i = 0; id && i < s->plan->n; i++) {
		const struct plan_item *item = &s->plan->items[i];

		if (item->repeat == repeat && !s->have[i] &&
		    !strcmp(s->matrix->cells[item->cell]->id, id)) {
			s->have[i] = 1;
			s->sum->kept++;
			return 0;
		}
	}
	return err_set(s->err, -ESTALE,
		       "%s holds a run of cell %s, repeat %llu, that is not planned", s->opt->dir,
		       id ? id : "?", (unsigned long long)repeat);
}

static int open_session(struct session *s)
{
	const struct session_options *opt = s->opt;
	char real[PATH_MAX];
	unsigned swept = 0;
	int r = 0;

	s->claim_fd = solo_claim(opt->concurrent, s->err);
	if (s->claim_fd < 0)
		return s->claim_fd;
	r = leftover_sweep(&swept, s->err);
	s->sum->swept = swept;
	if (!r && opt->resume)
		r = check_same_session(s);
	if (!r)
		r = store_open(opt->dir, opt->resume, &s->store, s->err);
	if (!r && opt->resume)
		r = store_each(opt->dir, note_record, s, NULL, s->err);
	if (!r && !opt->resume)
		r = write_manifest(s);
	if (r)
		return r;
	if (!realpath(opt->dir, real) ||
	    snprintf(s->workdir, sizeof(s->workdir), "%s/work", real) >= (int)sizeof(s->workdir))
		return err_sys(s->err, -ENAMETOOLONG, "%s", opt->dir);
	return leftover_begin(s->workdir, &s->leftover, s->err);
}

static cJSON *make_request(const struct session *s, const struct plan_item *item,
			   const char *rundir, const char *sessiondir)
{
	cJSON *o = cJSON_CreateObject();
	char seed[24];

	cJSON_AddNumberToObject(o, "protocol", PROTOCOL_VERSION);
	cJSON_AddItemToObject(o, "cell", cJSON_Duplicate(s->matrix->cells[item->cell]->stated, 1));
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)item->seed);
	cJSON_AddStringToObject(o, "seed", seed);
	cJSON_AddNumberToObject(o, "warmup_ns", (double)s->matrix->warmup_ns);
	cJSON_AddNumberToObject(o, "duration_ns", (double)s->matrix->duration_ns);
	cJSON_AddStringToObject(o, "workdir", rundir);
	cJSON_AddStringToObject(o, "sessiondir", sessiondir);
	cJSON_AddNumberToObject(o, "pad_iters_per_ns", s->pad_iters_per_ns);
	return o;
}

static int store_outcome(struct session *s, const struct plan_item *item,
			 const struct timespec *start, struct outcome *o)
{
	struct record_head head = {.cell = s->matrix->cells[item->cell],
				   .repeat = item->repeat,
				   .order = item->order,
				   .seed = item->seed,
				   .start = *start};
	_cleanup_json_ cJSON *rec = record_make(&head, o);

	s->sum->done++;
	s->sum->by_status[o->status]++;
	return store_append(s->store, rec, s->err);
}

static int run_one(struct session *s, const struct plan_item *item)
{
	const struct cell *cell = s->matrix->cells[item->cell];
	char rundir[PATH_MAX + 32], sessiondir[PATH_MAX + 32];
	_cleanup_json_ cJSON *request = NULL;
	struct launch l = {.binary = s->opt->binary,
			   .deadline_ns = deadline_of(s->matrix, cell),
			   .interrupted = s->opt->interrupted};
	struct outcome o = {.status = STATUS_FAILED};
	struct timespec start;
	int r;

	snprintf(rundir, sizeof(rundir), "%s/run", s->workdir);
	snprintf(sessiondir, sizeof(sessiondir), "%s/session", s->workdir);
	r = fs_mkdir_p(rundir);
	if (!r)
		r = fs_mkdir_p(sessiondir);
	if (r)
		return err_sys(s->err, r, "work folder %s", s->workdir);
	l.request = request = make_request(s, item, rundir, sessiondir);
	clock_gettime(CLOCK_REALTIME, &start);
	s->opt->begins(s->opt->arg, cell, s->sum->done, s->sum->todo);
	r = launch(&l, &o, s->err);
	if (!r && !o.interrupted)
		r = store_outcome(s, item, &start, &o);
	if (!r && !o.interrupted)
		s->opt->ended(s->opt->arg, cell, &o, s->sum->done, s->sum->todo);
	outcome_free(&o);
	if (!r) {
		r = fs_remove_tree(rundir);
		if (r)
			err_sys(s->err, r, "%s", rundir);
	}
	return r;
}

static int run_all(struct session *s)
{
	int r = 0;

	s->sum->todo = s->plan->n - s->sum->kept;
	if (s->sum->todo)
		s->pad_iters_per_ns = pad_calibrate();
	for (size_t i = 0; !r && i < s->plan->n && !*s->opt->interrupted; i++)
		if (!s->have[i])
			r = run_one(s, &s->plan->items[i]);
	s->sum->interrupted = !r && *s->opt->interrupted && s->sum->done < s->sum->todo;
	return r;
}

int session_run(const struct matrix *m, const struct plan *p, const struct session_options *opt,
		struct session_summary *ret, struct err *err)
{
	struct session s = {
		.matrix = m, .plan = p, .opt = opt, .sum = ret, .claim_fd = -1, .err = err};
	int r;

	*ret = (struct session_summary){.todo = 0};
	s.have = calloc(p->n ? p->n : 1, 1);
	if (!s.have)
		return err_sys(err, -ENOMEM, "session");
	r = open_session(&s);
	if (!r)
		r = run_all(&s);
	leftover_end(s.leftover);
	store_close(s.store);
	cleanup_close(&s.claim_fd);
	free(s.have);
	return r;
}

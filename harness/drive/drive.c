// SPDX-License-Identifier: MIT
/*
 * Lanes go through three phases together: PREPARE (open), RUN, CLOSE. The main thread only waits,
 * marks the window and samples /proc; it wakes early when a lane fails. Lanes stay alive until the
 * sample at the window's end is taken, so that none takes its figures away.
 */
#include "harness/drive/drive.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/drive/procstat.h"
#include "harness/probe.h"
#include "harness/target.h"
#include "harness/util/nsec.h"

/* Time between the last lane being ready and the first operation: all lanes are awake by then. */
#define START_DELAY_NS NSEC_PER_MSEC

enum phase { PREPARE, RUN, CLOSE };

struct drive {
	struct run *run;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum phase phase;
	unsigned n_ready, n_done;
	int failed; /* the first lane's -errno */
	struct lane_loop **loops;
	pthread_t *threads;
	unsigned n_threads;
};

struct lane_arg {
	struct drive *drive;
	struct lane_loop *loop;
};

static int lane_open(struct lane *lane)
{
	const struct cell *cell = lane->run->cell;
	int r = cell->workload->lane_open ? cell->workload->lane_open(lane) : 0;

	if (!r && cell->target->lane_open)
		r = cell->target->lane_open(lane);
	return r;
}

static void note_failure(struct drive *d, struct lane *lane, int r)
{
	if (!d->failed)
		d->failed = r;
	d->run->stop = true;
	if (d->run->err.text[0])
		return;
	if (lane->err.text[0])
		err_set(&d->run->err, r, "%s", lane->err.text);
	else
		err_sys(&d->run->err, r, "lane %u", lane->index);
}

/* Says that this lane has come to the end of a phase, and waits for the next one. */
static enum phase arrive(struct drive *d, struct lane *lane, int r, unsigned *counter,
			 enum phase after)
{
	enum phase phase;

	pthread_mutex_lock(&d->lock);
	if (r)
		note_failure(d, lane, r);
	(*counter)++;
	pthread_cond_broadcast(&d->changed);
	while (d->phase <= after)
		pthread_cond_wait(&d->changed, &d->lock);
	phase = d->phase;
	pthread_mutex_unlock(&d->lock);
	return phase;
}

static void *lane_main(void *arg)
{
	struct lane_arg a = *(struct lane_arg *)arg;
	struct lane *lane = a.loop->lane;
	const struct target_ops *target = lane->run->cell->target;
	int r = lane_open(lane);

	free(arg);
	if (arrive(a.drive, lane, r, &a.drive->n_ready, PREPARE) == RUN) {
		r = lane_loop_run(a.loop);
		arrive(a.drive, lane, r, &a.drive->n_done, RUN);
	}
	if (target->lane_close)
		target->lane_close(lane);
	return NULL;
}

/* Waits until the time has come, a lane has failed or all lanes are done. */
static void wait_until(struct drive *d, uint64_t ns)
{
	struct timespec ts = nsec_to_timespec(ns);

	pthread_mutex_lock(&d->lock);
	while (!d->failed && d->n_done < d->n_threads && nsec_now() < ns)
		pthread_cond_clockwait(&d->changed, &d->lock, CLOCK_MONOTONIC, &ts);
	pthread_mutex_unlock(&d->lock);
}

static void wait_count(struct drive *d, const unsigned *counter)
{
	pthread_mutex_lock(&d->lock);
	while (*counter < d->n_threads)
		pthread_cond_wait(&d->changed, &d->lock);
	pthread_mutex_unlock(&d->lock);
}

static void enter(struct drive *d, enum phase phase)
{
	pthread_mutex_lock(&d->lock);
	d->phase = phase;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

static void mark(struct run *run, enum mark what)
{
	if (run->cell->workload->mark)
		run->cell->workload->mark(run, what);
}

/* Before the load starts; whoever watches takes a window with a begin for one that is whole. */
static void tell_window(struct probe_window *page, uint64_t start, const struct window *window)
{
	if (!page)
		return;
	page->start_ns = start;
	page->end_ns = window->end_ns;
	__atomic_store_n(&page->begin_ns, window->begin_ns, __ATOMIC_RELEASE);
}

static int run_window(struct drive *d, struct drive_result *res)
{
	struct run *run = d->run;
	uint64_t start = nsec_now() + START_DELAY_NS;
	int r;

	res->window.begin_ns = start + run->warmup_ns;
	res->window.end_ns = res->window.begin_ns + run->duration_ns;
	for (unsigned i = 0; i < d->n_threads; i++)
		lane_loop_window(d->loops[i], start, res->window.begin_ns, res->window.end_ns);
	if (run->cell->workload->window)
		run->cell->workload->window(run, res->window.begin_ns, res->window.end_ns);
	tell_window(run->window, start, &res->window);
	enter(d, RUN); /* each lane sleeps until `start` by itself */
	wait_until(d, res->window.begin_ns);
	mark(run, WINDOW_BEGIN);
	r = procstat_begin(run->roles, &res->procstat, &run->err);
	wait_until(d, res->window.end_ns);
	mark(run, WINDOW_END);
	if (!r)
		r = procstat_end(res->procstat, &run->err);
	wait_count(d, &d->n_done);
	return d->failed ? d->failed : r;
}

static void merge(struct drive_result *res, const struct lane_loop *l)
{
	hist_merge(&res->service, &l->service);
	hist_merge(&res->intended, &l->intended);
	hist_merge(&res->lateness, &l->lateness);
	for (unsigned i = 0; i < kinds_count(l->workload); i++)
		hist_merge(&res->by_kind[i], &l->by_kind[i]);
	for (unsigned i = 0; i < ERRNO_SLOTS; i++)
		res->errnos[i] += l->errnos[i];
	for (unsigned i = 0; i < SERIES_POINTS; i++) {
		res->series_ops[i] += l->series_ops[i];
		res->series_sum_ns[i] += l->series_sum_ns[i];
	}
	res->interval_ns = l->interval_ns;
	res->window.ops += l->ops;
	res->window.errors += l->errors;
	res->errors_sum_ns += l->errors_sum_ns;
	res->in_flight += l->area / (double)(l->end_ns - l->begin_ns);
	res->started += l->next_seq;
	res->backlog += l->backlog;
}

static int start_lanes(struct drive *d)
{
	struct run *run = d->run;
	unsigned lanes = (unsigned)run->axes->threads;
	bool may_spin = lanes < (unsigned)sysconf(_SC_NPROCESSORS_ONLN);

	for (unsigned i = 0; i < lanes; i++) {
		struct lane_arg *a = malloc(sizeof(*a));
		int r;

		d->loops[i] = lane_loop_new(&run->lanes[i], may_spin, &run->err);
		if (!a || !d->loops[i]) {
			free(a);
			return -ENOMEM;
		}
		*a = (struct lane_arg){d, d->loops[i]};
		r = role_thread_start(run, ROLE_DRIVER, &d->threads[i], lane_main, a);
		if (r) {
			free(a);
			return r;
		}
		d->n_threads++;
	}
	return 0;
}

static void drive_free(struct drive *d)
{
	for (unsigned i = 0; d->loops && i < d->run->axes->threads; i++)
		lane_loop_free(d->loops[i]);
	free(d->loops);
	free(d->threads);
	pthread_mutex_destroy(&d->lock);
	pthread_cond_destroy(&d->changed);
}

static int run_all(struct drive *d, struct drive_result *res)
{
	int r = start_lanes(d);

	wait_count(d, &d->n_ready);
	if (!r && !d->failed)
		r = run_window(d, res);
	else if (!r)
		r = d->failed;
	enter(d, CLOSE);
	for (unsigned i = 0; i < d->n_threads; i++)
		pthread_join(d->threads[i], NULL);
	for (unsigned i = 0; !r && i < d->n_threads; i++)
		merge(res, d->loops[i]);
	return r;
}

int drive_run(struct run *run, struct drive_result **ret)
{
	struct drive d = {.run = run, .phase = PREPARE};
	struct drive_result *res = calloc(1, sizeof(*res));
	int r;

	pthread_mutex_init(&d.lock, NULL);
	pthread_cond_init(&d.changed, NULL);
	d.loops = calloc(run->axes->threads, sizeof(*d.loops));
	d.threads = calloc(run->axes->threads, sizeof(*d.threads));
	if (!res || !d.loops || !d.threads || kinds_hist(run->cell->workload, &res->by_kind)) {
		r = err_sys(&run->err, -ENOMEM, "lanes");
	} else {
		hist_init(&res->service);
		hist_init(&res->intended);
		hist_init(&res->lateness);
		r = run_all(&d, res);
	}
	drive_free(&d);
	if (r) {
		drive_result_free(res);
		return r;
	}
	*ret = res;
	return 0;
}

void drive_result_free(struct drive_result *r)
{
	if (!r)
		return;
	procstat_free(r->procstat);
	free(r->by_kind);
	free(r);
}

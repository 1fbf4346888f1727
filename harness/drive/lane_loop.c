// SPDX-License-Identifier: MIT
/*
 * The measured loop. Invariant: every slot is in exactly one of free_slots, pending (stamped, not
 * yet taken by the target) or the target; in_flight counts pending and the target's. Nothing here
 * allocates, logs, locks or writes outside its own lane.
 */
#include "harness/drive/lane_loop.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/pad.h"
#include "harness/target.h"
#include "harness/util/nsec.h"
#include "harness/workload.h"

/* Below this a timer's own error is larger than what it would save. */
#define SPIN_BELOW_NS 60000ull

int kinds_hist(const struct workload_ops *workload, struct hist **ret)
{
	unsigned n = kinds_count(workload);
	struct hist *h = n ? calloc(n, sizeof(*h)) : NULL;

	if (n && !h)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		hist_init(&h[i]);
	*ret = h;
	return 0;
}

struct lane_loop *lane_loop_new(struct lane *lane, bool may_spin, struct err *err)
{
	const struct axes *axes = lane->run->axes;
	struct lane_loop *l = aligned_alloc(64, (sizeof(*l) + 63) & ~63ul);

	if (!l) {
		err_sys(err, -ENOMEM, "lane %u", lane->index);
		return NULL;
	}
	memset(l, 0, sizeof(*l));
	l->lane = lane;
	l->workload = lane->run->cell->workload;
	l->target = lane->run->cell->target;
	l->may_spin = may_spin;
	l->open_loop = axes->rate > 0;
	l->pad_iters_per_op = lane->run->pad_iters_per_op;
	hist_init(&l->service);
	hist_init(&l->intended);
	hist_init(&l->lateness);
	if (l->open_loop)
		pace_init(&l->pace, (double)axes->rate, lane->index, (unsigned)axes->threads,
			  axes->arrival, lane->run->seed);
	if (kinds_hist(l->workload, &l->by_kind)) {
		err_sys(err, -ENOMEM, "lane %u", lane->index);
		lane_loop_free(l);
		return NULL;
	}
	l->free_slots = calloc(lane->depth, sizeof(struct op *));
	l->pending = calloc(lane->depth, sizeof(struct op *));
	l->done = calloc(lane->depth, sizeof(struct op *));
	if (!l->free_slots || !l->pending || !l->done) {
		err_sys(err, -ENOMEM, "lane %u", lane->index);
		lane_loop_free(l);
		return NULL;
	}
	for (unsigned i = 0; i < lane->depth; i++)
		l->free_slots[l->n_free++] = &lane->ops[lane->depth - 1 - i];
	return l;
}

void lane_loop_free(struct lane_loop *l)
{
	if (!l)
		return;
	free(l->by_kind);
	free(l->free_slots);
	free(l->pending);
	free(l->done);
	free(l);
}

void lane_loop_window(struct lane_loop *l, uint64_t start_ns, uint64_t begin_ns, uint64_t end_ns)
{
	l->start_ns = start_ns;
	l->begin_ns = l->lane->begin_ns = begin_ns;
	l->end_ns = l->lane->end_ns = end_ns;
	l->interval_ns = (end_ns - begin_ns + SERIES_POINTS - 1) / SERIES_POINTS;
	l->area_until_ns = begin_ns;
	if (l->open_loop)
		pace_start(&l->pace, start_ns);
}

/* Adds in_flight x (time since the last call), as far as it lies in the window. */
static inline void integrate(struct lane_loop *l, uint64_t now)
{
	uint64_t until = now < l->end_ns ? now : l->end_ns;

	if (until > l->area_until_ns) {
		l->area += (double)(until - l->area_until_ns) * l->in_flight;
		l->area_until_ns = until;
	}
}

/* Neighbours of a kind with the same two times, recorded together. */
struct run_length {
	uint64_t service, intended, n;
	uint8_t kind;
};

static inline void flush(struct lane_loop *l, const struct run_length *same)
{
	if (!same->n)
		return;
	hist_record_n(&l->service, same->service, same->n);
	hist_record_n(&l->intended, same->intended, same->n);
	if (l->by_kind)
		hist_record_n(&l->by_kind[same->kind], same->service, same->n);
}

static inline void count_good(struct lane_loop *l, struct run_length *same, const struct op *op,
			      uint64_t now)
{
	uint64_t service = now - op->submitted_ns, intended = now - op->intended_ns;

	if (service != same->service || intended != same->intended || op->kind != same->kind) {
		flush(l, same);
		*same = (struct run_length){service, intended, 0, op->kind};
	}
	same->n++;
}

static int count_error(struct lane_loop *l, const struct op *op, uint64_t took_ns, bool counts)
{
	int code = -op->result;

	if (counts) {
		l->errors++;
		l->errors_sum_ns += took_ns;
		l->errnos[code < ERRNO_SLOTS ? code : 0]++;
	}
	if (l->workload->check)
		return 0;
	return err_sys(&l->lane->err, op->result, "operation %llu", (unsigned long long)op->seq);
}

/* What the good ones of a batch add up to, for the time series. */
static void count_interval(struct lane_loop *l, uint64_t now, uint64_t good, uint64_t sum_ns)
{
	uint64_t interval;

	if (!good)
		return;
	interval = (now - l->begin_ns) / l->interval_ns;
	l->ops += good;
	l->series_ops[interval] += good;
	l->series_sum_ns[interval] += (double)sum_ns;
}

/*
 * Which histogram values belong to the window. Closed loop: what completed in it. Open loop: what
 * should have started in it, whenever it completed, or a stall across the end would leave no trace.
 */
static inline bool belongs(const struct lane_loop *l, const struct op *op, bool in_window)
{
	return l->open_loop ? op->intended_ns >= l->begin_ns && op->intended_ns < l->end_ns
			    : in_window;
}

/*
 * Counts n completed operations and frees their slots, in one pass. A slot that comes back twice is
 * the worst that a target can do to the figures: a free one has no submission time.
 */
static int settle(struct lane_loop *l, unsigned n, uint64_t now)
{
	const bool in_window = now >= l->begin_ns && now < l->end_ns;
	struct op **done = l->done, **free_slots = l->free_slots + l->n_free;
	struct run_length same = {0, 0, 0, 0};
	uint64_t good = 0, sum = 0;

	for (unsigned i = 0; i < n; i++) {
		struct op *op = done[i];
		uint64_t took = now - op->submitted_ns;

		if (__builtin_expect(!op->submitted_ns, 0))
			return err_set(&l->lane->err, -EPROTO,
				       "the target completed operation %llu twice",
				       (unsigned long long)op->seq);
		if (__builtin_expect(op->result < 0, 0)) {
			int r = count_error(l, op, took, in_window);

			if (r)
				return r;
		} else {
			good++;
			sum += took;
			if (belongs(l, op, in_window))
				count_good(l, &same, op, now);
		}
		op->submitted_ns = 0;
		free_slots[i] = op;
	}
	l->n_free += n;
	flush(l, &same);
	if (in_window)
		count_interval(l, now, good, sum);
	return 0;
}

/* Waits for at least `min`, then stamps, checks, counts and frees. */
static int reap(struct lane_loop *l, unsigned min, uint64_t timeout_ns, uint64_t *ret_now)
{
	struct lane *lane = l->lane;
	int n = l->target->reap(lane, l->done, min, lane->depth, timeout_ns);
	uint64_t now = nsec_now();
	int r = 0;

	if (n < 0)
		return n;
	if ((unsigned)n > l->in_flight - l->n_pending)
		return err_set(&lane->err, -EPROTO, "the target completed %d operations of %u", n,
			       l->in_flight - l->n_pending);
	integrate(l, now);
	l->in_flight -= (unsigned)n;
	if (n && l->workload->check)
		r = l->workload->check(lane, l->done, (unsigned)n);
	if (!r)
		r = settle(l, (unsigned)n, now);
	l->left_target_ns = now;
	*ret_now = now;
	return r;
}

/* Moves n free slots behind `pending`, filled by the workload but not yet stamped. */
static struct op **prepare(struct lane_loop *l, unsigned n)
{
	struct op **ops = l->pending + l->n_pending, **top = l->free_slots + l->n_free;
	uint64_t seq = l->next_seq;

	for (unsigned i = 0; i < n; i++) {
		ops[i] = *--top;
		ops[i]->seq = seq++;
	}
	l->next_seq = seq;
	l->n_free -= n;
	if (l->workload->next)
		l->workload->next(l->lane, ops, n);
	return ops;
}

/* Offers what is pending. The target may take only the first of them. */
static int offer(struct lane_loop *l)
{
	int n = l->target->submit(l->lane, l->pending, l->n_pending);

	if (n < 0)
		return n;
	if ((unsigned)n > l->n_pending)
		return err_set(&l->lane->err, -EPROTO, "the target took %d operations of %u", n,
			       l->n_pending);
	if (!n && l->in_flight == l->n_pending)
		return err_set(&l->lane->err, -EPROTO,
			       "the target takes no operation although it holds none");
	l->n_pending -= (unsigned)n;
	if (l->n_pending)
		memmove(l->pending, l->pending + n, l->n_pending * sizeof(l->pending[0]));
	return 0;
}

/* A slowdown that is put in: as if the target took longer to take each of n operations. */
static inline void burn(struct lane_loop *l, unsigned n)
{
	uint64_t whole;

	if (__builtin_expect(l->pad_iters_per_op <= 0, 1))
		return;
	l->pad_owed += l->pad_iters_per_op * n;
	whole = (uint64_t)l->pad_owed;
	l->pad_owed -= (double)whole;
	pad_spin(whole);
}

static int submit_closed(struct lane_loop *l, unsigned n)
{
	struct op **ops = prepare(l, n);
	uint64_t now = nsec_now();

	for (unsigned i = 0; i < n; i++)
		ops[i]->intended_ns = ops[i]->submitted_ns = now;
	integrate(l, now);
	l->in_flight += n;
	l->n_pending += n;
	burn(l, n);
	return offer(l);
}

static int run_closed(struct lane_loop *l)
{
	const unsigned batch = l->lane->batch;
	uint64_t now = nsec_now();
	int r = 0;

	while (!r && now < l->end_ns && !l->lane->run->stop) {
		while (!r && !l->n_pending && l->n_free >= batch)
			r = submit_closed(l, batch);
		if (!r)
			r = reap(l, l->n_pending ? 1 : batch - l->n_free, REAP_FOREVER, &now);
		if (!r && l->n_pending)
			r = offer(l);
	}
	return r;
}

/* How many starts are due, at most what may be submitted now. Their intended times go to ops. */
static unsigned count_due(struct lane_loop *l, uint64_t now, uint64_t *due_ns)
{
	unsigned limit = l->lane->batch < l->n_free ? l->lane->batch : l->n_free, n = 0;

	while (n < limit && pace_next(&l->pace) <= now) {
		due_ns[n++] = pace_next(&l->pace);
		pace_advance(&l->pace);
	}
	return n;
}

static int submit_open(struct lane_loop *l, unsigned n, const uint64_t *due_ns)
{
	struct op **ops = prepare(l, n);
	uint64_t now = nsec_now();
	bool counts = now >= l->begin_ns && now < l->end_ns;

	for (unsigned i = 0; i < n; i++) {
		uint64_t ready = due_ns[i] > l->left_target_ns ? due_ns[i] : l->left_target_ns;

		ops[i]->intended_ns = due_ns[i];
		ops[i]->submitted_ns = now;
		if (counts)
			hist_record(&l->lateness, now > ready ? now - ready : 0);
	}
	integrate(l, now);
	l->in_flight += n;
	l->n_pending += n;
	burn(l, n);
	n = (unsigned)offer(l);
	l->left_target_ns = nsec_now();
	return (int)n;
}

/* Nothing is due: reap or sleep until the next start, a little less where spinning is allowed. */
static int wait_open(struct lane_loop *l, uint64_t *now)
{
	uint64_t next = pace_next(&l->pace);
	uint64_t margin = l->may_spin ? SPIN_BELOW_NS : 0;
	uint64_t left;

	if (next > l->end_ns)
		next = l->end_ns;
	left = next > *now ? next - *now : 0;
	if (l->in_flight) {
		bool blocked = !l->n_free || l->n_pending;
		unsigned before = l->in_flight;
		int r;

		if (blocked)
			return reap(l, 1, REAP_FOREVER, now);
		if (left <= margin)
			return reap(l, 0, 0, now);
		r = reap(l, 1, left - margin, now);
		/* Woken by nothing but our own time-out: if that came late, it was the generator.
		 */
		if (l->in_flight == before && l->left_target_ns > next)
			l->left_target_ns = next;
		return r;
	}
	if (left > margin)
		nsec_sleep_until(next - margin);
	*now = nsec_now();
	return 0;
}

static int run_open(struct lane_loop *l, uint64_t *due_ns)
{
	uint64_t now = nsec_now();
	int r = 0;

	l->left_target_ns = now;
	while (!r && now < l->end_ns && !l->lane->run->stop) {
		unsigned n = l->n_pending ? 0 : count_due(l, now, due_ns);

		if (n) {
			r = submit_open(l, n, due_ns);
			/* Look at completions between batches, or a backlog would hide them. */
			if (!r && l->in_flight > l->n_pending)
				r = reap(l, 0, 0, &now);
			now = nsec_now();
			continue;
		}
		r = wait_open(l, &now);
		if (!r && l->n_pending)
			r = offer(l);
	}
	while (!r && pace_next(&l->pace) < l->end_ns && !l->lane->run->stop) {
		l->backlog++;
		pace_advance(&l->pace);
	}
	return r;
}

static int drain(struct lane_loop *l)
{
	uint64_t now;
	int r = 0;

	while (!r && l->in_flight) {
		if (l->n_pending)
			r = offer(l);
		if (!r)
			r = reap(l, 1, REAP_FOREVER, &now);
	}
	return r;
}

int lane_loop_run(struct lane_loop *l)
{
	uint64_t *due_ns;
	int r;

	nsec_sleep_until(l->start_ns);
	if (l->open_loop) {
		due_ns = calloc(l->lane->batch, sizeof(*due_ns));
		if (!due_ns)
			return err_sys(&l->lane->err, -ENOMEM, "lane %u", l->lane->index);
		r = run_open(l, due_ns);
		free(due_ns);
	} else {
		r = run_closed(l);
	}
	return r ? r : drain(l);
}

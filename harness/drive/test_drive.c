// SPDX-License-Identifier: MIT
/*
 * The measured loop against targets whose behaviour is known: a server with a fixed service time,
 * one that hands operations back twice, out of order, too few or too many, and one that fails.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/drive/drive.h"
#include "harness/drive/procstat.h"
#include "harness/drive/roles.h"
#include "harness/syncport.h"
#include "harness/target.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"

#define SERVICE_NS 200000ull

struct bench {
	struct cell cell;
	struct run run;
	_Atomic uint64_t served, checked, marks;
};

static struct bench *bench_of(struct lane *lane)
{
	return container_of(lane->run, struct bench, run);
}

static int count_checked(struct lane *lane, struct op **ops, unsigned n)
{
	bench_of(lane)->checked += n;
	for (unsigned i = 0; i < n; i++)
		if (ops[i]->result == -EIO)
			return err_set(&lane->err, -EIO, "operation %llu failed",
				       (unsigned long long)ops[i]->seq);
	return 0;
}

static void count_marks(struct run *run, enum mark mark)
{
	struct bench *b = container_of(run, struct bench, run);

	b->marks += mark == WINDOW_BEGIN ? 1 : 100;
}

static const struct workload_ops fake_workload = {
	.name = "fake", .check = count_checked, .mark = count_marks};

static const char *const two_kinds[] = {"even", "odd", NULL};

static void mark_kinds(struct lane *lane, struct op **ops, unsigned n)
{
	(void)lane;
	for (unsigned i = 0; i < n; i++)
		ops[i]->kind = ops[i]->seq % 2;
}

static const struct workload_ops kinds_workload = {.name = "fake",
						   .kinds = two_kinds,
						   .next = mark_kinds,
						   .check = count_checked,
						   .mark = count_marks};

/* Serves one at a time, SERVICE_NS each; every tenth is refused when told to. */
static int serve_slowly(struct lane *lane, struct op *op, void *refuse)
{
	uint64_t until = nsec_now() + SERVICE_NS;

	while (nsec_now() < until)
		;
	op->result = refuse && op->seq % 10 == 3 ? -EAGAIN : 1;
	bench_of(lane)->served++;
	return 0;
}

/* Odd ones take twice as long. */
static int serve_by_kind(struct lane *lane, struct op *op, void *priv)
{
	for (unsigned i = 0; i <= op->kind; i++)
		serve_slowly(lane, op, priv);
	bench_of(lane)->served -= op->kind;
	return 0;
}

static int by_kind_open(struct lane *lane)
{
	return syncport_open(lane, serve_by_kind, NULL);
}

static int slow_open(struct lane *lane)
{
	return syncport_open(lane, serve_slowly, NULL);
}

static int refusing_open(struct lane *lane)
{
	return syncport_open(lane, serve_slowly, lane);
}

static int serve_eio(struct lane *lane, struct op *op, void *priv)
{
	(void)lane;
	(void)priv;
	op->result = op->seq == 5 ? -EIO : 0;
	return 0;
}

static int failing_open(struct lane *lane)
{
	return syncport_open(lane, serve_eio, NULL);
}

static int lane_1_cannot_open(struct lane *lane)
{
	if (lane->index == 1)
		return err_set(&lane->err, -EOPNOTSUPP, "no second lane here");
	return syncport_open(lane, serve_eio, NULL);
}

/* Hands the same operation back for ever. */
static int reap_twice(struct lane *lane, struct op **done, unsigned min, unsigned max,
		      uint64_t timeout_ns)
{
	(void)min;
	(void)max;
	(void)timeout_ns;
	done[0] = &lane->ops[0];
	done[0]->result = 0;
	return 1;
}

static int reap_too_many(struct lane *lane, struct op **done, unsigned min, unsigned max,
			 uint64_t timeout_ns)
{
	(void)min;
	(void)timeout_ns;
	for (unsigned i = 0; i < max; i++)
		done[i] = &lane->ops[i];
	return (int)max;
}

static int take_one(struct lane *lane, struct op **ops, unsigned n)
{
	return syncport_submit(lane, ops, n > 1 ? 1 : n);
}

static int take_none(struct lane *lane, struct op **ops, unsigned n)
{
	(void)lane;
	(void)ops;
	(void)n;
	return 0;
}

#define SYNC_TARGET(open)                                                                        \
	{                                                                                        \
		.workload = "fake", .name = #open, .lane_open = open, .submit = syncport_submit, \
		.reap = syncport_reap, .lane_close = syncport_close                              \
	}
static const struct target_ops slow = SYNC_TARGET(slow_open);
static const struct target_ops by_kind = SYNC_TARGET(by_kind_open);
static const struct target_ops refusing = SYNC_TARGET(refusing_open);
static const struct target_ops failing = SYNC_TARGET(failing_open);
static const struct target_ops half_open = SYNC_TARGET(lane_1_cannot_open);
static const struct target_ops twice = {.name = "twice",
					.lane_open = slow_open,
					.submit = syncport_submit,
					.reap = reap_twice,
					.lane_close = syncport_close};
static const struct target_ops too_many = {.name = "too many",
					   .lane_open = slow_open,
					   .submit = take_one,
					   .reap = reap_too_many,
					   .lane_close = syncport_close};
static const struct target_ops one_at_a_time = {.name = "one",
						.lane_open = slow_open,
						.submit = take_one,
						.reap = syncport_reap,
						.lane_close = syncport_close};
static const struct target_ops never_takes = {.name = "none",
					      .lane_open = slow_open,
					      .submit = take_none,
					      .reap = syncport_reap,
					      .lane_close = syncport_close};

static struct bench *make(const struct target_ops *target, struct axes axes)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct run *run = &b->run;

	b->cell.workload = &fake_workload;
	b->cell.target = target;
	b->cell.axes = axes;
	run->cell = &b->cell;
	run->axes = &b->cell.axes;
	run->seed = 42;
	run->warmup_ns = 20 * NSEC_PER_MSEC;
	run->duration_ns = 200 * NSEC_PER_MSEC;
	run->roles = roles_new();
	run->lanes = calloc(axes.threads, sizeof(*run->lanes));
	for (unsigned i = 0; i < axes.threads; i++) {
		struct lane *lane = &run->lanes[i];

		*lane = (struct lane){.index = i,
				      .depth = (unsigned)axes.depth,
				      .batch = (unsigned)axes.batch,
				      .run = run,
				      .ops = calloc(axes.depth, sizeof(struct op))};
	}
	return b;
}

static void drop(struct bench *b)
{
	for (unsigned i = 0; i < b->run.axes->threads; i++)
		free(b->run.lanes[i].ops);
	free(b->run.lanes);
	roles_free(b->run.roles);
	free(b);
}

static struct drive_result *run_well(struct bench *b)
{
	struct drive_result *res = NULL;

	assert_int_equal(drive_run(&b->run, &res), 0);
	assert_non_null(res);
	assert_int_equal(b->served, b->checked);
	assert_int_equal(b->marks, 101);
	if (!b->run.axes->rate) /* an open loop counts by intended start instead */
		assert_int_equal(res->service.count, res->window.ops);
	return res;
}

static double throughput(const struct drive_result *r)
{
	return (double)(r->window.ops + r->window.errors) * 1e9 /
	       (double)(r->window.end_ns - r->window.begin_ns);
}

/*
 * What depends on the clock holds unless somebody else took the CPU at the wrong moment. A mistake
 * in the loop breaks it every time, a neighbour does not: so it has to hold once in ATTEMPTS.
 */
#define ATTEMPTS 8

static void holds(bool (*property)(const struct axes *axes), const struct axes *axes)
{
	for (int i = 0; i < ATTEMPTS; i++)
		if (property(axes))
			return;
	fail_msg("it did not hold in %d attempts: threads %d, depth %d, batch %d, rate %d",
		 ATTEMPTS, (int)axes->threads, (int)axes->depth, (int)axes->batch, (int)axes->rate);
}

/* The server is never idle, so at most 1 / SERVICE_NS; two accounts of what was in flight agree. */
static bool obeys_little(const struct axes *axes)
{
	struct bench *b = make(&slow, *axes);
	struct drive_result *res = run_well(b);
	double product = throughput(res) * hist_mean(&res->service) / 1e9;
	bool good = throughput(res) <= 1e9 / SERVICE_NS * 1.001 &&
		    throughput(res) >= 1e9 / SERVICE_NS * 0.3 &&
		    res->in_flight <= (double)axes->depth * 1.001 &&
		    /* One operation more or less at the edges of the window. */
		    fabs(product / res->in_flight - 1) <=
			    0.02 + 2.0 * (double)axes->depth / (double)res->window.ops;

	/* No neighbour can make it faster than it is. */
	assert_true(hist_mean(&res->service) >= SERVICE_NS);
	drive_result_free(res);
	drop(b);
	return good;
}

static void closed_loop_obeys_little(void **state)
{
	static const struct axes rows[] = {
		{.threads = 1, .depth = 1, .batch = 1},
		{.threads = 1, .depth = 8, .batch = 1},
		{.threads = 1, .depth = 8, .batch = 8},
		{.threads = 1, .depth = 8, .batch = 3},
	};

	(void)state;
	for (unsigned i = 0; i < array_size(rows); i++)
		holds(obeys_little, &rows[i]);
}

/* 200 operations expected in the window; Poisson: 14 is one standard deviation. */
static bool keeps_the_rate(const struct axes *axes)
{
	double room = axes->arrival == ARRIVAL_POISSON ? 300 : 60;
	struct bench *b = make(&slow, *axes);
	struct drive_result *res = run_well(b);
	bool good = fabs(throughput(res) - (double)axes->rate) < room && res->backlog == 0;

	assert_true(res->intended.min >= SERVICE_NS);
	assert_true(res->intended.sum >= res->service.sum);
	drive_result_free(res);
	drop(b);
	return good;
}

static void open_loop_under_capacity_keeps_the_rate(void **state)
{
	static const struct axes rows[] = {
		{.threads = 1, .depth = 64, .batch = 4, .rate = 1000, .arrival = ARRIVAL_FIXED},
		{.threads = 1, .depth = 64, .batch = 4, .rate = 1000, .arrival = ARRIVAL_POISSON},
	};

	(void)state;
	for (unsigned i = 0; i < array_size(rows); i++)
		holds(keeps_the_rate, &rows[i]);
}

/*
 * Twice the capacity: the queue grows for the whole run, and only the intended time shows it. The
 * target is slow, the generator is not: that must not count as lateness.
 */
static bool shows_the_backlog(const struct axes *axes)
{
	struct bench *b = make(&slow, *axes);
	struct drive_result *res = run_well(b);
	bool good = hist_quantile(&res->service, 0.5) < 2 * SERVICE_NS &&
		    hist_quantile(&res->lateness, 0.5) < SERVICE_NS / 2;

	assert_true(hist_quantile(&res->intended, 0.5) > 100 * SERVICE_NS / 2);
	assert_true(res->backlog > 500);
	drive_result_free(res);
	drop(b);
	return good;
}

static void open_loop_beyond_capacity_shows_in_intended_time(void **state)
{
	static const struct axes axes = {.threads = 1, .depth = 1, .batch = 1, .rate = 10000};

	(void)state;
	holds(shows_the_backlog, &axes);
}

/*
 * Four starts in the window of 200 ms, each served for 80 ms: the last ones complete after the end
 * and must be in the histograms all the same, or a stall there would leave no trace.
 */
static int serve_very_slowly(struct lane *lane, struct op *op, void *priv)
{
	(void)priv;
	nsec_sleep_until(nsec_now() + 400 * SERVICE_NS);
	op->result = 1;
	bench_of(lane)->served++;
	return 0;
}

static int very_slow_open(struct lane *lane)
{
	return syncport_open(lane, serve_very_slowly, NULL);
}

static const struct target_ops very_slow = SYNC_TARGET(very_slow_open);

static void open_loop_keeps_what_completes_after_the_end(void **state)
{
	struct bench *b =
		make(&very_slow, (struct axes){.threads = 1, .depth = 8, .batch = 8, .rate = 20});
	struct drive_result *res = run_well(b);

	(void)state;
	assert_true(res->service.count >= 3);
	assert_true(res->window.ops < res->service.count);
	assert_int_equal(res->service.count, res->intended.count);
	drive_result_free(res);
	drop(b);
}

/* In batches, so that neighbours of different kinds are told apart though reaped together. */
static void latencies_are_told_apart_by_kind(void **state)
{
	struct bench *b = make(&by_kind, (struct axes){.threads = 2, .depth = 4, .batch = 4});
	struct drive_result *res;
	uint64_t even, odd;

	(void)state;
	b->cell.workload = &kinds_workload;
	res = run_well(b);
	even = res->by_kind[0].count, odd = res->by_kind[1].count;
	assert_int_equal(even + odd, res->window.ops);
	assert_int_equal(res->by_kind[0].sum + res->by_kind[1].sum, res->service.sum);
	assert_in_range(even, odd > 4 ? odd - 4 : 0, odd + 4);
	assert_in_range(res->by_kind[1].min, 2 * SERVICE_NS, UINT64_MAX);
	drive_result_free(res);
	drop(b);
}

static void refused_operations_are_counted_apart(void **state)
{
	struct bench *b = make(&refusing, (struct axes){.threads = 1, .depth = 1, .batch = 1});
	struct drive_result *res = run_well(b);
	uint64_t all = res->window.ops + res->window.errors;

	(void)state;
	assert_int_equal(res->errnos[EAGAIN], res->window.errors);
	assert_true(res->window.errors >= all / 10 - 1 && res->window.errors <= all / 10 + 1);
	drive_result_free(res);
	drop(b);
}

static void partial_submission_loses_nothing(void **state)
{
	struct bench *b = make(&one_at_a_time, (struct axes){.threads = 1, .depth = 8, .batch = 4});

	(void)state;
	drive_result_free(run_well(b));
	drop(b);
}

static void sick_targets_end_the_run_with_a_reason(void **state)
{
	static const struct {
		const struct target_ops *target;
		int threads, code;
		const char *says;
	} rows[] = {
		{&failing, 1, -EIO, "operation 5 failed"},
		{&failing, 2, -EIO, "operation 5 failed"},
		{&half_open, 2, -EOPNOTSUPP, "no second lane here"},
		{&twice, 1, -EPROTO, "twice"},
		{&too_many, 1, -EPROTO, "completed 8 operations of 1"},
		{&never_takes, 1, -EPROTO, "takes no operation"},
	};

	(void)state;
	for (unsigned i = 0; i < array_size(rows); i++) {
		struct drive_result *res = NULL;
		struct bench *b =
			make(rows[i].target, (struct axes){.threads = (uint64_t)rows[i].threads,
							   .depth = 8,
							   .batch = 8});
		int r = drive_run(&b->run, &res);

		assert_int_equal(r, rows[i].code);
		assert_null(res);
		if (!strstr(b->run.err.text, rows[i].says))
			fail_msg("'%s' lacks '%s'", b->run.err.text, rows[i].says);
		drop(b);
	}
}

/* The lane spins: its CPU time and its wait for a CPU are the window, but for the sampling. */
static bool usage_covers_the_window(const struct axes *axes)
{
	struct bench *b = make(&slow, *axes);
	struct drive_result *res = run_well(b);
	_cleanup_json_ cJSON *usage = procstat_usage(res->procstat, b->run.roles);
	const cJSON *driver = cJSON_GetObjectItem(usage, "driver");
	double covered, window = (double)b->run.duration_ns;

	assert_non_null(cJSON_GetObjectItem(usage, "harness"));
	assert_int_equal(cJSON_GetObjectItem(driver, "threads")->valueint, 1);
	covered = cJSON_GetObjectItem(driver, "cpu_ns")->valuedouble +
		  cJSON_GetObjectItem(driver, "run_queue_ns")->valuedouble;
	drive_result_free(res);
	drop(b);
	return covered > 0.9 * window && covered < 1.1 * window;
}

static void usage_is_told_by_role(void **state)
{
	static const struct axes axes = {.threads = 1, .depth = 1, .batch = 1};

	(void)state;
	holds(usage_covers_the_window, &axes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closed_loop_obeys_little),
		cmocka_unit_test(open_loop_under_capacity_keeps_the_rate),
		cmocka_unit_test(open_loop_beyond_capacity_shows_in_intended_time),
		cmocka_unit_test(open_loop_keeps_what_completes_after_the_end),
		cmocka_unit_test(latencies_are_told_apart_by_kind),
		cmocka_unit_test(refused_operations_are_counted_apart),
		cmocka_unit_test(partial_submission_loses_nothing),
		cmocka_unit_test(sick_targets_end_the_run_with_a_reason),
		cmocka_unit_test(usage_is_told_by_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

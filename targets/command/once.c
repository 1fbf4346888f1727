// SPDX-License-Identifier: MIT
/*
 * command/once: one execution that lasts through the window and makes its own load. The drive's one
 * operation is the wait for the window's end, while what the program tells is read and stamped;
 * figures are made of that alone. A program that tells in steps has its last step inside the window
 * told after it, so that step is waited for.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "harness/opqueue.h"
#include "harness/result.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "targets/command/ready.h"
#include "targets/command/server.h"
#include "targets/targets.h"

#define LOOK_NS	       (500 * NSEC_PER_MSEC) /* at whether the run must end early */
#define STEP_MIN_NS    (100 * NSEC_PER_MSEC) /* how long a step after the window is waited for */
#define STEP_MAX_NS    (5 * NSEC_PER_SEC)
#define OPERATIONS_MAX 1e18 /* of a window: more is no number of ours */
#define COVERED_MIN    0.95 /* of the window, by what the program tells: below, it is said */
#define LIVED_MIN      0.5  /* of it, by one that chose its end itself: below, it is no figure */

struct once {
	struct server server;
	struct program program;
	const struct command_ready *ready; /* of the program; NULL: it is the server's */
	bool line_seen;
	struct tally tally;
	uint64_t since_ns, end_ns;
	uint64_t own_end_ns; /* until then it is left to end by itself; 0: it is not expected to */
	struct err wrong;    /* what the program told that makes no sense; "" */
	struct err server_note, note;
	unsigned swept;
	struct op *op;
};

static void once_line(void *arg, const char *line, uint64_t now_ns)
{
	struct once *o = arg;

	if (o->ready && o->ready->kind == READY_LINE && !o->line_seen)
		o->line_seen = !regexec(&o->ready->line, line, 0, NULL, 0);
	if (!o->wrong.text[0])
		tally_line(&o->tally, line, &o->since_ns, now_ns, &o->wrong);
}

static int start_program(struct once *o, struct run *run)
{
	const struct command_world *w = run->world;
	enum role role = w->server.argv ? ROLE_DRIVER : ROLE_TARGET;
	struct ready_before before = {.there = false};
	int r = program_open(&o->program, "the program", once_line, o, &run->err);

	if (!r && o->ready)
		r = ready_look(o->ready, &before, &run->err);
	if (!r)
		r = program_start(&o->program, run, role, &w->program, true, &run->err);
	if (r)
		return r;
	o->since_ns = o->program.started_ns;
	if (!o->ready)
		return 0;
	return ready_await(o->ready, &before, &o->program, &o->line_seen,
			   w->config->ready_timeout_ns, &run->err);
}

static int once_setup(struct run *run)
{
	const struct command_world *w = run->world;
	struct once *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return err_sys(&run->err, -ENOMEM, "command");
	run->target = o;
	o->tally.own_common = true;
	o->ready = w->server.argv || w->ready.kind == READY_AT_ONCE ? NULL : &w->ready;
	r = program_adopt_orphans(&run->err);
	if (!r)
		r = server_start(&o->server, run);
	return r ? r : start_program(o, run);
}

static int once_submit(struct lane *lane, struct op **ops, unsigned n)
{
	const struct command_world *w = lane->run->world;
	struct once *o = lane->run->target;

	o->op = ops[0];
	o->tally.begin_ns = lane->begin_ns;
	o->tally.end_ns = o->end_ns = lane->end_ns;
	if (w->ends_itself)
		o->own_end_ns = o->end_ns + w->config->stop_timeout_ns;
	o->server.tally = &o->tally;
	return (int)n;
}

/* How long the program has for its end, or for the step that began inside the window. */
static uint64_t wait_until(const struct once *o)
{
	uint64_t step = max_of(2 * o->tally.longest_ns, (uint64_t)STEP_MIN_NS);

	if (o->own_end_ns && !o->program.ended)
		return o->own_end_ns;
	if (!o->tally.lines || o->since_ns >= o->end_ns || o->program.ended)
		return o->end_ns;
	return o->end_ns + min_of(step, (uint64_t)STEP_MAX_NS);
}

static int check(const struct once *o, struct err *err)
{
	if (o->wrong.text[0])
		return err_set(err, -EPROTO, "the program: %s", o->wrong.text);
	if (o->program.ended && !program_went_well(&o->program, err))
		return err_wrap(err, -ECHILD, "before the window was over");
	if (o->program.ended && nsec_now() < o->tally.begin_ns) {
		err_set(err, 0,
			"the program ended before the window began: it has to last for "
			"${warmup} and ${duration}");
		program_quote(&o->program, err);
		return -ECHILD;
	}
	return server_check(&o->server, err);
}

static int once_reap(struct lane *lane, struct op **done, unsigned min, unsigned max,
		     uint64_t timeout_ns)
{
	struct once *o = lane->run->target;
	uint64_t now;
	int r;

	(void)min;
	(void)max;
	(void)timeout_ns;
	while ((now = nsec_now()) < wait_until(o) && !lane->run->stop) {
		r = check(o, &lane->err);
		if (r)
			return r;
		program_pump(&o->program, server_program(&o->server),
			     min_of(wait_until(o) - now, (uint64_t)LOOK_NS));
	}
	r = check(o, &lane->err);
	if (r)
		return r;
	o->op->result = 0;
	done[0] = o->op;
	return 1;
}

/* It ended when it should: after ${duration}, or after the time that it says it measured. */
static bool chose_its_end(const struct once *o)
{
	return o->program.ended && (o->own_end_ns || o->tally.timed);
}

/*
 * Nothing was told of the time from the last line on. Whether the program was idle or had ended,
 * nothing was done: else one that works for a moment and then gives up would be as fast as one
 * that works on.
 */
static int note_silence(struct once *o, struct err *err)
{
	struct tally *t = &o->tally;
	double lived;

	if (!t->lines || o->since_ns >= o->end_ns)
		return 0;
	if (!chose_its_end(o)) {
		tally_silence(t, o->since_ns, o->end_ns);
		return 0;
	}
	lived = (double)t->covered_ns / (double)(t->end_ns - t->begin_ns);
	if (lived >= LIVED_MIN)
		return 0;
	err_set(err, 0, "the program ended and told of %.0f %% of the window only", 100 * lived);
	program_quote(&o->program, err);
	return -ECHILD;
}

static int stop_program(struct once *o, struct run *run)
{
	const struct command_world *w = run->world;
	double seconds = (double)w->config->stop_timeout_ns / (double)NSEC_PER_SEC;
	int r = note_silence(o, &run->err);

	if (r)
		return r;
	if (program_stop(&o->program, w->stop_signal, w->config->stop_timeout_ns))
		err_set(&o->note, 0,
			"the program did not end within %.1f s of its signal and was killed",
			seconds);
	if (!program_went_well(&o->program, &run->err))
		return -ECHILD;
	program_reap(&o->program, NULL);
	if (o->wrong.text[0])
		return err_set(&run->err, -EPROTO, "the program: %s", o->wrong.text);
	return 0;
}

static int once_stop(struct run *run)
{
	struct once *o = run->target;
	int r = stop_program(o, run);

	if (!r)
		r = server_stop(&o->server, run, &o->server_note);
	o->swept = o->program.left + o->server.program.left + program_sweep();
	return r;
}

static uint64_t whole(double operations)
{
	return (uint64_t)llround(fmin(operations, OPERATIONS_MAX));
}

static uint64_t once_own_ops(struct run *run, uint64_t *series, unsigned points)
{
	const struct once *o = run->target;

	for (unsigned i = 0; i < points; i++)
		series[i] =
			whole(o->tally.points[i * TALLY_POINTS / points] * TALLY_POINTS / points);
	return whole(o->tally.operations);
}

static void report_throughput(const struct once *o, struct result *result)
{
	const struct tally *t = &o->tally;
	double covered = (double)t->covered_ns / (double)(t->end_ns - t->begin_ns);

	if (!t->lines || !t->covered_ns) {
		if (!tally_find(t, "throughput"))
			result_metric_none(result, "throughput",
					   t->lines ? "the program told no operations of the window"
						    : "the program told no operations");
		return;
	}
	result_verify(result, "operations", whole(t->operations));
	if (tally_find(t, "throughput"))
		return; /* what it says is its rate is the record's */
	result_metric(result, "throughput",
		      t->operations * (double)NSEC_PER_SEC / (double)t->covered_ns);
	if (covered < COVERED_MIN)
		result_note(result,
			    "throughput is that of %.0f %% of the window: the program tells "
			    "nothing of the rest",
			    100 * covered);
}

static void once_report(struct run *run, struct result *result)
{
	static const char *const latencies[] = {"latency_mean", "latency_p50", "latency_p99",
						"latency_p999", "latency_max"};
	const struct once *o = run->target;

	for (unsigned i = 0; i < array_size(latencies); i++)
		result_metric_none(result, latencies[i], "the program did not tell it");
	tally_report(&o->tally, result);
	report_throughput(o, result);
	if (o->note.text[0])
		result_note(result, "%s", o->note.text);
	if (o->server_note.text[0])
		result_note(result, "%s", o->server_note.text);
	if (o->swept)
		result_note(result, "%u processes were left behind, and killed", o->swept);
}

static void once_teardown(struct run *run)
{
	struct once *o = run->target;

	if (!o)
		return;
	program_close(&o->program);
	server_close(&o->server);
	program_sweep();
	free(o);
	run->target = NULL;
}

const struct target_ops target_command_once = {
	.workload = "command",
	.name = "once",
	.help = "one execution through the whole window, whose figures are what it tells on stdout",
	.setup = once_setup,
	.submit = once_submit,
	.reap = once_reap,
	.own_ops = once_own_ops,
	.stop = once_stop,
	.report = once_report,
	.teardown = once_teardown,
};

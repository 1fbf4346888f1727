// SPDX-License-Identifier: MIT
/*
 * command/repeat: one operation is one execution, from the fork to the end of its process. Each
 * slot of a lane has its own pipes and executes on the lane's thread's behalf; the thread sleeps
 * until one of them has news. An execution that fails ends the run, with what it printed last.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "harness/result.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "targets/command/server.h"
#include "targets/targets.h"

#define AT_ONCE_MAX 128 /* executions: each has five descriptors here */
#define LOOK_NS	    NSEC_PER_SEC

struct repeat_config {
	uint64_t timeout_ns;
};

static const struct param repeat_params[] = {
	{.name = "timeout",
	 .type = PARAM_TIME,
	 .offset = offsetof(struct repeat_config, timeout_ns),
	 .def = "30s",
	 .min = NSEC_PER_MSEC,
	 .max = 3600 * NSEC_PER_SEC,
	 .help = "how long one execution may take; one that takes longer ends the run"},
	PARAM_END,
};

static const struct metric repeat_metrics[] = {
	{TALLY_RATE, "1/s", BETTER_HIGHER,
	 "operations that the executions told on stdout, per second of the window"},
	METRIC_END,
};

struct repeat_lane;

struct slot {
	struct repeat_lane *lane;
	struct program program;
	struct op *op;
	uint64_t since_ns;
};

struct repeat_lane {
	struct run *run;
	struct slot *slots; /* [depth] */
	struct pollfd *fds; /* PROGRAM_FDS for each, and for the server */
	unsigned depth, running;
	enum role role;
	struct tally tally;
	struct server *server; /* of the lane that watches it; NULL in the others */
	struct err wrong;
};

struct repeat {
	struct server server;
	struct err server_note;
	struct repeat_lane *lanes; /* [threads] */
	unsigned left;
	struct tally tally;
};

static int repeat_check_cell(const struct cell *cell, struct err *err)
{
	const struct command_config *c = cell->workload_config;
	unsigned long long at_once = cell->axes.threads * cell->axes.depth;

	if (at_once > AT_ONCE_MAX)
		return err_set(err, -EINVAL,
			       "%llu executions at once (threads x depth), and %d is "
			       "the limit",
			       at_once, AT_ONCE_MAX);
	if (*c->ready && !*c->server)
		return err_set(err, -EINVAL,
			       "ready: an execution has ended when it is done, and "
			       "there is no server to become ready");
	return 0;
}

static uint64_t repeat_extra_ns(const struct cell *cell)
{
	return ((const struct repeat_config *)cell->target_config)->timeout_ns;
}

static int repeat_setup(struct run *run)
{
	struct repeat *rep = calloc(1, sizeof(*rep));
	int r;

	if (!rep)
		return err_sys(&run->err, -ENOMEM, "command");
	run->target = rep;
	rep->lanes = calloc(run->axes->threads, sizeof(*rep->lanes));
	if (!rep->lanes)
		return err_sys(&run->err, -ENOMEM, "command");
	r = program_adopt_orphans(&run->err);
	return r ? r : server_start(&rep->server, run);
}

static void slot_line(void *arg, const char *line, uint64_t now_ns)
{
	struct slot *s = arg;
	struct repeat_lane *l = s->lane;

	if (!l->wrong.text[0])
		tally_line(&l->tally, line, &s->since_ns, now_ns, &l->wrong);
}

static int repeat_lane_open(struct lane *lane)
{
	const struct command_world *w = lane->run->world;
	struct repeat *rep = lane->run->target;
	struct repeat_lane *l = &rep->lanes[lane->index];
	sigset_t child;
	int r = 0;

	lane->target = l;
	l->run = lane->run;
	l->depth = lane->depth;
	l->role = w->server.argv ? ROLE_DRIVER : ROLE_TARGET;
	l->slots = calloc(lane->depth, sizeof(*l->slots));
	l->fds = calloc(lane->depth + 1, PROGRAM_FDS * sizeof(*l->fds));
	if (!l->slots || !l->fds)
		return err_sys(&lane->err, -ENOMEM, "lane %u", lane->index);
	/* Ignored by default; while its forker blocks it, the end of each execution wakes another
	 * thread of ours, which then ignores it. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	pthread_sigmask(SIG_UNBLOCK, &child, NULL);
	for (unsigned i = 0; !r && i < lane->depth; i++) {
		l->slots[i].lane = l;
		r = program_open(&l->slots[i].program, "an execution", slot_line, &l->slots[i],
				 &lane->err);
	}
	if (w->server.argv && !lane->index) {
		l->server = &rep->server;
		l->server->tally = &l->tally;
	}
	return r;
}

static int repeat_submit(struct lane *lane, struct op **ops, unsigned n)
{
	struct repeat_lane *l = lane->target;
	const struct command_world *w = lane->run->world;

	l->tally.begin_ns = lane->begin_ns;
	l->tally.end_ns = lane->end_ns;
	for (unsigned i = 0; i < n; i++) {
		struct slot *s = &l->slots[ops[i]->slot];
		int r = program_start(&s->program, lane->run, l->role, &w->program, false,
				      &lane->err);

		if (r)
			return r;
		s->op = ops[i];
		s->since_ns = s->program.started_ns;
		l->running++;
	}
	return (int)n;
}

static int settle(struct lane *lane, struct slot *s)
{
	struct repeat_lane *l = lane->target;
	struct rusage usage;
	int r = 0;

	if (!program_went_well(&s->program, &lane->err))
		r = err_wrap(&lane->err, -ECHILD, "execution %llu of lane %u",
			     (unsigned long long)s->op->seq, lane->index);
	program_reap(&s->program, &usage);
	role_program_ended(lane->run, l->role, &usage);
	s->op->result = 0;
	l->running--;
	return r;
}

static int check_time(struct lane *lane, const struct slot *s, uint64_t now)
{
	const struct repeat_config *c = lane->run->target_config;

	if (now - s->program.started_ns < c->timeout_ns)
		return 0;
	err_set(&lane->err, 0, "execution %llu of lane %u did not end within %.3g s",
		(unsigned long long)s->op->seq, lane->index,
		(double)c->timeout_ns / (double)NSEC_PER_SEC);
	program_quote(&s->program, &lane->err);
	return -ETIMEDOUT;
}

/* Sleeps until there is news, and reads what is printed. */
static void take_news(struct repeat_lane *l, uint64_t timeout_ns)
{
	struct program *server = l->server ? server_program(l->server) : NULL;
	struct timespec ts = nsec_to_timespec(timeout_ns);
	unsigned n = l->depth + 1;

	for (unsigned i = 0; i < l->depth; i++)
		program_fds(&l->slots[i].program, &l->fds[i * PROGRAM_FDS]);
	program_fds(server, &l->fds[l->depth * PROGRAM_FDS]);
	if (ppoll(l->fds, n * PROGRAM_FDS, &ts, NULL) <= 0)
		return;
	for (unsigned i = 0; i < l->depth; i++)
		program_take(&l->slots[i].program, &l->fds[i * PROGRAM_FDS]);
	if (server)
		program_take(server, &l->fds[l->depth * PROGRAM_FDS]);
}

static int check_all(struct lane *lane)
{
	struct repeat_lane *l = lane->target;

	if (l->wrong.text[0])
		return err_set(&lane->err, -EPROTO, "an execution: %s", l->wrong.text);
	return l->server ? server_check(l->server, &lane->err) : 0;
}

static int collect(struct lane *lane, struct op **done)
{
	struct repeat_lane *l = lane->target;
	uint64_t now = nsec_now();
	int n = 0, r;

	for (unsigned i = 0; i < l->depth; i++) {
		struct slot *s = &l->slots[i];

		if (!s->program.pid)
			continue;
		r = s->program.ended ? settle(lane, s) : check_time(lane, s, now);
		if (r)
			return r;
		if (!s->program.pid)
			done[n++] = s->op;
	}
	return n;
}

static int repeat_reap(struct lane *lane, struct op **done, unsigned min, unsigned max,
		       uint64_t timeout_ns)
{
	const struct repeat_config *c = lane->run->target_config;
	struct repeat_lane *l = lane->target;
	uint64_t look = min_of(c->timeout_ns, (uint64_t)LOOK_NS);
	int r;

	(void)min;
	(void)max; /* is the depth */
	take_news(l, min_of(timeout_ns, look));
	r = check_all(lane);
	return r ? r : collect(lane, done);
}

static void repeat_lane_close(struct lane *lane)
{
	struct repeat *rep = lane->run->target;
	struct repeat_lane *l = lane->target;

	if (!l)
		return;
	for (unsigned i = 0; l->slots && i < l->depth; i++) {
		__atomic_fetch_add(&rep->left, l->slots[i].program.left, __ATOMIC_RELAXED);
		program_close(&l->slots[i].program);
	}
	free(l->slots);
	free(l->fds);
	l->slots = NULL;
	l->fds = NULL;
	if (l->server)
		l->server->tally = NULL;
	lane->target = NULL;
}

static int repeat_stop(struct run *run)
{
	struct repeat *rep = run->target;
	int r = server_stop(&rep->server, run, &rep->server_note);

	for (unsigned i = 0; !r && i < run->axes->threads; i++)
		r = tally_merge(&rep->tally, &rep->lanes[i].tally, &run->err);
	rep->left += rep->server.program.left + program_sweep();
	return r;
}

static void repeat_report(struct run *run, struct result *result)
{
	const struct repeat *rep = run->target;

	tally_report(&rep->tally, result);
	if (rep->tally.lines)
		result_metric(result, TALLY_RATE,
			      rep->tally.operations * (double)NSEC_PER_SEC /
				      (double)run->duration_ns);
	if (rep->server_note.text[0])
		result_note(result, "%s", rep->server_note.text);
	if (rep->left)
		result_note(result, "%u processes were left behind, and killed", rep->left);
}

static void repeat_teardown(struct run *run)
{
	struct repeat *rep = run->target;

	if (!rep)
		return;
	server_close(&rep->server);
	program_sweep();
	free(rep->lanes);
	free(rep);
	run->target = NULL;
}

const struct target_ops target_command_repeat = {
	.workload = "command",
	.name = "repeat",
	.help = "again and again: an operation is one execution, from its start to its end",
	.params = repeat_params,
	.config_size = sizeof(struct repeat_config),
	.metrics = repeat_metrics,
	.check_cell = repeat_check_cell,
	.extra_ns = repeat_extra_ns,
	.setup = repeat_setup,
	.lane_open = repeat_lane_open,
	.submit = repeat_submit,
	.reap = repeat_reap,
	.lane_close = repeat_lane_close,
	.stop = repeat_stop,
	.report = repeat_report,
	.teardown = repeat_teardown,
};

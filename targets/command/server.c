// SPDX-License-Identifier: MIT
/*
 * The server is the system under test, so it has the role `target`. It lives as long as the run:
 * whoever drives the load reads what it prints, and looks whether it is still there.
 */
#include "targets/command/server.h"

#include <errno.h>
#include <string.h>

#include "harness/run.h"
#include "harness/util/nsec.h"
#include "targets/command/ready.h"

static void server_line(void *arg, const char *line, uint64_t now_ns)
{
	struct server *s = arg;

	if (s->ready->kind == READY_LINE && !s->line_seen)
		s->line_seen = !regexec(&s->ready->line, line, 0, NULL, 0);
	if (s->tally && !s->wrong.text[0])
		tally_line(s->tally, line, NULL, now_ns, &s->wrong);
}

int server_start(struct server *s, struct run *run)
{
	const struct command_world *w = run->world;
	struct ready_before before = {.there = false};
	int r;

	*s = (struct server){.ready = &w->ready};
	if (!w->server.argv)
		return 0;
	r = program_open(&s->program, "the server", server_line, s, &run->err);
	if (!r)
		r = ready_look(s->ready, &before, &run->err);
	if (!r)
		r = program_start(&s->program, run, ROLE_TARGET, &w->server, true, &run->err);
	if (!r)
		r = ready_await(s->ready, &before, &s->program, &s->line_seen,
				w->config->ready_timeout_ns, &run->err);
	return r;
}

struct program *server_program(struct server *s)
{
	return s->program.pid ? &s->program : NULL;
}

int server_check(const struct server *s, struct err *err)
{
	if (s->wrong.text[0])
		return err_set(err, -EPROTO, "the server: %s", s->wrong.text);
	if (!s->program.ended)
		return 0;
	if (program_went_well(&s->program, err)) {
		err_set(err, 0, "the server ended");
		program_quote(&s->program, err);
	}
	return err_wrap(err, -ECHILD, "before the run was over");
}

int server_stop(struct server *s, struct run *run, struct err *note)
{
	const struct command_world *w = run->world;
	bool well;

	if (!s->program.pid)
		return 0;
	if (program_stop(&s->program, w->stop_signal, w->config->stop_timeout_ns))
		err_set(note, 0,
			"the server did not end within %.1f s of its signal and was killed",
			(double)w->config->stop_timeout_ns / (double)NSEC_PER_SEC);
	well = program_went_well(&s->program, &run->err);
	program_reap(&s->program, NULL);
	return well ? 0 : -ECHILD;
}

void server_close(struct server *s)
{
	program_close(&s->program);
}

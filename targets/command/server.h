/* SPDX-License-Identifier: MIT */
/* The server that a program may need: started and ready before it, ended after it. */
#pragma once

#include "targets/command/program.h"
#include "targets/command/tally.h"

struct server {
	struct program program;
	const struct command_ready *ready;
	bool line_seen;
	struct tally *tally; /* NULL until somebody listens: what it told before is no figure */
	struct err wrong;    /* what it told that makes no sense; "" */
};

/* Nothing to do where the cell has none. 0, or -errno with run->err. */
int server_start(struct server *s, struct run *run);
/* NULL where there is none. */
struct program *server_program(struct server *s);
/* It ended, or told something wrong: -errno with err. */
int server_check(const struct server *s, struct err *err);
/* 0, or -ECHILD with err when its end was not a good one. `note` takes what is worth a note. */
int server_stop(struct server *s, struct run *run, struct err *note);
void server_close(struct server *s);

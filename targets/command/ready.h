/* SPDX-License-Identifier: MIT */
/*
 * Waiting until a program that was started can be used. What is there before it was started is not
 * its doing: so one looks first.
 */
#pragma once

#include <sys/stat.h>

#include "targets/command/program.h"

struct ready_before {
	bool there; /* the path was, and this is what it was */
	struct stat path;
};

/*
 * Before the program is started. 0, or -EADDRINUSE with err: somebody answers at the port already.
 * A path may be there: it has to be made or written anew.
 */
int ready_look(const struct command_ready *ready, struct ready_before *ret, struct err *err);
/*
 * 0, or -errno with err: it ended before (-ECHILD), or the time is over (-ETIMEDOUT). `line_seen`
 * is set by whoever is told the program's lines.
 */
int ready_await(const struct command_ready *ready, const struct ready_before *before,
		struct program *p, const bool *line_seen, uint64_t timeout_ns, struct err *err);

/* SPDX-License-Identifier: MIT */
/* Waiting until a program that was started can be used. */
#pragma once

#include "targets/command/program.h"

/*
 * 0, or -errno with err: it ended before (-ECHILD), or the time is over (-ETIMEDOUT). `line_seen`
 * is set by whoever is told the program's lines.
 */
int ready_await(const struct command_ready *ready, struct program *p, const bool *line_seen,
		uint64_t timeout_ns, struct err *err);

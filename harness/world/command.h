/* SPDX-License-Identifier: MIT */
/*
 * What the command workload publishes for its targets (run->world): a program of the user's, ready
 * to be executed, and the server that it may need.
 *
 * The program is the system under test and has the role `target`. Where there is a server, that is
 * what is under test: it has the role `target`, and the program is its load, a `driver`.
 */
#pragma once

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/param.h"

/* The knobs of the workload, as a target's check_cell sees them. */
struct command_config {
	char run[PARAM_STRING_MAX], server[PARAM_STRING_MAX], ready[PARAM_STRING_MAX];
	char env[PARAM_STRING_MAX], cwd[PARAM_STRING_MAX], bin[PARAM_STRING_MAX];
	uint64_t ready_timeout_ns, stop_timeout_ns;
	int stop; /* index of command_stop_names */
};

enum command_ready_kind { READY_AT_ONCE, READY_PATH, READY_TCP, READY_UDP, READY_LINE };

/* When a program that was started can be used. */
struct command_ready {
	enum command_ready_kind kind;
	char text[PARAM_STRING_MAX]; /* as the knob has it, filled in, for messages */
	char path[PARAM_STRING_MAX]; /* absolute */
	char host[PARAM_STRING_MAX], port[8];
	regex_t line; /* of stdout; compiled when kind is READY_LINE */
};

/* argv NULL: there is none. */
struct command_line {
	char *path; /* absolute, and an executable file */
	char **argv;
};

struct command_world {
	const struct command_config *config;
	struct command_line program, server;
	char **envp;
	char cwd[4096];
	struct command_ready ready; /* of the server; without one, of the program */
	int stop_signal;
	bool ends_itself; /* the program was told ${duration}: it is left the time to end */
};

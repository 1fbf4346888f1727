/* SPDX-License-Identifier: MIT */
/*
 * A verb of the command line. Each lives in cmd_<verb>.c, ends in one `const struct verb`, and has
 * one row in verbs.c and verbs.h; help texts are made from these rows.
 *
 *	static int x_run(const struct registry *reg, int argc, char **argv)
 *	{
 *		struct x_options o = {.repeats = 3};
 *		const char *operands[1];
 *		int rc = verb_parse(&cmd_x, argc, argv, &o, operands);
 *
 *		if (rc != VERB_GO_ON)
 *			return rc;
 *		...
 *	const struct verb cmd_x = {.name = "x", ..., .run = x_run};
 */
#pragma once

#include "harness/cli/options.h"
#include "harness/exitcode.h"
#include "harness/registry.h"

#define VERB_GO_ON -1

struct verb {
	const char *name;
	const char *help;     /* one line, no full stop */
	const char *operands; /* as shown in the usage line: "MATRIX"; NULL when there are none */
	unsigned operands_min, operands_max;
	const struct option_row *options; /* ended by OPTION_END; NULL when there are none */
	bool hidden;			  /* not for people: left out of the help */
	/* argv[0] is the verb's own name. Returns the exit code. */
	int (*run)(const struct registry *reg, int argc, char **argv);
};

extern const struct verb *const verb_table[]; /* ended by NULL */

/* All of main(): finds the verb, runs it with what this build knows, returns the exit code. */
int verb_main(const struct registry *reg, int argc, char **argv);

const struct verb *verb_find(const char *name); /* NULL when there is none */

/*
 * Reads options into `into` and operands into operands[operands_max] (the missing ones NULL).
 * Returns VERB_GO_ON, or the exit code when --help was asked for (printed on stdout) or the command
 * line is wrong (said on stderr).
 */
int verb_parse(const struct verb *verb, int argc, char **argv, void *into, const char **operands);

void verb_help(FILE *out, const struct verb *verb);
void verbs_help(FILE *out); /* all of them */

/* Names the wrong verb and the nearest right one on stderr; returns EXITCODE_USAGE. */
int verb_unknown(const char *name);

/* On stdout, for programs and for people. EXITCODE_OK, or EXITCODE_FAILURE (said). */
int verb_print_json(const cJSON *o);

/* "uhbench: " and the text on stderr; returns the exit code it is given. */
int verb_fail(enum exitcode code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

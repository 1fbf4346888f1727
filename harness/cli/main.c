// SPDX-License-Identifier: MIT
/*
 * uhbench: joins the tables of plugins, finds the verb and hands over. The only place that knows
 * every workload and target, and the only one that ends the process.
 */
#include <errno.h>
#include <string.h>

#include "harness/cli/verb.h"
#include "targets/targets.h"
#include "workloads/workloads.h"

static int dispatch(const struct registry *reg, int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		verbs_help(stderr);
		return EXITCODE_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		verbs_help(stdout);
		return EXITCODE_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("uhbench " UHBENCH_VERSION);
		return EXITCODE_OK;
	}
	verb = verb_find(argv[1]);
	if (!verb)
		return verb_unknown(argv[1]);
	return verb->run(reg, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	const struct registry reg = {.workloads = workload_table, .targets = target_table};
	int code = dispatch(&reg, argc, argv);

	/* A table that did not reach its reader is no success. */
	if ((fflush(stdout) || ferror(stdout)) && code == EXITCODE_OK)
		return verb_fail(EXITCODE_FAILURE, "cannot write to stdout: %s", strerror(errno));
	return code;
}

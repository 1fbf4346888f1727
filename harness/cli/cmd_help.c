// SPDX-License-Identifier: MIT
/* uhbench help [VERB] */
#include "harness/cli/verbs.h"

static int help_run(const struct registry *reg, int argc, char **argv)
{
	const struct verb *verb;
	const char *operands[1];
	int rc = verb_parse(&cmd_help, argc, argv, NULL, operands);

	(void)reg;
	if (rc != VERB_GO_ON)
		return rc;
	if (!operands[0]) {
		verbs_help(stdout);
		return EXITCODE_OK;
	}
	verb = verb_find(operands[0]);
	if (!verb)
		return verb_unknown(operands[0]);
	verb_help(stdout, verb);
	return EXITCODE_OK;
}

const struct verb cmd_help = {
	.name = "help",
	.help = "show the verbs, or the options of one",
	.operands = "[VERB]",
	.operands_max = 1,
	.run = help_run,
};

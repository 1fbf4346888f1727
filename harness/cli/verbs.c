// SPDX-License-Identifier: MIT
/* The table of verbs, in the order of the help: a new one is cmd_<verb>.c, one row here and one in
 * verbs.h. */
#include "harness/cli/verbs.h"

const struct verb *const verb_table[] = {
	&cmd_child, &cmd_doctor, &cmd_help, &cmd_report, NULL,
	&cmd_doctor, &cmd_validate, &cmd_help, &cmd_report, NULL,
};

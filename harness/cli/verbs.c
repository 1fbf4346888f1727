// SPDX-License-Identifier: MIT
/* The table of verbs, in the order of the help: a new one is cmd_<verb>.c, one row here and one in
 * verbs.h. */
#include "harness/cli/verbs.h"

/* clang-format off */
const struct verb *const verb_table[] = {
	&cmd_run,
	&cmd_ab,
	&cmd_calibrate,
	&cmd_baseline,
	&cmd_compare,
	&cmd_validate,
	&cmd_list,
	&cmd_schema,
	&cmd_report,
	&cmd_history,
	&cmd_serve,
	&cmd_doctor,
	&cmd_hunt,
	&cmd_vm,
	&cmd_replay,
	&cmd_selftest,
	&cmd_help,
	&cmd_child,
	&cmd_vm_guest,
	NULL,
};
/* clang-format on */

// SPDX-License-Identifier: MIT
/* uhbench vm-guest: PID 1 of a machine that `uhbench vm` boots. Not for people. */
#include <unistd.h>

#include "harness/cli/verbs.h"
#include "harness/vm/vm.h"

static int vm_guest_run(const struct registry *reg, int argc, char **argv)
{
	int rc = verb_parse(&cmd_vm_guest, argc, argv, NULL, NULL);

	(void)reg;
	if (rc != VERB_GO_ON)
		return rc;
	if (getpid() != 1)
		return verb_fail(EXITCODE_USAGE,
				 "vm-guest: is the first process of a guest; see uhbench vm");
	vm_guest();
}

const struct verb cmd_vm_guest = {
	.name = "vm-guest",
	.help = "the first process of a virtual machine, started by its kernel",
	.hidden = true,
	.run = vm_guest_run,
};

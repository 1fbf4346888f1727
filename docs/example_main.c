// SPDX-License-Identifier: MIT
/*
 * The program that the test of docs/example_target.c runs: uhbench with a row for it in the table
 * of targets, beside null, in a registry of its own: the example is not part of what people
 * install.
 */
#include "harness/cli/verb.h"
#include "targets/targets.h"
#include "workloads/workloads.h"

extern const struct target_ops target_nop_getppid;

int main(int argc, char **argv)
{
	static const struct target_ops *const targets[] = {&target_nop_null, &target_nop_getppid,
							   NULL};
	static const struct workload_ops *const workloads[] = {&workload_nop, NULL};
	const struct registry reg = {.workloads = workloads, .targets = targets};

	return verb_main(&reg, argc, argv);
}

// SPDX-License-Identifier: MIT
/*
 * uhbench: joins the tables of plugins and hands over. The only place that knows every workload,
 * target and probe, so that another program can bring a registry of its own.
 */
#include "harness/cli/verb.h"
#include "probes/probes.h"
#include "targets/targets.h"
#include "workloads/workloads.h"

int main(int argc, char **argv)
{
	const struct registry reg = {
		.workloads = workload_table, .targets = target_table, .prober = &probes_prober};

	return verb_main(&reg, argc, argv);
}

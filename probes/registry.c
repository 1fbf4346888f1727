// SPDX-License-Identifier: MIT
/* The probes, in the order in which they are shown: a new one is one row in each table. */
#include <string.h>

#include "probes/plugin.h"
#include "probes/probes.h"

extern const struct probe_plugin probe_sched;
extern const struct probe_plugin probe_lock;
extern const struct probe_plugin probe_cqe;
extern const struct probe_plugin probe_syscalls;
extern const struct probe_plugin probe_block;

/* clang-format off */
const struct probe_plugin *const probe_plugins[] = {
	&probe_sched,
	&probe_lock,
	&probe_cqe,
	&probe_syscalls,
	&probe_block,
	NULL,
};
/* clang-format on */

const struct probe_info probe_infos[] = {
	{.name = "sched",
	 .help = "where threads spend their time: switches, run queue, waits and who ends them"},
	{.name = "lock",
	 .help = "kernel locks by caller and type, futex calls by operation and address",
	 .needs = "sched"},
	{.name = "cqe",
	 .help = "io_uring: submission to completion to reaping by ring and opcode, punts, "
		 "overflows, failures"},
	{.name = "syscalls", .help = "system calls: how many, how long, how many failed"},
	{.name = "block", .help = "requests to block devices: issue to completion, by operation"},
	{.name = NULL},
};

bool probe_attached(const struct probe_env *env, const char *name)
{
	for (unsigned i = 0; probe_plugins[i]; i++)
		if (!strcmp(probe_plugins[i]->info.name, name))
			return env->attached & 1u << i;
	return false;
}

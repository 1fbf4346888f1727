// SPDX-License-Identifier: MIT
/* The probes, in the order in which they are shown: a new one is one row in each table. */
#include "probes/plugin.h"
#include "probes/probes.h"

extern const struct probe_plugin probe_syscalls;

const struct probe_plugin *const probe_plugins[] = {
	&probe_syscalls,
	NULL,
};

const struct probe_info probe_infos[] = {
	{.name = "syscalls", .help = "system calls: how many, how long, how many failed"},
	{.name = NULL},
};

// SPDX-License-Identifier: MIT
/* The probes, in the order in which they are shown: a new one is one row in each table. */
#include "probes/plugin.h"
#include "probes/probes.h"

const struct probe_plugin *const probe_plugins[] = {NULL};

const struct probe_info probe_infos[] = {
	{.name = NULL},
};

/* SPDX-License-Identifier: MIT */
/* Programs of others that sit where ours would. */
#pragma once

#include <cjson/cJSON.h>

#include "probes/plugin.h"

/* [{hook, program, id}] of everything that is attached now and not of this process (hook null:
 * attached, and it cannot be told where); NULL and why. */
cJSON *foreign_list(const struct probe_plugin *const *plugins, struct err *why);

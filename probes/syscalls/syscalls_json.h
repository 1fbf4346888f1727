/* SPDX-License-Identifier: MIT */
/* What `syscalls` says in a record, apart from how it came to know. */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

#include "probes/syscalls/syscalls.h"

struct syscalls_call {
	uint32_t role, number;
	struct syscalls_row row;
};

/* Adds `timing` and `calls` (which it sorts). `untimed`: why there are no times; NULL: there are.
 */
void syscalls_json(cJSON *into, struct syscalls_call *calls, size_t n, const char *untimed);

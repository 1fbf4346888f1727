/* SPDX-License-Identifier: MIT */
/* Words of `lock` in records, and which functions are a lock's own. */
#pragma once

#include <stdbool.h>

#include "probes/lock/lock.h"

extern const char *const lock_type_names[LOCK_TYPES];
extern const char *const futex_operation_names[FUTEX_OPS];

/* Does this kernel function only take or release a lock for whoever called it? */
bool lock_is_own(const char *function);

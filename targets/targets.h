/* SPDX-License-Identifier: MIT */
/* Every target of this build, one row each. */
#pragma once

#include "harness/target.h"

extern const struct target_ops target_nop_null;
extern const struct target_ops target_nop_uring;

extern const struct target_ops *const target_table[]; /* ended by NULL */

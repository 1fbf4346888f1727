/* SPDX-License-Identifier: MIT */
/* Which shapes this kernel's tracepoints have, by its BTF: never by its version. */
#pragma once

#include "harness/util/err.h"

/* How many arguments a tracepoint has: -ENOENT when there is none of that name, -EOPNOTSUPP
 * without BTF. */
int kernel_btf_args(const char *tracepoint, struct err *err);

/* SPDX-License-Identifier: MIT */
/* CPU lists as the kernel writes them: "0-2,5" (cpuset(7), "List format"). */
#pragma once

#include <sched.h>
#include <stddef.h>

/* -EINVAL for a malformed or empty list, -ERANGE for a CPU beyond CPU_SETSIZE. */
int cpuset_parse(const char *text, cpu_set_t *ret);
/* Writes the shortest list: "0-2,5". -ENOSPC when it does not fit. */
int cpuset_format(const cpu_set_t *set, char *buf, size_t size);

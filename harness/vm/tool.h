/* SPDX-License-Identifier: MIT */
/* Other programs, run to their end: xz, dpkg-deb, apt-get, the dynamic loader. They die with us. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "harness/util/err.h"

#define TOOL_OUTPUT_MAX ((size_t)256 << 20)

/*
 * Runs argv[0] (looked for in PATH, and in the folders of the administrator) with `in` as its
 * stdin (-1: /dev/null). Returns what it printed, ended by NUL, in *ret (may be NULL: thrown away).
 * -ENOPKG: there is no such program; -EIO: it failed, and err has the last line it said.
 */
int tool_run(const char *const *argv, int in, char **ret, size_t *ret_len, struct err *err);

/* Where a program is: a path with a slash, or the first one of that name. -ENOENT. */
int tool_find(const char *name, char *path, size_t size);

/* In a child that is to die with its parent, before exec; `parent` as seen before the fork. */
void tool_die_with(int parent);

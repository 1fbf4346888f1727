/* SPDX-License-Identifier: MIT */
/* The shared libraries of a program, its loader included, as the loader itself finds them. */
#pragma once

#include "harness/util/err.h"

/* Calls fn for the path of each. Nothing to tell of a script, a static program or any other file.
 * 0, fn's error, or -errno with err; -ENOENT names a library that is missing. */
int libraries_of(const char *path, int (*fn)(void *arg, const char *path, struct err *err),
		 void *arg, struct err *err);

/* SPDX-License-Identifier: MIT */
/* Where a file from outside lies inside: at its absolute path, by its words alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "harness/util/err.h"

/* Absolute, without ".", ".." and double slashes; links are not followed. */
int path_inside(const char *path, char *inside, size_t size, struct err *err);
/* Below /dev, /proc or /sys, which the guest has of its own. */
bool path_is_kernels(const char *absolute);

/* SPDX-License-Identifier: MIT */
/*
 * What CPU a machine has, in one line: the "model name" of /proc/cpuinfo. Kernels of other
 * architectures than x86 often tell none; then it is what tells one kind of CPU from another there
 * ("CPU implementer 0x41, CPU part 0xd0c, ..."), each different one once, and the name of the
 * board.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The two files are /proc/cpuinfo and /proc/device-tree/model; either may be missing. False, and ""
 * in `ret`, where they say nothing. What does not fit is cut off. */
bool cpu_model_read(const char *cpuinfo, const char *board, char *ret, size_t size);

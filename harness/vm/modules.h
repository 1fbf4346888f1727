/* SPDX-License-Identifier: MIT */
/*
 * Kernel modules, from a folder as a distribution ships them (no modules.dep needed: every module
 * says itself what it needs and what it is called for, in its section .modinfo).
 */
#pragma once

#include "harness/util/err.h"
#include "harness/vm/tree.h"

#define MODULES_LOAD_FILE "/etc/modules-load"

/*
 * Puts into the tree what benchmarks may want of `dir` (which may be NULL: none), uncompressed,
 * below /lib/modules/<release>, with the modules.dep and modules.alias that modprobe(8) needs, and
 * in MODULES_LOAD_FILE the line of each that is to be loaded at once: "NAME" or "NAME
 * PARAMETER=...". `more` are such lines of people: there -ENOENT names the one that this kernel
 * does not have. What is built into the kernel, or what this one lacks, is left out.
 */
int modules_add(struct tree *tree, const char *dir, const char *release, const char *const *more,
		unsigned n_more, struct err *err);

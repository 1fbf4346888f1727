/* SPDX-License-Identifier: MIT */
/* The disk and the power failures of `uhbench vm`: their words, and what came of them. */
#pragma once

#include "harness/cli/options.h"
#include "harness/util/err.h"
#include "harness/vm/power.h"

/* As the command line has them; NULL: not there. */
#define VM_POWER_NO_SEED UINT64_MAX

struct vm_power_words {
	const char *disk, *cut, *verdicts;
	uint64_t cuts; /* 0: not there */
	uint64_t seed; /* VM_POWER_NO_SEED: not there */
};

/* 0 with *ret NULL when nothing of the kind was asked for; -EINVAL with err for a wrong word, or
 * -errno when the disk cannot be made. */
int vm_power_make(const struct vm_power_words *w, struct power_options *o, struct power **ret,
		  struct err *err);

/*
 * After the boot that ended so, of whose command the exit code is `rc`: judges the cuts, prints
 * what became of each, and writes the file of verdicts. Returns the exit code of it all: what was
 * lost counts more than how the command ended.
 */
int vm_power_judge(struct power *p, const struct power_options *o, const char *verdicts,
		   struct vm *vm, const struct vm_boot *boot, const struct vm_outcome *outcome,
		   int rc);

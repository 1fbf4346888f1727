/* SPDX-License-Identifier: MIT */
/*
 * Power failures, from the disk to the verdict:
 *
 *	power_new()	a disk with a file system and a volatile cache, and somebody to cut it
 *	power_attach()	... become part of a boot, whose command finds the disk mounted
 *	vm_boot()
 *	power_end()	what the cuts have left, and what was acknowledged by then, is fixed
 *	power_judge()	a second boot mounts each image and asks `uhbench replay` about it
 *	power_free()
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdint.h>

#include "harness/util/err.h"
#include "harness/vm/cutter.h"
#include "harness/vm/vm.h"

#define POWER_WORDS_MAX 512

struct power_options {
	const char *fs; /* of data_disk_fs */
	uint64_t disk_bytes;
	unsigned cuts;		     /* of each run; 0: the disk alone, without failures */
	uint64_t after_ns, until_ns; /* see cutter.h */
	uint64_t seed;
};

struct power;

int power_new(const struct power_options *o, struct power **ret, struct err *err);
void power_free(struct power *p); /* accepts NULL */

/* Adds to `boot`, whose command then runs behind a mount. `words` has POWER_WORDS_MAX places, and
 * outlives the boot as `p` does. */
int power_attach(struct power *p, struct vm_boot *boot, char **words, struct err *err);
int power_end(struct power *p, struct err *err);

void power_each_run(const struct power *p, cutter_run_fn fn, void *arg);
unsigned power_runs(const struct power *p); /* that acknowledged anything */
const struct cut *power_cuts(const struct power *p, unsigned *ret_n);
/* Boots `vm` again. verdicts[i] is of cut i: what `uhbench replay --json` says, or {"verdict":
 * "unmountable" | "unjudged", "reason"}; the caller's to delete. The outcome is of the boot. */
int power_judge(struct power *p, struct vm *vm, const struct vm_boot *boot, cJSON **verdicts,
		struct vm_outcome *outcome, struct err *err);

/* SPDX-License-Identifier: MIT */
/* The loops behind the yardsticks, one implementation each. All of one loop's calls come from one
 * thread, which may have its CPU chosen. */
#pragma once

#include "harness/util/err.h"

struct yardstick_loop {
	unsigned batch; /* operations of one call of `turn` */
	/* `dir` exists. 0, or -errno with err; `close` undoes what a failed one has done. */
	int (*open)(const char *dir, void **ret, struct err *err);
	int (*turn)(void *state, struct err *err);
	void (*close)(void *state); /* accepts NULL */
};

extern const struct yardstick_loop yardstick_spin, yardstick_switch, yardstick_wake,
	yardstick_sync4k, yardstick_loopback;

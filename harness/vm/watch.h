/* SPDX-License-Identifier: MIT */
/* One boot seen from outside, from the emulator's start to its end. */
#pragma once

#include "harness/vm/qemu.h"
#include "harness/vm/vm.h"

struct watch_options {
	const struct vm_boot *boot;
	uint64_t boot_timeout_ns; /* until the guest is ready for the command */
	/* Called when it is, with the seconds that this took; may be NULL. */
	void (*up)(void *arg, double up_s);
	void *arg;
	void (*say)(const char *text); /* what the guest wants people to know; may be NULL */
};

/* Ends the emulator whatever happens, and fills *ret. 0, or -errno with err when the command could
 * not even be sent. */
int watch(struct qemu *q, const struct watch_options *options, struct vm_outcome *ret,
	  struct err *err);

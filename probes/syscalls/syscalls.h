/* SPDX-License-Identifier: MIT */
/* What the programs of `syscalls` and its C side share. */
#pragma once

#include <stdint.h>

#include "probes/abi.h"

#define SYSCALLS_NUMBERS 512			/* x86-64 has 470 of them in 6.18; the last one: */
#define SYSCALLS_OTHER	 (SYSCALLS_NUMBERS - 1) /* numbers beyond, and those of no call */
#define SYSCALLS_ROWS	 256 /* pairs of role and number that are told apart: 40 KiB per CPU */

enum { SYSCALLS_ENTER, SYSCALLS_EXIT };

/* thread.sys_enter_ns of a thread whose last call has ended; 0: not seen to enter any yet. */
#define SYSCALLS_ENDED UINT64_MAX

struct syscalls_row {
	struct tally tally;
	uint64_t failed;
};

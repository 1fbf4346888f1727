/* SPDX-License-Identifier: MIT */
/* futex(2), private to the process, with absolute CLOCK_MONOTONIC deadlines. */
#pragma once

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/util/nsec.h"

#define FUTEX_NEVER UINT64_MAX

/* Sleeps while *word == value. 0 when woken, -EAGAIN when *word differs, -EINTR, -ETIMEDOUT. */
static inline int futex_wait_until(_Atomic uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	struct timespec ts = nsec_to_timespec(deadline_ns);
	long r = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value,
			 deadline_ns == FUTEX_NEVER ? NULL : &ts, NULL, FUTEX_BITSET_MATCH_ANY);

	return r < 0 ? -errno : 0;
}

static inline void futex_wake(_Atomic uint32_t *word, int n)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

/* SPDX-License-Identifier: MIT */
/*
 * Devices that a killed run left behind. Ours are known by a mark, which the driver keeps for us in
 * ublksrv_flags and shows to anyone: a magic number, and who made the device (pid and start time).
 * A device is a leftover when it carries the mark, its maker is dead, and no process serves it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "harness/util/err.h"

/* For the calling process. */
uint64_t ublk_mark_mine(void);
bool ublk_mark_is_ours(uint64_t mark);
/* Whether the process that made the mark lives. It may be in a PID namespace below ours. */
bool ublk_mark_maker_lives(uint64_t mark);

/*
 * Names every leftover to fn ("/dev/ublkb3", and why), after removing it when `fix` is set; then
 * `gone` says whether that succeeded. The work is done in a forked process with a deadline, so that
 * a driver that does not answer cannot hold the caller. 0 where there is no ublk driver.
 */
int ublk_find_leftovers(bool fix, void (*fn)(const char *what, bool gone, void *arg), void *arg,
			struct err *err);

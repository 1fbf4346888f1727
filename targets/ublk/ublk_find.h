/* SPDX-License-Identifier: MIT */
/*
 * Devices that a killed run left behind: they carry our mark (ublk_owner.h), their maker is dead,
 * and no process serves them. Nothing else is ever touched.
 */
#pragma once

#include <stdbool.h>

#include "harness/util/err.h"

/*
 * Names every leftover to fn: "ublk device 3 (/dev/ublkb3, quiesced)". With `fix` it is removed
 * first; `gone` says whether it is, and `what` then says why not. All is done in a forked process
 * with a deadline, so that a driver that does not answer cannot hold the caller. 0 where there is
 * no ublk driver, and where this user may not use it.
 */
int ublk_find_leftovers(bool fix, void (*fn)(const char *what, bool gone, void *arg), void *arg,
			struct err *err);

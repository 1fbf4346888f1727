/* SPDX-License-Identifier: MIT */
/*
 * Devices that a killed run left behind: they carry our mark (targets/block/block_mark.h), their
 * maker is dead, and no process serves them. Nothing else is ever touched.
 */
#pragma once

#include <stdbool.h>

#include "harness/util/err.h"

/* target_ops.leftovers. All is done in a forked process with a deadline, so that a driver that does
 * not answer cannot hold the caller. */
int ublk_find_leftovers(bool fix, void (*found)(void *arg, const char *what), void *arg,
			struct err *err);

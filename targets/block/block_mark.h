/* SPDX-License-Identifier: MIT */
/* The mark of a run (targets/ublk/ublk_owner.h) as a text, for devices that have a name. */
#pragma once

#include <stdbool.h>

#define BLOCK_MARK_MAX 32 /* DISK_NAME_LEN, and half of LO_NAME_SIZE */

/* "uhbench-756862..." of the calling process. */
void block_mark_mine(char ret[static BLOCK_MARK_MAX]);
/* Is it a mark, and of a process that is dead? */
bool block_mark_is_left(const char *text);

/* SPDX-License-Identifier: MIT */
/*
 * Whose device is it? 64 bits tell it of who made one: a magic number, the maker's pid and its
 * start time, so that a later uhbench knows which devices are ours, and whether their makers live.
 * Where a driver keeps a number for the maker it stands there as such, else in the device's name.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BLOCK_MARK_NONE	    0  /* a stranger's device */
#define BLOCK_MARK_NAME_MAX 32 /* DISK_NAME_LEN, and half of LO_NAME_SIZE */

uint64_t block_mark_mine(void); /* for the calling process */
bool block_mark_is_ours(uint64_t mark);
/* Whether the process that made it lives, in our PID namespace or in one below it. */
bool block_mark_maker_lives(uint64_t mark);

/* "uhbench-756862..." of the calling process. */
void block_mark_name(char ret[static BLOCK_MARK_NAME_MAX]);
/* Is it such a name, and of a process that is dead? */
bool block_mark_name_is_left(const char *text);

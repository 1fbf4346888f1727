/* SPDX-License-Identifier: MIT */
/*
 * Whose device is it? The driver keeps 64 bits for a device's maker (ublksrv_flags) and shows them
 * to anyone. Ours hold a magic number, the maker's pid and its start time, so that a later uhbench
 * knows which devices are ours, and whether their makers live.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define UBLK_MARK_NONE 0 /* a stranger's device */

uint64_t ublk_mark_mine(void); /* for the calling process */
bool ublk_mark_is_ours(uint64_t mark);
/* Whether the process that made it lives, in our PID namespace or in one below it. */
bool ublk_mark_maker_lives(uint64_t mark);

/* A process that has /dev/ublkcN (or with `block` /dev/ublkbN) open, and its comm; 0 when none is
 * to be seen. Looks through all descriptors of all processes: milliseconds. */
#define UBLK_COMM_MAX 64
pid_t ublk_user_of(uint32_t id, bool block, char comm[UBLK_COMM_MAX]);

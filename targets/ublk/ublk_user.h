/* SPDX-License-Identifier: MIT */
/* Who has a ublk device open, that it cannot be removed? */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A process that has /dev/ublkcN (or with `block` /dev/ublkbN) open, and its comm; 0 when none is
 * to be seen. Looks through all descriptors of all processes: milliseconds. */
#define UBLK_COMM_MAX 64
pid_t ublk_user_of(uint32_t id, bool block, char comm[UBLK_COMM_MAX]);

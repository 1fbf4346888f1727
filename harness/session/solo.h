/* SPDX-License-Identifier: MIT */
/*
 * One measuring session at a time: two would measure each other. A claim is a listening socket with
 * a known name in the abstract namespace (unix(7)): it belongs to the whole network namespace, for
 * all users, and the kernel takes it back when its owner dies, however it dies.
 */
#pragma once

#include <stdbool.h>

#include "harness/util/err.h"

/*
 * A descriptor that holds a claim, or -EBUSY with the owner's pid in the text when anybody has one.
 * `concurrent`: go on beside others, but keep those away who want to be alone. -EUSERS beyond
 * SOLO_MAX sessions.
 */
#define SOLO_MAX 64
int solo_claim(bool concurrent, struct err *err);

/* SPDX-License-Identifier: MIT */
/*
 * One measuring session at a time: two would measure each other. The claim is a listening socket
 * with a fixed name in the abstract namespace (unix(7)): it belongs to the whole network namespace,
 * for all users, and the kernel takes it back when its owner dies, however it dies.
 */
#pragma once

#include "harness/util/err.h"

/* A descriptor that holds the claim, or -EBUSY with the owner's pid in the text. */
int solo_claim(struct err *err);

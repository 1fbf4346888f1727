/* SPDX-License-Identifier: MIT */
/* Reads the knob `ready`: path:FILE, tcp:HOST:PORT, udp:HOST:PORT, line:REGEX, or nothing. */
#pragma once

#include "harness/world/command.h"

/* `text` has its values filled in. 0, or -EINVAL with err. Of a path that is relative only `text`
 * is set. Whatever is read is released by command_ready_clear. */
int command_ready_read(const char *text, struct command_ready *ret, struct err *err);
void command_ready_clear(struct command_ready *ready);

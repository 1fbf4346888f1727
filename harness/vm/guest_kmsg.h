/* SPDX-License-Identifier: MIT */
/* Does the guest's kernel complain while the command runs? Figures of one that does are worth
 * nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

bool guest_kmsg_is_complaint(const char *text);
/* A descriptor that sees what comes from now on; -1: this kernel has none. */
int guest_kmsg_open(void);
/* Reads what has come. True with the first complaint in `line`. */
bool guest_kmsg_look(int fd, char *line, size_t size);

/* SPDX-License-Identifier: MIT */
/* The guest's console, of which the tail is kept: what a kernel says last is what one wants to
 * read. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CONSOLE_MAX ((size_t)16 << 10)

struct console {
	char text[CONSOLE_MAX]; /* ended by NUL */
	size_t len;
};

void console_add(struct console *c, const char *data, size_t len);
/* The line with "Kernel panic - not syncing: ...", without what stands before it. False: none. */
bool console_panic(const struct console *c, char *line, size_t size);
/* Start of the last `lines` lines. */
const char *console_tail(const char *text, unsigned lines);

// SPDX-License-Identifier: MIT
/* Keeps the newer half when full. Carriage returns and control bytes, which would confuse a
 * terminal, are dropped as they come. */
#include "harness/vm/console.h"

#include <stdio.h>
#include <string.h>

void console_add(struct console *c, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char b = (unsigned char)data[i];

		if (b != '\n' && b != '\t' && (b < ' ' || b == 0x7f))
			continue;
		if (c->len == CONSOLE_MAX - 1) {
			c->len /= 2;
			memmove(c->text, c->text + CONSOLE_MAX - 1 - c->len, c->len);
		}
		c->text[c->len++] = (char)b;
	}
	c->text[c->len] = 0;
}

bool console_panic(const struct console *c, char *line, size_t size)
{
	const char *at = strstr(c->text, "Kernel panic - not syncing");

	if (!at)
		return false;
	snprintf(line, size, "%.*s", (int)strcspn(at, "\n"), at);
	return true;
}

const char *console_tail(const char *text, unsigned lines)
{
	const char *at = text + strlen(text);

	while (at > text && at[-1] == '\n')
		at--;
	while (at > text) {
		if (at[-1] == '\n' && !--lines)
			break;
		at--;
	}
	return at;
}

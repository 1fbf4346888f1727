// SPDX-License-Identifier: MIT
/* 64 bits in hexadecimal behind our name; see the header. */
#include "targets/block/block_mark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "targets/ublk/ublk_owner.h"

#define PREFIX "uhbench-"
#define DIGITS 16

void block_mark_mine(char ret[static BLOCK_MARK_MAX])
{
	snprintf(ret, BLOCK_MARK_MAX, PREFIX "%016llx", (unsigned long long)ublk_mark_mine());
}

bool block_mark_is_left(const char *text)
{
	char *end;
	uint64_t mark;

	if (strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return false;
	text += strlen(PREFIX);
	mark = strtoull(text, &end, 16);
	return end == text + DIGITS && !*end && ublk_mark_is_ours(mark) &&
	       !ublk_mark_maker_lives(mark);
}

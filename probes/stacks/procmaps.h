/* SPDX-License-Identifier: MIT */
/*
 * Text of /proc/PID/maps (proc(5)), kept because the process may be gone when its stacks are
 * unwound, and a look into it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct procmap {
	uint64_t start, end;
	bool exec;
	const char *name; /* in the text, ended by a newline: a path, "[heap]", or nothing */
	int name_len;
};

/* The text, malloc'd. -ESRCH when the process is gone or has no memory any more. */
int procmaps_snapshot(pid_t pid, char **ret_text);
/* All mappings of a text, by address, malloc'd. -EINVAL when a line is no mapping. */
int procmaps_parse(const char *text, struct procmap **ret, size_t *ret_n);
/* The mapping that holds an address, or NULL. */
const struct procmap *procmaps_find(const struct procmap *maps, size_t n, uint64_t address);

/* SPDX-License-Identifier: MIT */
/*
 * Text of /proc/PID/maps (proc(5)), kept because the process may be gone when its stacks are
 * unwound.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct procmap {
	uint64_t start, end;
	bool exec;
	char name[256]; /* path, "[heap]", or "" */
};

/* The text, malloc'd. -ESRCH when the process is gone or has no memory any more. */
int procmaps_snapshot(pid_t pid, char **ret_text);
/* The mapping that holds an address; -ENOENT. */
int procmaps_find(const char *text, uint64_t address, struct procmap *ret);

// SPDX-License-Identifier: MIT
/*
 * A mark is  magic (24 bits) | pid (22 bits, all that Linux gives out) | start time in clock ticks
 * (18 bits). The pid is the maker's own view of it, and its run may live in a PID namespace of its
 * own, so it is compared with the last number of NSpid (proc_pid_status(5)), which is the same view
 * from outside.
 */
#include "targets/block/block_mark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/fs.h"
#include "harness/util/nsec.h"
#include "harness/util/procfs.h"

#define PREFIX "uhbench-"
#define DIGITS 16

#define MAGIC	   0x756862ull /* "uhb" */
#define MAGIC_BITS 24
#define PID_BITS   22
#define START_BITS 18

static uint64_t mark_of(pid_t pid, uint64_t start_ns)
{
	uint64_t tick_ns = NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t start = start_ns / tick_ns & ((1u << START_BITS) - 1);

	return MAGIC << (PID_BITS + START_BITS) | (uint64_t)pid << START_BITS | start;
}

uint64_t block_mark_mine(void)
{
	struct proc_thread self = {0};

	/* Without /proc the start is 0, and nobody will take the maker for alive. */
	procfs_stat("/proc/self", &self);
	return mark_of(getpid(), self.start_ns);
}

bool block_mark_is_ours(uint64_t mark)
{
	return mark >> (PID_BITS + START_BITS) == MAGIC;
}

/* The process's pid in the innermost namespace that it is in; 0 when it is gone. */
static pid_t own_view(const char *dir)
{
	char path[48], text[4096], *line, *end;
	pid_t pid = 0;

	snprintf(path, sizeof(path), "%s/status", dir);
	if (fs_read(path, text, sizeof(text)) < 0)
		return 0;
	line = strstr(text, "\nNSpid:");
	if (!line)
		return 0;
	line += strlen("\nNSpid:");
	end = line + strcspn(line, "\n");
	while (line < end)
		pid = (pid_t)strtol(line, &line, 10);
	return pid;
}

static int is_maker(void *arg, int pid)
{
	uint64_t mark = *(const uint64_t *)arg;
	struct proc_thread t;
	char dir[32];

	snprintf(dir, sizeof(dir), "/proc/%d", pid);
	return !procfs_stat(dir, &t) && t.state != 'Z' && t.state != 'X' &&
	       mark_of(own_view(dir), t.start_ns) == mark;
}

bool block_mark_maker_lives(uint64_t mark)
{
	return procfs_each("/proc", is_maker, &mark) > 0;
}

void block_mark_name(char ret[static BLOCK_MARK_NAME_MAX])
{
	snprintf(ret, BLOCK_MARK_NAME_MAX, PREFIX "%016llx", (unsigned long long)block_mark_mine());
}

bool block_mark_name_is_left(const char *text)
{
	char *end;
	uint64_t mark;

	if (strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return false;
	text += strlen(PREFIX);
	mark = strtoull(text, &end, 16);
	return end == text + DIGITS && !*end && block_mark_is_ours(mark) &&
	       !block_mark_maker_lives(mark);
}

// SPDX-License-Identifier: MIT
#include "targets/ublk/ublk_user.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/procfs.h"

struct search {
	char device[32];
	size_t device_len;
	char fds[32]; /* of the process that is being looked at */
	pid_t found;
};

/* A deleted device's node is told as "/dev/ublkb0 (deleted)". */
static int is_device(void *arg, int fd)
{
	const struct search *s = arg;
	char path[64], target[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%d", s->fds, fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < (ssize_t)s->device_len || strncmp(target, s->device, s->device_len))
		return 0;
	target[n] = 0;
	return !target[s->device_len] || target[s->device_len] == ' ';
}

static int has_device(void *arg, int pid)
{
	struct search *s = arg;

	snprintf(s->fds, sizeof(s->fds), "/proc/%d/fd", pid);
	if (procfs_each(s->fds, is_device, s) <= 0)
		return 0;
	s->found = pid;
	return 1;
}

pid_t ublk_user_of(uint32_t id, bool block, char comm[UBLK_COMM_MAX])
{
	struct proc_thread t = {.comm = ""};
	struct search s = {0};
	char dir[32];

	snprintf(s.device, sizeof(s.device), "/dev/ublk%c%u", block ? 'b' : 'c', id);
	s.device_len = strlen(s.device);
	procfs_each("/proc", has_device, &s);
	if (!s.found)
		return 0;
	snprintf(dir, sizeof(dir), "/proc/%d", s.found);
	procfs_stat(dir, &t); /* it may be gone by now: then it has no name */
	snprintf(comm, UBLK_COMM_MAX, "%s", t.comm);
	return s.found;
}

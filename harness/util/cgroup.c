// SPDX-License-Identifier: MIT
/*
 * The v2 mount is looked up in mountinfo, since hybrid hosts have it at /sys/fs/cgroup/unified. No
 * controllers are needed: grouping, killing and cpu.stat work without.
 */
#include "harness/util/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"

#define REMOVE_DEADLINE_NS (2 * NSEC_PER_SEC)

static int find_mount(char *path, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[2048], point[1024];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, " - cgroup2 "))
			continue;
		if (sscanf(line, "%*d %*d %*s %*s %1023s", point) != 1)
			continue;
		return snprintf(path, size, "%s", point) < (int)size ? 0 : -ENAMETOOLONG;
	}
	return -ENOENT;
}

static int own_group(char *path, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/cgroup", "re");
	char line[1024];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "0::", 3))
			continue;
		line[strcspn(line, "\n")] = 0;
		return snprintf(path, size, "%s", line + 3) < (int)size ? 0 : -ENAMETOOLONG;
	}
	return -ENOENT;
}

int cgroup_make(const char *name, char *path, size_t size, struct err *err)
{
	char mount[1024], own[1024];

	if (find_mount(mount, sizeof(mount)) || own_group(own, sizeof(own)))
		return err_set(err, -EOPNOTSUPP, "no cgroup v2 hierarchy is mounted here");
	if (snprintf(path, size, "%s%s/%s", mount, strcmp(own, "/") ? own : "", name) >= (int)size)
		return err_sys(err, -ENAMETOOLONG, "%s", name);
	if (mkdir(path, 0755))
		return err_sys(err, -errno, "%s", path);
	return 0;
}

int cgroup_cpu_ns_of(const char *path, uint64_t *ret)
{
	char file[PATH_MAX], buf[1024];
	unsigned long long us;

	snprintf(file, sizeof(file), "%s/cpu.stat", path);
	if (fs_read(file, buf, sizeof(buf)) < 0 || sscanf(buf, "usage_usec %llu", &us) != 1)
		return -ENOENT;
	*ret = us * NSEC_PER_USEC;
	return 0;
}

int cgroup_cpu_ns(const char *prefix, uint64_t *ret)
{
	char mount[1024], own[1024], path[2100];
	const char *name;

	if (find_mount(mount, sizeof(mount)) || own_group(own, sizeof(own)))
		return -ENOENT;
	name = strrchr(own, '/');
	if (!name || strncmp(name + 1, prefix, strlen(prefix)))
		return -ENOENT;
	snprintf(path, sizeof(path), "%s%s", mount, own);
	return cgroup_cpu_ns_of(path, ret);
}

int cgroup_kill(const char *path)
{
	char file[PATH_MAX];

	snprintf(file, sizeof(file), "%s/cgroup.kill", path);
	return fs_put(file, "1");
}

int cgroup_remove(const char *path)
{
	uint64_t deadline = nsec_now() + REMOVE_DEADLINE_NS;

	while (rmdir(path)) {
		if (errno != EBUSY || nsec_now() > deadline)
			return errno == ENOENT ? 0 : -errno;
		usleep(500); /* members were killed; the kernel lets go of them one by one */
	}
	return 0;
}

static int sweep_one(const char *parent, const char *name, unsigned *count, struct err *err)
{
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s/%s", parent, name) >= (int)sizeof(path))
		return 0;
	cgroup_kill(path);
	r = cgroup_remove(path);
	if (r)
		return err_sys(err, r, "%s", path);
	(*count)++;
	return 0;
}

int cgroup_sweep(const char *prefix, unsigned *count, struct err *err)
{
	char mount[1024], own[1024], parent[2100];
	size_t len = strlen(prefix);
	struct dirent *e;
	int r = 0;
	DIR *d;

	if (find_mount(mount, sizeof(mount)) || own_group(own, sizeof(own)))
		return 0;
	snprintf(parent, sizeof(parent), "%s%s", mount, own);
	d = opendir(parent);
	if (!d)
		return 0; /* of another namespace: nothing of ours can be in it */
	while (!r && (e = readdir(d))) {
		int pid;

		if (strncmp(e->d_name, prefix, len))
			continue;
		pid = atoi(e->d_name + len);
		if (pid > 0 && kill(pid, 0) && errno == ESRCH)
			r = sweep_one(parent, e->d_name, count, err);
	}
	closedir(d);
	return r;
}

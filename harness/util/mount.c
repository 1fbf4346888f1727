// SPDX-License-Identifier: MIT
/*
 * Reads /proc/self/mountinfo. A path belongs to the mount with the longest mount point that is a
 * prefix of its real path; the last of equals wins, since later mounts cover earlier ones. This,
 * rather than st_dev, because btrfs and overlayfs give st_dev numbers that are in no table.
 */
#include "harness/util/mount.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"

/* Copies a field and undoes the octal escapes of blanks (\040) that the kernel writes. */
static void copy_field(char *to, const char *from)
{
	size_t n = 0;

	while (*from && n < MOUNT_TEXT_MAX - 1) {
		unsigned byte;

		if (from[0] == '\\' && sscanf(from + 1, "%3o", &byte) == 1) {
			to[n++] = (char)byte;
			from += 4;
		} else {
			to[n++] = *from++;
		}
	}
	to[n] = '\0';
}

/* 36 35 98:0 /root /point options optional... - type source super-options */
static bool parse_line(char *line, struct mount *m)
{
	char *save = NULL, *field[6], *type, *source, *super;

	for (unsigned i = 0; i < array_size(field); i++) {
		field[i] = strtok_r(i ? NULL : line, " \n", &save);
		if (!field[i])
			return false;
	}
	do {
		type = strtok_r(NULL, " \n", &save);
	} while (type && strcmp(type, "-"));
	type = strtok_r(NULL, " \n", &save);
	source = strtok_r(NULL, " \n", &save);
	super = strtok_r(NULL, " \n", &save);
	if (!type || !source || !super || sscanf(field[2], "%u:%u", &m->major, &m->minor) != 2)
		return false;
	copy_field(m->type, type);
	copy_field(m->source, source);
	copy_field(m->point, field[4]);
	copy_field(m->options, field[5]);
	copy_field(m->super, super);
	return true;
}

static bool holds(const char *point, const char *path)
{
	size_t n = strlen(point);

	if (n == 1)
		return true;
	return !strncmp(point, path, n) && (path[n] == '/' || !path[n]);
}

/* By path when `path` is given, else by type. */
static int find(const char *path, const char *type, struct mount *ret)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	struct mount m, best;
	size_t size = 0;
	bool found = false;

	if (!f)
		return -errno;
	while (getline(&line, &size, f) > 0) {
		if (!parse_line(line, &m))
			continue;
		if (path ? !holds(m.point, path) : strcmp(m.type, type) || found)
			continue;
		if (path && found && strlen(m.point) < strlen(best.point))
			continue;
		best = m;
		found = true;
	}
	if (!found)
		return -ENOENT;
	*ret = best;
	return 0;
}

int mount_of_path(const char *path, struct mount *ret)
{
	char real[PATH_MAX];

	if (!realpath(path, real))
		return -errno;
	return find(real, NULL, ret);
}

int mount_of_type(const char *type, struct mount *ret)
{
	return find(NULL, type, ret);
}

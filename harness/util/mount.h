/* SPDX-License-Identifier: MIT */
/* Which mounted filesystem a path lies on (/proc/self/mountinfo, proc(5)). */
#pragma once

#define MOUNT_TEXT_MAX 256

struct mount {
	char type[MOUNT_TEXT_MAX];    /* "ext4" */
	char source[MOUNT_TEXT_MAX];  /* "/dev/vda1" */
	char point[MOUNT_TEXT_MAX];   /* "/home" */
	char options[MOUNT_TEXT_MAX]; /* of this mount: "rw,relatime" */
	char super[MOUNT_TEXT_MAX];   /* of the filesystem itself: "rw,discard" */
	unsigned major, minor;	      /* of the device, as in st_dev */
};

/* The mount that `path` lies on. 0 or -errno; -ENOENT when the kernel lists none. */
int mount_of_path(const char *path, struct mount *ret);
/* The first mount of a filesystem type ("cgroup2", "tracefs"). */
int mount_of_type(const char *type, struct mount *ret);

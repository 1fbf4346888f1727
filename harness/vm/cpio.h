/* SPDX-License-Identifier: MIT */
/*
 * Archives as the kernel unpacks them into its first root
 * (Documentation/driver-api/early-userspace/ buffer-format.rst, "newc"; cpio(5)). Names are given
 * without the leading slash, folders before what is in them. All return 0 or -errno; after an error
 * the archive is worth nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct cpio {
	FILE *out;
	uint64_t bytes; /* written so far */
	unsigned inode;
};

int cpio_folder(struct cpio *c, const char *name, mode_t mode);
int cpio_link(struct cpio *c, const char *name, const char *target);
int cpio_file(struct cpio *c, const char *name, mode_t mode, const void *data, size_t len);
/* A character device, as /dev/console has to be before anything is mounted. */
int cpio_device(struct cpio *c, const char *name, mode_t mode, unsigned major, unsigned minor);
int cpio_end(struct cpio *c);

/* SPDX-License-Identifier: MIT */
/* Small files and folders. All return 0 (or a length) or -errno. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads up to size - 1 bytes and ends them with NUL. Returns the length. */
ssize_t fs_read(const char *path, char *buf, size_t size);
/* Reads a whole file or pipe into a malloc'd, NUL-ended buffer; -EFBIG above `limit` bytes. */
int fs_read_all(int fd, size_t limit, char **ret, size_t *ret_len);
/* Writes all of it, retrying short writes and EINTR. */
int fs_write_all(int fd, const void *data, size_t len);
/* One write to an existing file (sysfs, procfs, cgroupfs). */
int fs_put(const char *path, const char *text);
/* Writes name.tmp, fsyncs, renames to `path`, fsyncs the folder. */
int fs_replace(const char *path, const void *data, size_t len);
/*
 * May what a user named as output be replaced? A regular file may, and a name that is free; `real`
 * (PATH_MAX) is then where it lies behind links. All else (a pipe, a device) is to be written to as
 * it stands: replacing would destroy it.
 */
bool fs_is_replaceable(const char *path, char *real);
/* Writes to what a user named, by that rule. */
int fs_write_named(const char *path, const void *data, size_t len);
int fs_mkdir_p(const char *path);
/* Removes a folder and what is in it, without leaving its filesystem. 0 when it was not there. */
int fs_remove_tree(const char *path);
int fs_sync_dir_of(const char *path);
/* First number in a one-line file. */
int fs_read_u64(const char *path, uint64_t *ret);

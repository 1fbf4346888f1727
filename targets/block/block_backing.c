// SPDX-License-Identifier: MIT
/*
 * O_TMPFILE where the filesystem has it, else a file that is unlinked at once. A filled file is
 * synced, so that no write-back of ours goes on while others measure.
 */
#include "targets/block/block_backing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

#define MIB	      1048576ull
#define DEFAULT_BYTES (256 * MIB)

int block_bytes_check(const struct cell *cell, uint64_t block_bytes, struct err *err)
{
	if (block_bytes & (block_bytes - 1))
		return err_set(err, -EINVAL, "block_bytes: %llu is no power of two",
			       (unsigned long long)block_bytes);
	if (cell->axes.payload % block_bytes)
		return err_set(err, -EINVAL,
			       "payload: %llu is no multiple of the device's block_bytes, %llu",
			       (unsigned long long)cell->axes.payload,
			       (unsigned long long)block_bytes);
	return 0;
}

uint64_t block_size_bytes(const struct block_world *w, uint64_t size)
{
	uint64_t bytes = size ? size : w->wanted_bytes;

	return bytes ? (bytes + MIB - 1) / MIB * MIB : DEFAULT_BYTES;
}

static int open_unnamed(const char *dir)
{
	char path[PATH_MAX];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd < 0 ? -errno : fd;
	if (snprintf(path, sizeof(path), "%s/uhbench-XXXXXX", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

static int fill(int fd, uint64_t bytes)
{
	_cleanup_free_ char *buf = malloc(MIB);
	int r = buf ? 0 : -ENOMEM;

	if (buf)
		memset(buf, 0xa5, MIB);
	for (uint64_t at = 0; r == 0 && at < bytes; at += MIB)
		r = fs_write_all(fd, buf, MIB);
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	return r;
}

int block_backing_open(struct run *run, const struct block_backing_config *c, uint64_t bytes)
{
	const char *dir = c->dir[0] ? c->dir : run->workdir;
	_cleanup_close_ int fd = open_unnamed(dir);
	int r;

	if (fd < 0)
		return err_sys(&run->err, fd, "backing file in %s", dir);
	r = ftruncate(fd, (off_t)bytes) < 0 ? -errno : 0;
	if (r == 0 && c->fill)
		r = fill(fd, bytes);
	if (r < 0)
		return err_sys(&run->err, r, "backing file of %llu bytes in %s",
			       (unsigned long long)bytes, dir);
	return take_fd(fd);
}

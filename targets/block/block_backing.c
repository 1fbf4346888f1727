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
#include "harness/util/nsec.h"
#include "targets/block/block_port.h"

#define MIB	      1048576ull
#define DEFAULT_BYTES (256 * MIB)
#define FILL_BYTES_S  50000000ull /* of a disk that has other work, too */

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

static uint64_t size_of(uint64_t size, uint64_t wanted_bytes)
{
	uint64_t bytes = size ? size : wanted_bytes;

	return bytes ? (bytes + MIB - 1) / MIB * MIB : DEFAULT_BYTES;
}

uint64_t block_size_bytes(const struct block_world *w, uint64_t size)
{
	return size_of(size, w->wanted_bytes);
}

uint64_t block_fill_ns(const struct cell *cell, uint64_t size)
{
	uint64_t bytes = size_of(size, block_knob(cell, "bytes"));

	return (uint64_t)((double)bytes / FILL_BYTES_S * NSEC_PER_SEC);
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

int block_backing_fill(int fd, uint64_t from, uint64_t bytes)
{
	_cleanup_free_ char *buf = malloc(MIB);
	int r = buf ? 0 : -ENOMEM;

	if (r == 0 && lseek(fd, (off_t)from, SEEK_SET) < 0)
		r = -errno;
	if (buf)
		memset(buf, 0xa5, MIB);
	for (uint64_t at = from; r == 0 && at < bytes; at += MIB)
		r = fs_write_all(fd, buf, min_of(MIB, bytes - at));
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
		r = block_backing_fill(fd, 0, bytes);
	if (r < 0)
		return err_sys(&run->err, r, "backing file of %llu bytes in %s",
			       (unsigned long long)bytes, dir);
	return take_fd(fd);
}

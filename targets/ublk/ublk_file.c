// SPDX-License-Identifier: MIT
/* The file of the file backend; see the header. */
#include "targets/ublk/ublk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/util/cleanup.h"

/* It grows to the size of the device, and stays as it is otherwise. */
static int open_named(const struct ublk_config *c, struct err *err)
{
	_cleanup_close_ int fd = open(c->file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return err_sys(err, -errno, "file: %s", c->file);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "file: %s is no regular file", c->file);
	if ((uint64_t)st.st_size < c->bytes && ftruncate(fd, (off_t)c->bytes))
		return err_sys(err, -errno, "file: growing %s to %llu bytes", c->file,
			       (unsigned long long)c->bytes);
	return take_fd(fd);
}

/* The same file once more, whether it has a name or not. */
static int reopen_direct(int fd, struct err *err)
{
	char path[32];
	int direct;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	return direct < 0 ? err_sys(err, -errno, "direct: opening the file with O_DIRECT") : direct;
}

int ublk_file_open(struct run *run, const struct ublk_config *c)
{
	_cleanup_close_ int fd = c->file[0] ? open_named(c, &run->err)
					    : block_backing_open(run, &c->backing, c->bytes);

	if (fd < 0)
		return fd;
	return c->direct ? reopen_direct(fd, &run->err) : take_fd(fd);
}

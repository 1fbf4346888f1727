// SPDX-License-Identifier: MIT
/* The file of the file backend; see the header. */
#include "targets/ublk/ublk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "harness/util/cleanup.h"

#define MARK_NAME "user.uhbench"
#define MARK	  "backing file"
/* With what other programs put there: no run may overwrite it. */
#define MARK_SERVED "served file"

static bool has_mark(int fd, const char *mark)
{
	char text[32];
	ssize_t n = fgetxattr(fd, MARK_NAME, text, sizeof(text));

	return n == (ssize_t)strlen(mark) && !memcmp(text, mark, (size_t)n);
}

/* One that was there before is written to only if that was meant: it is empty, an earlier run made
 * it and said so, or the cell says `destroy`. One that was served goes on being served. */
static int check_old(int fd, const struct ublk_config *c, bool serving, const struct stat *st,
		     struct err *err)
{
	bool served = has_mark(fd, MARK_SERVED);

	if (!S_ISREG(st->st_mode))
		return err_set(err, -EINVAL, "file: %s is no regular file", c->file);
	if (c->destroy || !st->st_size)
		return 0;
	if (has_mark(fd, MARK) || (serving && served))
		return 0;
	return err_set(err, -EEXIST,
		       "file: %s %s: its %lld bytes would be overwritten (name another, or set "
		       "`destroy`)",
		       c->file,
		       served ? "holds what other programs wrote while it was served"
			      : "was there before and is not empty",
		       (long long)st->st_size);
}

static int grow(int fd, const struct ublk_config *c, uint64_t from, struct err *err)
{
	int r = ftruncate(fd, (off_t)c->bytes) ? -errno : 0;

	if (!r && c->backing.fill)
		r = block_backing_fill(fd, from, c->bytes);
	return r ? err_sys(err, r, "file: growing %s to %llu bytes", c->file,
			   (unsigned long long)c->bytes)
		 : 0;
}

/* It grows to the size of the device, and stays as it is otherwise. */
static int open_named(const struct ublk_config *c, bool serving, struct err *err)
{
	const char *mark = serving ? MARK_SERVED : MARK;
	_cleanup_close_ int fd = open(c->file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool made = fd >= 0;
	struct stat st;
	int r;

	if (!made && errno == EEXIST)
		fd = open(c->file, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return err_sys(err, -errno, "file: %s", c->file);
	r = made ? 0 : check_old(fd, c, serving, &st, err);
	if (r)
		return r;
	/* A filesystem without attributes cannot say next time that the file is ours; then it is
	 * not taken for ours. */
	if (fsetxattr(fd, MARK_NAME, mark, strlen(mark), 0) && errno != EOPNOTSUPP)
		return err_sys(err, -errno, "file: marking %s", c->file);
	if ((uint64_t)st.st_size < c->bytes)
		r = grow(fd, c, (uint64_t)st.st_size, err);
	return r ? r : take_fd(fd);
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
	_cleanup_close_ int fd = c->file[0] ? open_named(c, run->serving, &run->err)
					    : block_backing_open(run, &c->backing, c->bytes);

	if (fd < 0)
		return fd;
	return c->direct ? reopen_direct(fd, &run->err) : take_fd(fd);
}

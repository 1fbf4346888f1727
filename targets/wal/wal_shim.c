// SPDX-License-Identifier: MIT
/*
 * Test only, for LD_PRELOAD: a libc that lies, so that the oracle can be seen to catch it. What it
 * does is named by environment variables:
 *
 *   WAL_SHIM_NO_FLUSH    fdatasync does nothing, pwritev2 forgets RWF_DSYNC
 *   WAL_SHIM_SCRIBBLE=N  when a log is opened read-only, as the replay does, 8 bytes at offset N
 *                        are overwritten first
 *   WAL_SHIM_BLANK=N     likewise, 4096 bytes of zeros
 *
 * Built with 64-bit offsets like the program, open and pwritev2 are the symbols open64 and
 * pwritev64v2 here as well as there.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

typedef int (*fdatasync_fn)(int);
typedef int (*open_fn)(const char *, int, ...);
typedef ssize_t (*pwritev2_fn)(int, const struct iovec *, int, off_t, int);

int fdatasync(int fd)
{
	fdatasync_fn real = (fdatasync_fn)dlsym(RTLD_NEXT, "fdatasync");

	return getenv("WAL_SHIM_NO_FLUSH") ? 0 : real(fd);
}

ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t at, int flags)
{
	pwritev2_fn real = (pwritev2_fn)dlsym(RTLD_NEXT, "pwritev64v2");

	return real(fd, iov, n, at, getenv("WAL_SHIM_NO_FLUSH") ? flags & ~RWF_DSYNC : flags);
}

static void spoil(open_fn real, const char *path, const char *offset, const void *data,
		  size_t bytes)
{
	int fd = real(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, data, bytes, (off_t)strtoll(offset, NULL, 0)) != (ssize_t)bytes ||
	    fsync(fd) < 0 || close(fd) < 0)
		abort();
}

int open(const char *path, int flags, ...)
{
	static const char zeros[4096];
	open_fn real = (open_fn)dlsym(RTLD_NEXT, "open64");
	const char *scribble = getenv("WAL_SHIM_SCRIBBLE"), *blank = getenv("WAL_SHIM_BLANK");
	va_list args;
	int mode = 0;

	va_start(args, flags);
	if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE)
		mode = va_arg(args, int);
	va_end(args);
	if ((flags & O_ACCMODE) == O_RDONLY && strstr(path, "/wal-0-")) {
		if (scribble)
			spoil(real, path, scribble, "scribble", 8);
		if (blank)
			spoil(real, path, blank, zeros, sizeof(zeros));
	}
	return real(path, flags, mode);
}

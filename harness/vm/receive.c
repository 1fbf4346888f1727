// SPDX-License-Identifier: MIT
/* Checks each path by its words, then writes as any program of the user would. */
#include "harness/vm/receive.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

/* Is it `asked`, perhaps with a slash at its end, or something below it without a way back up? */
static bool is_below(const char *path, const char *asked)
{
	size_t n = strlen(asked);

	while (n > 1 && asked[n - 1] == '/')
		n--;
	if (strncmp(path, asked, n) || (path[n] && path[n] != '/'))
		return false;
	for (const char *p = path + n; *p; p += strcspn(p, "/")) {
		p += strspn(p, "/");
		if (!strncmp(p, "..", 2) && (!p[2] || p[2] == '/'))
			return false;
	}
	return true;
}

static int check(const struct receive *r, const char *path, struct err *err)
{
	for (unsigned i = 0; r->back && r->back[i]; i++)
		if (is_below(path, r->back[i]))
			return 0;
	return err_set(err, -EPROTO, "the guest sent %s, which nobody asked for", path);
}

int receive_folder(struct receive *r, const char *path, struct err *err)
{
	int e = check(r, path, err);

	if (e)
		return e;
	e = fs_mkdir_p(path);
	return e ? err_sys(err, e, "%s", path) : 0;
}

int receive_file(struct receive *r, const char *path, uint32_t mode, struct err *err)
{
	char above[PATH_MAX], *slash;
	int e = check(r, path, err);

	if (e)
		return e;
	if (r->fd >= 0)
		return err_set(err, -EPROTO, "the guest sent %s in the middle of %s", path,
			       r->path);
	snprintf(above, sizeof(above), "%s", path);
	slash = strrchr(above, '/');
	if (slash && slash != above) {
		*slash = 0;
		e = fs_mkdir_p(above);
	}
	if (!e) {
		r->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			     mode & 0777);
		e = r->fd < 0 ? -errno : 0;
	}
	snprintf(r->path, sizeof(r->path), "%s", path);
	return e ? err_sys(err, e, "%s", path) : 0;
}

int receive_data(struct receive *r, const void *data, size_t len, struct err *err)
{
	int e = r->fd < 0 ? -EPROTO : fs_write_all(r->fd, data, len);

	return e ? err_sys(err, e, "%s", r->fd < 0 ? "data without a file" : r->path) : 0;
}

int receive_end(struct receive *r, struct err *err)
{
	int fd = take_fd(r->fd);

	if (fd < 0)
		return err_set(err, -EPROTO, "the end of a file that was not begun");
	r->files++;
	return close(fd) ? err_sys(err, -errno, "%s", r->path) : 0;
}

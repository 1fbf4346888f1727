// SPDX-License-Identifier: MIT
/* Takes the words of a path one by one; ".." takes the last one away again. */
#include "harness/vm/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"

static int append(char *inside, size_t size, const char *path)
{
	size_t len = strlen(inside);

	for (; *path; path += strcspn(path, "/")) {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (!n || (n == 1 && path[0] == '.'))
			continue;
		if (n == 2 && !strncmp(path, "..", 2)) {
			while (len && inside[--len] != '/')
				;
			inside[len] = 0;
			continue;
		}
		if (len + n + 2 > size)
			return -ENAMETOOLONG;
		len += (size_t)snprintf(inside + len, size - len, "/%.*s", (int)n, path);
	}
	return 0;
}

int path_inside(const char *path, char *inside, size_t size, struct err *err)
{
	_cleanup_free_ char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
	int r = 0;

	if (path[0] != '/' && !here)
		return err_sys(err, -errno, "this folder");
	inside[0] = 0;
	if (here)
		r = append(inside, size, here);
	if (!r)
		r = append(inside, size, path);
	if (r)
		return err_sys(err, r, "%s", path);
	if (!inside[0] || path_is_kernels(inside))
		return err_set(err, -EINVAL, "%s: not a place for files in a guest",
			       inside[0] ? inside : "/");
	return 0;
}

bool path_is_kernels(const char *absolute)
{
	static const char *const theirs[] = {"/dev", "/proc", "/sys"};

	for (size_t i = 0; i < array_size(theirs); i++) {
		size_t n = strlen(theirs[i]);

		if (!strncmp(absolute, theirs[i], n) && (!absolute[n] || absolute[n] == '/'))
			return true;
	}
	return false;
}

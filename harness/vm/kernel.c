// SPDX-License-Identifier: MIT
/*
 * An image by its path tells its release in its header, and the release leads to its modules. A
 * name leads to a folder of the cache, in which both lie as the package has them, beside their
 * sums.
 */
#include "harness/vm/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/vm/fetch.h"

/* Of the boot protocol: the magic, and where (less 0x200) the offset of a text with the version is.
 */
#define MAGIC_AT   0x202
#define VERSION_AT 0x20e
#define LEVELS	   4 /* from lib/modules/<release>/vmlinuz up to what lib is in */

int kernel_release(const char *image, char *release, size_t size, struct err *err)
{
	_cleanup_close_ int fd = open(image, O_RDONLY | O_CLOEXEC);
	unsigned char at[2];
	char magic[4];
	ssize_t n;

	if (fd < 0)
		return err_sys(err, -errno, "%s", image);
	if (pread(fd, magic, sizeof(magic), MAGIC_AT) != sizeof(magic) ||
	    memcmp(magic, "HdrS", sizeof(magic)) || pread(fd, at, sizeof(at), VERSION_AT) != 2)
		return err_set(err, -ENOEXEC,
			       "%s is not a kernel for x86 as boot loaders take it (a bzImage)",
			       image);
	n = pread(fd, release, size - 1, (at[0] | at[1] << 8) + 0x200);
	release[max_of(n, (ssize_t)0)] = 0;
	release[strcspn(release, " ")] = 0;
	if (!(at[0] | at[1]) || !*release)
		return err_set(err, -ENOEXEC, "%s: its header does not say which version it is",
			       image);
	return 0;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* Packages of today have them below usr/lib, those of yesterday below lib. */
static bool find_modules(const char *above, struct kernel *k)
{
	static const char *const below[] = {"lib/modules", "usr/lib/modules"};

	for (size_t i = 0; i < array_size(below); i++)
		if (snprintf(k->modules, sizeof(k->modules), "%s/%s/%s", above, below[i],
			     k->release) < (int)sizeof(k->modules) &&
		    is_folder(k->modules))
			return true;
	k->modules[0] = 0;
	return false;
}

static int by_path(const char *path, struct kernel *k, struct err *err)
{
	char folder[PATH_MAX];
	int r = kernel_release(path, k->release, sizeof(k->release), err);

	if (r)
		return r;
	if (!realpath(path, k->image))
		return err_sys(err, -errno, "%s", path);
	snprintf(folder, sizeof(folder), "%s", k->image);
	for (unsigned i = 0; i < LEVELS; i++) { /* the image's folder first */
		char *slash = strrchr(folder, '/');

		if (slash)
			*slash = 0;
		if (find_modules(folder, k))
			return 0;
	}
	find_modules("", k);
	return 0;
}

int kernel_cache(char *path, size_t size, struct err *err)
{
	const char *own = getenv("UHBENCH_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	int r;

	if (own && *own)
		snprintf(path, size, "%s", own);
	else if (xdg && *xdg == '/')
		snprintf(path, size, "%s/uhbench", xdg);
	else if (!geteuid())
		snprintf(path, size, "/var/cache/uhbench");
	else if (home && *home == '/')
		snprintf(path, size, "%s/.cache/uhbench", home);
	else
		return err_set(err, -ENOENT, "no folder for kernels: set UHBENCH_CACHE");
	r = fs_mkdir_p(path);
	return r ? err_sys(err, r, "%s", path) : 0;
}

/* The one image of a package: today in /boot, with newer packages beside its modules. */
static int image_in(const char *folder, struct kernel *k, struct err *err)
{
	static const char *const places[] = {"boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz",
					     "lib/modules/*/vmlinuz"};
	char pattern[PATH_MAX];
	glob_t found;

	k->image[0] = 0;
	for (size_t i = 0; i < array_size(places) && !k->image[0]; i++) {
		if (snprintf(pattern, sizeof(pattern), "%s/%s", folder, places[i]) >=
			    (int)sizeof(pattern) ||
		    glob(pattern, GLOB_ERR, NULL, &found))
			continue;
		if (snprintf(k->image, sizeof(k->image), "%s", found.gl_pathv[0]) >=
		    (int)sizeof(k->image))
			k->image[0] = 0;
		globfree(&found);
	}
	return k->image[0] ? 0 : err_set(err, -ENOENT, "%s has no vmlinuz", folder);
}

int kernel_find(const char *name, void (*say)(const char *text), struct kernel *ret,
		struct err *err)
{
	char folder[PATH_MAX];
	struct kernel k = {""};
	int r;

	if (strchr(name, '/')) {
		r = by_path(name, &k, err);
	} else {
		r = fetch_kernel(name, say, folder, sizeof(folder), err);
		if (!r)
			r = image_in(folder, &k, err);
		if (!r)
			r = kernel_release(k.image, k.release, sizeof(k.release), err);
		if (!r && !find_modules(folder, &k))
			r = err_set(err, -ENOENT, "%s has no modules of %s", folder, k.release);
	}
	if (!r)
		*ret = k;
	return r;
}

// SPDX-License-Identifier: MIT
/*
 * The cache:
 *
 *	names/<name>         a link that says which package a name stands for
 *	kernels/<package>/   what is in it, and SUMS of all that; comes by a rename, so it is whole
 *	apt/<suite>/         apt's lists for a suite
 *	lock                 held by whoever changes anything of this
 *
 * A name that was resolved once stays what it is, without a look at the network; removing the
 *folder makes it new.
 */
#include "harness/vm/fetch.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nearest.h"
#include "harness/vm/kernel.h"
#include "harness/vm/tool.h"

struct wanted {
	const char *name;
	char cache[PATH_MAX - 512];
	char suite[64];	  /* "": the configured one, and its backports */
	char version[64]; /* "": any */
	void (*say)(const char *text);
};

static void say(const struct wanted *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct wanted *w, const char *fmt, ...)
{
	char text[ERR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (w->say)
		w->say(text);
}

static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(".+~-", *text))
			return false;
	return true;
}

/* "6.12", "suite:trixie-backports", "suite:trixie-backports:6.19" */
static int parse(const char *name, struct wanted *w, struct err *err)
{
	const char *suite = strncmp(name, "suite:", 6) ? NULL : name + 6, *version = name;
	size_t n = suite ? strcspn(suite, ":") : 0;

	if (suite)
		version = suite[n] ? suite + n + 1 : "";
	snprintf(w->suite, sizeof(w->suite), "%.*s", (int)n, suite ? suite : "");
	snprintf(w->version, sizeof(w->version), "%s", version);
	w->name = name;
	if ((suite && !isalpha((unsigned char)w->suite[0])) || !is_plain(w->suite) ||
	    !is_plain(w->version) || strlen(name) > 120 ||
	    (*version ? !isdigit((unsigned char)*version) : !suite))
		return err_set(
			err, -EINVAL,
			"kernel \"%s\": neither a version (6.12), nor suite:NAME[:VERSION], nor "
			"a path (with a slash in it)",
			name);
	return 0;
}

/* The package that a name stands for, when its folder is there and whole. */
static int look_up(const struct wanted *w, char *folder, size_t size)
{
	char link[PATH_MAX], package[FETCH_PACKAGE_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "%s/names/%s", w->cache, w->name);
	n = readlink(link, package, sizeof(package) - 1);
	if (n < 0)
		return -errno;
	package[n] = 0;
	if (snprintf(folder, size, "%s/kernels/%s", w->cache, package) >= (int)size)
		return -ENAMETOOLONG;
	if (access(folder, F_OK))
		return -errno;
	if (tool_run((const char *[]){"env", "-C", folder, "sha256sum", "--check", "--quiet",
				      "--strict", "SUMS", NULL},
		     -1, NULL, NULL, NULL))
		return -EIO;
	return 0;
}

static int unknown(const struct wanted *w, const char *where, const char *versions, struct err *err)
{
	_cleanup_free_ char *words = strdup(versions ? versions : "");
	struct nearest n = nearest_to(w->version);
	char hint[NEAREST_HINT_MAX], *rest;

	for (char *v = words ? strtok_r(words, " ", &rest) : NULL; v;
	     v = strtok_r(NULL, " ", &rest))
		nearest_offer(&n, v);
	return err_set(err, -ENOENT, "no cloud kernel \"%s\" in %s, which has:%s%s", w->version,
		       where, versions ? versions : " none", nearest_hint(&n, hint));
}

/* The package, and the apt that has it. */
static int resolve(const struct wanted *w, const struct fetch_archive *archive,
		   struct fetch_apt *apt, char package[static FETCH_PACKAGE_MAX], struct err *err)
{
	_cleanup_free_ char *versions = NULL;
	char backports[80], where[200];
	const char *suites[] = {*w->suite ? w->suite : archive->suite,
				*w->suite ? NULL : backports};
	int r = -ENOENT;

	snprintf(backports, sizeof(backports), "%s-backports", archive->suite);
	for (size_t i = 0; i < array_size(suites) && suites[i] && r == -ENOENT; i++) {
		say(w, "kernel %s: reading the lists of Debian's suite %s", w->name, suites[i]);
		r = fetch_apt_open(apt, w->cache, archive, suites[i], err);
		if (r)
			return r;
		r = fetch_apt_newest(apt, w->version, package, &versions, err);
	}
	snprintf(where, sizeof(where), "%s%s%s", suites[0], suites[1] ? " and " : "",
		 suites[1] ? suites[1] : "");
	return r == -ENOENT ? unknown(w, where, versions, err) : r;
}

/* Unpacks beside the place and renames, then lets the name point to it. */
static int install(const struct wanted *w, const struct fetch_apt *apt, const char *package,
		   struct err *err)
{
	char folder[PATH_MAX], fresh[PATH_MAX], link[PATH_MAX], fresh_link[PATH_MAX];
	int r;

	snprintf(folder, sizeof(folder), "%s/kernels/%s", w->cache, package);
	snprintf(fresh, sizeof(fresh), "%s/kernels/.fresh", w->cache);
	snprintf(link, sizeof(link), "%s/names/%s", w->cache, w->name);
	snprintf(fresh_link, sizeof(fresh_link), "%s/names/.fresh", w->cache);
	say(w, "kernel %s: fetching %s", w->name, package);
	r = fs_remove_tree(fresh);
	if (!r)
		r = fs_mkdir_p(fresh);
	if (r)
		return err_sys(err, r, "%s", fresh);
	r = fetch_apt_unpack(apt, package, fresh, err);
	if (r)
		return r;
	r = fs_remove_tree(folder);
	if (!r && rename(fresh, folder))
		r = -errno;
	if (!r && unlink(fresh_link) && errno != ENOENT)
		r = -errno;
	if (!r && (symlink(package, fresh_link) || rename(fresh_link, link)))
		r = -errno;
	return r ? err_sys(err, r, "%s", folder) : 0;
}

static int lock(const struct wanted *w, int *ret_fd, struct err *err)
{
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;
	int r;

	snprintf(path, sizeof(path), "%s/names", w->cache);
	r = fs_mkdir_p(path);
	if (r)
		return err_sys(err, r, "%s", path);
	snprintf(path, sizeof(path), "%s/lock", w->cache);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		say(w, "kernel %s: waiting for another uhbench that fetches one", w->name);
	while (fd >= 0 && flock(fd, LOCK_EX))
		if (errno != EINTR)
			return err_sys(err, -errno, "%s", path);
	if (fd < 0)
		return err_sys(err, -errno, "%s", path);
	*ret_fd = take_fd(fd);
	return 0;
}

int fetch_kernel(const char *name, void (*tell)(const char *text), char *folder, size_t size,
		 struct err *err)
{
	_cleanup_(fetch_archive_free) struct fetch_archive archive = {.signed_by = NULL};
	struct wanted w = {.say = tell};
	char package[FETCH_PACKAGE_MAX];
	_cleanup_close_ int locked = -1;
	struct fetch_apt apt;
	int r = parse(name, &w, err);

	if (!r)
		r = kernel_cache(w.cache, sizeof(w.cache), err);
	if (r)
		return r;
	if (!look_up(&w, folder, size))
		return 0;
	r = lock(&w, &locked, err);
	if (r)
		return r;
	r = look_up(&w, folder, size); /* perhaps another one was faster */
	if (!r)
		return 0;
	if (r == -EIO)
		say(&w, "kernel %s: its folder in the cache is damaged, and is made anew", name);
	r = fetch_archive(&archive, err);
	if (!r)
		r = resolve(&w, &archive, &apt, package, err);
	if (!r)
		r = install(&w, &apt, package, err);
	if (r)
		return r;
	r = look_up(&w, folder, size);
	return r == -EIO ? err_set(err, r, "package %s: its sums do not hold", package) : r;
}

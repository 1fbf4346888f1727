// SPDX-License-Identifier: MIT
/*
 * A work folder is removed only if it carries our marker file, whatever a journal says. Cgroups
 * need no journal: their names carry the pid of the session, and a group whose session is dead is
 * killed and removed.
 */
#include "harness/session/leftover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/util/cgroup.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"

#define MARKER ".uhbench-work"

struct leftover {
	int fd;
	char journal[PATH_MAX], workdir[PATH_MAX];
};

/* Makes the folder unless it is there, and looks whether only this user may write to it. */
static int usable_dir(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	if (lstat(path, &st))
		return -errno;
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 0022) ? 0 : -EPERM;
}

static int journal_dir(char *path, struct err *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int r;

	if (geteuid() && runtime && *runtime == '/') {
		/* After su(1) the variable may name another user's folder. */
		snprintf(path, PATH_MAX, "%s/uhbench", runtime);
		if (!usable_dir(path))
			return 0;
	}
	if (geteuid())
		snprintf(path, PATH_MAX, "/tmp/uhbench-%u", geteuid());
	else
		snprintf(path, PATH_MAX, "/run/uhbench");
	r = usable_dir(path);
	if (r == -EPERM)
		return err_set(err, r, "%s is not a folder that only this user may write", path);
	return r ? err_sys(err, r, "%s", path) : 0;
}

static int has_marker(const char *workdir)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/" MARKER, workdir) < (int)sizeof(path) &&
	       !access(path, F_OK);
}

/* One journal: undone and removed if nobody holds its lock. */
static int sweep_journal(const char *path, unsigned *count)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? 0 : -errno;
	r = fs_read_all(fd, PATH_MAX, &text, NULL);
	if (r)
		return r;
	text[strcspn(text, "\n")] = 0;
	if (has_marker(text)) {
		r = fs_remove_tree(text);
		if (r)
			return r;
		(*count)++;
	} else {
		rmdir(text); /* killed before it had its marker: empty, if it is there at all */
	}
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

static int sweep_journals(unsigned *count, struct err *err)
{
	char dir[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent *e;
	DIR *d;
	int r = journal_dir(dir, err);

	if (r)
		return r;
	d = opendir(dir);
	if (!d)
		return err_sys(err, -errno, "%s", dir);
	while ((e = readdir(d))) {
		int one;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		one = sweep_journal(path, count);
		if (one)
			r = err_sys(err, one, "what a dead session left (%s)", path);
	}
	closedir(d);
	return r;
}

int leftover_sweep(unsigned *ret_count, struct err *err)
{
	unsigned count = 0;
	int r = sweep_journals(&count, err);

	if (!r)
		r = cgroup_sweep("uhbench-", &count, err);
	if (ret_count)
		*ret_count = count;
	return r;
}

/* A name that nobody has: what a user keeps in the results folder is never taken for ours. */
static int name_workdir(const char *dir, char *path)
{
	char real[PATH_MAX];

	if (!realpath(dir, real))
		return -errno;
	/* The rest is room for what runs make below it. */
	if (snprintf(path, PATH_MAX - 64, "%s/.work-%d-%llx", real, getpid(),
		     (unsigned long long)nsec_now()) >= PATH_MAX - 64)
		return -ENAMETOOLONG;
	return 0;
}

static int make_workdir(const char *path)
{
	char marker[PATH_MAX];
	int fd;

	if (mkdir(path, 0755))
		return -errno;
	snprintf(marker, sizeof(marker), "%.4000s/" MARKER, path);
	fd = open(marker, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int open_journal(struct leftover *l)
{
	l->fd = open(l->journal, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (l->fd < 0)
		return -errno;
	return flock(l->fd, LOCK_EX | LOCK_NB) ? -errno : 0;
}

int leftover_begin(const char *dir, struct leftover **ret, struct err *err)
{
	struct leftover *l = calloc(1, sizeof(*l));
	size_t len;
	int r;

	if (!l)
		return err_sys(err, -ENOMEM, "journal");
	l->fd = -1;
	r = journal_dir(l->journal, err);
	if (!r) {
		len = strlen(l->journal);
		snprintf(l->journal + len, sizeof(l->journal) - len, "/%d", getpid());
		r = open_journal(l);
		if (!r)
			r = name_workdir(dir, l->workdir);
		if (!r)
			r = fs_write_all(l->fd, l->workdir, strlen(l->workdir));
		if (!r)
			r = make_workdir(l->workdir);
		if (r)
			err_sys(err, r, "work folder in %s", dir);
	}
	if (r) {
		leftover_end(l);
		return r;
	}
	*ret = l;
	return 0;
}

const char *leftover_workdir(const struct leftover *l)
{
	return l->workdir;
}

void leftover_end(struct leftover *l)
{
	if (!l)
		return;
	if (l->fd >= 0 && (!has_marker(l->workdir) || !fs_remove_tree(l->workdir)))
		unlink(l->journal);
	cleanup_close(&l->fd);
	free(l);
}

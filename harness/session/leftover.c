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

#define MARKER ".uhbench-work"

struct leftover {
	int fd;
	char journal[PATH_MAX], workdir[PATH_MAX];
};

static int journal_dir(char *path, struct err *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	if (!geteuid())
		snprintf(path, PATH_MAX, "/run/uhbench");
	else if (runtime && *runtime == '/')
		snprintf(path, PATH_MAX, "%s/uhbench", runtime);
	else
		snprintf(path, PATH_MAX, "/tmp/uhbench-%u", geteuid());
	if (mkdir(path, 0700) && errno != EEXIST)
		return err_sys(err, -errno, "%s", path);
	if (lstat(path, &st))
		return err_sys(err, -errno, "%s", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 0022))
		return err_set(err, -EPERM, "%s is not a folder that only this user may write",
			       path);
	return 0;
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

static int make_workdir(const char *workdir)
{
	char path[PATH_MAX];
	int r = fs_mkdir_p(workdir), fd;

	if (r)
		return r;
	if (snprintf(path, sizeof(path), "%s/" MARKER, workdir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int write_journal(struct leftover *l)
{
	l->fd = open(l->journal, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (l->fd < 0)
		return -errno;
	if (flock(l->fd, LOCK_EX | LOCK_NB))
		return -errno;
	return fs_write_all(l->fd, l->workdir, strlen(l->workdir));
}

int leftover_begin(const char *workdir, struct leftover **ret, struct err *err)
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
		snprintf(l->workdir, sizeof(l->workdir), "%s", workdir);
		r = write_journal(l);
		if (r)
			err_sys(err, r, "%s", l->journal);
	}
	if (!r) {
		r = make_workdir(workdir);
		if (r)
			err_sys(err, r, "work folder %s", workdir);
	}
	if (r) {
		leftover_end(l);
		return r;
	}
	*ret = l;
	return 0;
}

void leftover_end(struct leftover *l)
{
	if (!l)
		return;
	if (l->fd >= 0) {
		if (has_marker(l->workdir))
			fs_remove_tree(l->workdir);
		unlink(l->journal);
	}
	cleanup_close(&l->fd);
	free(l);
}

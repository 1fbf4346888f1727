// SPDX-License-Identifier: MIT
/*
 * Filling a log with zeros costs more than most runs, so a session keeps its zero-filled files and
 * recycles them, as databases do with WAL segments; what is left in them of earlier runs bears
 * another nonce. A file gets its name only when it is whole on disk: a killed run leaves none that
 * looks finished.
 */
#include "workloads/wal_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "harness/util/cleanup.h"

#define BLOCK 4096ull
/*
 * A page at a time: the page cache keeps a file in folios as large as the writes that filled it
 * (ext4 since Linux 6.16), and producers that append side by side would wait for each other's flush
 * of the folio that they share. Eight of them make 14 k commits per second after filling by 1 MiB,
 * 33 k after filling by pages; fio on such files 20 k and 36 k.
 */
#define FILL_BYTES 4096u

struct request {
	struct err *err;
	const char *dir;
	enum wal_preallocate how;
	const char *stay; /* part of the name of a file that outlives the run; else NULL */
	uint64_t bytes;	  /* whole blocks, so that the last record can be read by O_DIRECT */
	uint32_t partition;
	bool keep;    /* under a name, for later runs */
	bool foreign; /* in a folder of the user's: no name at all */
};

static int fill_zero(int fd, const struct request *q)
{
	_cleanup_free_ char *zeros = calloc(1, FILL_BYTES);

	if (!zeros)
		return -ENOMEM;
	for (uint64_t at = 0; at < q->bytes;) {
		ssize_t n =
			pwrite(fd, zeros, min_of(q->bytes - at, (uint64_t)FILL_BYTES), (off_t)at);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n < 0 ? 0 : (uint64_t)n;
	}
	return 0;
}

static int prepare(int fd, const struct request *q)
{
	int r = 0;

	if (q->how == WAL_PREALLOCATE_ZERO)
		r = fill_zero(fd, q);
	else if (q->how == WAL_PREALLOCATE_FALLOCATE && fallocate(fd, 0, 0, (off_t)q->bytes) < 0)
		r = -errno;
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r;
}

static int sync_dir(const char *dir)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Better now than after minutes of filling, and without filling up what others need. */
static int check_room(int fd, const struct request *q)
{
	struct statvfs fs;
	uint64_t free_bytes;

	if (q->how == WAL_PREALLOCATE_NONE)
		return 0;
	if (fstatvfs(fd, &fs) < 0)
		return err_sys(q->err, -errno, "%s", q->dir);
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (free_bytes >= q->bytes)
		return 0;
	return err_set(q->err, -ENOSPC, "%s: a log of %llu bytes, and %llu are free: No space left",
		       q->dir, (unsigned long long)q->bytes, (unsigned long long)free_bytes);
}

/* In a user's folder a log has no name, not even while it is being filled: nothing can stay there.
 */
static int open_nameless(const struct request *q, const char *fresh)
{
	int fd = open(q->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd < 0 ? -errno : fd;
	/* A filesystem without O_TMPFILE: a name for an instant, and nobody else's. */
	fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		unlink(fresh);
	return fd < 0 ? -errno : fd;
}

static int open_fresh(const struct request *q, const char *fresh)
{
	int fd;

	if (q->foreign)
		return open_nameless(q, fresh);
	fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

/* A fresh, prepared file, of the name `name` unless it is foreign. */
static int create(const struct request *q, const char *name)
{
	_cleanup_free_ char *fresh = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (asprintf(&fresh, "%s.new", name) < 0)
		return err_sys(q->err, -ENOMEM, "%s", name);
	fd = open_fresh(q, fresh);
	if (fd < 0)
		return err_sys(q->err, fd, "%s", fresh);
	r = check_room(fd, q);
	if (r < 0) {
		if (!q->foreign)
			unlink(fresh);
		return r;
	}
	r = prepare(fd, q);
	if (r == 0 && !q->foreign && rename(fresh, name) < 0)
		r = -errno;
	if (r == 0)
		r = sync_dir(q->dir);
	if (r < 0) {
		if (!q->foreign)
			unlink(fresh);
		return err_sys(q->err, r, "%s: %llu bytes", fresh, (unsigned long long)q->bytes);
	}
	return take_fd(fd);
}

static int open_kept(const struct request *q, const char *name)
{
	_cleanup_close_ int fd = open(name, O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size != q->bytes)
		return -EBADMSG;
	return take_fd(fd);
}

/* What to open it by: the name, or for a file without one what proc says of our descriptor. */
static char *path_of(const struct request *q, const char *name, int fd)
{
	char *path = NULL;

	if (!q->foreign)
		return strdup(name);
	return asprintf(&path, "/proc/self/fd/%d", fd) < 0 ? NULL : path;
}

static char *name_of(const struct request *q)
{
	char *name = NULL;
	int n;

	if (q->stay)
		n = asprintf(&name, "%s/wal-%u-%s.uhbench", q->dir, q->partition, q->stay);
	else
		n = asprintf(&name, "%s/wal-%u-%llu%s", q->dir, q->partition,
			     (unsigned long long)q->bytes, q->foreign ? ".uhbench" : "");
	return n < 0 ? NULL : name;
}

static int open_one(const struct request *q, struct wal_files *files)
{
	_cleanup_free_ char *name = NULL, *path = NULL;
	_cleanup_close_ int fd = -1;

	name = name_of(q);
	if (!name)
		return err_sys(q->err, -ENOMEM, "%s", q->dir);
	if (q->keep)
		fd = open_kept(q, name);
	if (fd >= 0)
		files->reused++;
	else
		fd = create(q, name);
	if (fd < 0)
		return fd;
	path = path_of(q, name, fd);
	if (!path)
		return err_sys(q->err, -ENOMEM, "%s", name);
	files->partition[files->n].path = take_ptr(path);
	files->partition[files->n].label = take_ptr(name);
	files->fds[files->n++] = take_fd(fd);
	return 0;
}

const char *wal_files_dir(const struct run *run, const char *dir, enum wal_preallocate how)
{
	if (*dir)
		return dir;
	return how == WAL_PREALLOCATE_ZERO ? run->sessiondir : run->workdir;
}

int wal_files_open(struct run *run, const char *dir, enum wal_preallocate how, uint64_t log_bytes,
		   uint32_t n, const char *stay, struct wal_files *ret)
{
	struct request q = {.err = &run->err, .how = how, .foreign = *dir && !stay, .stay = stay};
	_cleanup_(wal_files_close) struct wal_files files = {0};

	q.bytes = (log_bytes + BLOCK - 1) / BLOCK * BLOCK;
	q.keep = how == WAL_PREALLOCATE_ZERO && !*dir;
	q.dir = wal_files_dir(run, dir, how);
	files.partition = calloc(n, sizeof(*files.partition));
	files.fds = calloc(n, sizeof(*files.fds));
	if (!files.partition || !files.fds)
		return err_sys(&run->err, -ENOMEM, "log files");
	for (q.partition = 0; q.partition < n; q.partition++) {
		int r = open_one(&q, &files);

		if (r < 0)
			return r;
	}
	*ret = files;
	files = (struct wal_files){0};
	return 0;
}

void wal_files_close(struct wal_files *files)
{
	for (uint32_t i = 0; i < files->n; i++) {
		free((char *)files->partition[i].path);
		free((char *)files->partition[i].label);
		close(files->fds[i]);
	}
	free(files->partition);
	free(files->fds);
	*files = (struct wal_files){0};
}

// SPDX-License-Identifier: MIT
/*
 * Append with fsync. The length of the last good line is kept: after a failed write the file is cut
 * back to it, so a full disk costs the record in hand and no other.
 */
#include "harness/session/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/jsonl.h"

#define RUNS_FILE     "runs.jsonl"
#define MANIFEST_FILE "manifest.json"

struct store {
	char dir[PATH_MAX];
	int fd;
	off_t good; /* bytes that are whole lines */
};

static int path_in(const char *dir, const char *name, char *path, struct err *err)
{
	if (snprintf(path, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		return err_sys(err, -ENAMETOOLONG, "%s", dir);
	return 0;
}

/* Length of the file up to its last newline. */
static int whole_lines(int fd, off_t *ret)
{
	char buf[65536];
	off_t size = lseek(fd, 0, SEEK_END);

	if (size < 0)
		return -errno;
	while (size > 0) {
		off_t from = size > (off_t)sizeof(buf) ? size - (off_t)sizeof(buf) : 0;
		ssize_t n = pread(fd, buf, (size_t)(size - from), from);
		char *newline;

		if (n != size - from)
			return n < 0 ? -errno : -EIO;
		newline = memrchr(buf, '\n', (size_t)n);
		if (newline) {
			*ret = from + (newline - buf) + 1;
			return 0;
		}
		size = from;
	}
	*ret = 0;
	return 0;
}

static int refuse_session(const char *dir, struct err *err)
{
	return err_set(err, -EEXIST,
		       "%s holds a session already: continue it with --resume, or choose another "
		       "folder",
		       dir);
}

int store_refuse_existing(const char *dir, struct err *err)
{
	static const char *const names[] = {MANIFEST_FILE, RUNS_FILE};
	char path[PATH_MAX];

	for (unsigned i = 0; i < array_size(names); i++) {
		int r = path_in(dir, names[i], path, err);

		if (r)
			return r;
		if (!access(path, F_OK))
			return refuse_session(dir, err);
	}
	return 0;
}

/* The manifest is there before the first record, so a session that died between has no records. */
static int open_runs(struct store *s, struct err *err)
{
	char path[PATH_MAX];
	int r = path_in(s->dir, RUNS_FILE, path, err);

	if (r)
		return r;
	s->fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_CREAT, 0644);
	if (s->fd < 0)
		return err_sys(err, -errno, "%s", path);
	if (flock(s->fd, LOCK_EX | LOCK_NB))
		return err_set(err, -EBUSY, "another session is writing to %s", path);
	r = whole_lines(s->fd, &s->good);
	if (!r && ftruncate(s->fd, s->good))
		r = -errno;
	return r ? err_sys(err, r, "%s", path) : 0;
}

static int write_manifest(const char *dir, const cJSON *manifest, struct err *err)
{
	_cleanup_free_ char *text = cJSON_Print(manifest);
	char path[PATH_MAX];
	int r = path_in(dir, MANIFEST_FILE, path, err);

	if (r)
		return r;
	if (!text)
		return err_sys(err, -ENOMEM, "%s", path);
	r = fs_replace(path, text, strlen(text));
	return r ? err_sys(err, r, "%s", path) : 0;
}

static int open_store(struct store *s, const cJSON *manifest, struct err *err)
{
	int r = 0;

	if (manifest) {
		r = store_refuse_existing(s->dir, err);
		if (!r)
			r = write_manifest(s->dir, manifest, err);
	}
	return r ? r : open_runs(s, err);
}

int store_prepare(const char *dir, struct err *err)
{
	int r = fs_mkdir_p(dir);

	return r ? err_sys(err, r, "results folder %s", dir) : store_refuse_existing(dir, err);
}

int store_open(const char *dir, const cJSON *manifest, struct store **ret, struct err *err)
{
	struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_sys(err, -ENOMEM, "%s", dir);
	s->fd = -1;
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	r = open_store(s, manifest, err);
	if (r) {
		store_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

int store_append(struct store *s, const cJSON *record, struct err *err)
{
	size_t len = 0;
	int r = jsonl_append(s->fd, record, &len);

	if (r) {
		if (ftruncate(s->fd, s->good))
			return err_sys(err, r, "%s/%s cannot be written, nor cut back", s->dir,
				       RUNS_FILE);
		return err_sys(err, r, "%s/%s: the record is lost, earlier ones are whole", s->dir,
			       RUNS_FILE);
	}
	s->good += (off_t)len;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	cleanup_close(&s->fd);
	free(s);
}

int store_manifest(const char *dir, cJSON **ret, struct err *err)
{
	char path[PATH_MAX];
	int r = path_in(dir, MANIFEST_FILE, path, err);

	if (r)
		return r;
	r = jsonl_document(path, RECORD_SCHEMA, ret, err);
	if (r == -ENOENT || r == -ENOTDIR)
		return err_set(err, -ENOENT, "%s is not a results folder: it has no %s", dir,
			       MANIFEST_FILE);
	return r;
}

struct reader {
	store_fn fn;
	void *arg;
};

static int take_record(void *arg, cJSON *rec, const char *place, struct err *err)
{
	const struct reader *reader = arg;

	if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(rec, "cell")) ||
	    !cJSON_IsString(cJSON_GetObjectItemCaseSensitive(rec, "status")) ||
	    !cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(rec, "repeat")))
		return err_set(err, -EBADMSG, "%s: a record without cell, status or repeat", place);
	return reader->fn(reader->arg, rec);
}

int store_each(const char *dir, store_fn fn, void *arg, unsigned *torn, struct err *err)
{
	struct reader reader = {fn, arg};
	char path[PATH_MAX];
	int r = path_in(dir, RUNS_FILE, path, err);

	return r ? r : jsonl_each(path, RECORD_SCHEMA, take_record, &reader, torn, err);
}

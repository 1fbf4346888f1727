// SPDX-License-Identifier: MIT
/*
 * Appends like the store does: one write, one fsync. A last line that was torn by a crash is cut
 * off before the next one is added, and not read.
 */
#include "harness/session/yardlog.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/host/yardstick.h"
#include "harness/session/record.h"
#include "harness/session/store.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/jsonl.h"
#include "harness/util/order.h"

#define FILE_NAME "yardsticks.jsonl"
#define LINES_MAX 1000 /* that are read: the first one, and the last ones */
#define BYTES_MAX ((size_t)4 << 20)

static int path_of(const char *dir, char path[static PATH_MAX], struct err *err)
{
	if (snprintf(path, PATH_MAX, "%s/" FILE_NAME, dir) >= PATH_MAX)
		return err_sys(err, -ENAMETOOLONG, "%s", dir);
	return 0;
}

static cJSON *make_line(const char *workdir, enum yardlog_at at)
{
	cJSON *line = cJSON_CreateObject();
	struct timespec now;
	char text[40];

	clock_gettime(CLOCK_REALTIME, &now);
	record_time(&now, text, sizeof(text));
	cJSON_AddNumberToObject(line, "schema", RECORD_SCHEMA);
	cJSON_AddStringToObject(line, "at", at == YARDLOG_BEGIN ? "begin" : "end");
	cJSON_AddStringToObject(line, "time", text);
	cJSON_AddItemToObject(line, "yardsticks", yardstick_measure(workdir));
	return line;
}

/* Goes to the end of the last whole line, and cuts off what is behind it. */
static int cut_torn(int fd)
{
	_cleanup_free_ char *text = NULL;
	const char *newline;
	size_t len;
	off_t good;
	int r = fs_read_all(fd, BYTES_MAX, &text, &len);

	if (r)
		return r;
	newline = memrchr(text, '\n', len);
	good = newline ? newline - text + 1 : 0;
	return ftruncate(fd, good) || lseek(fd, good, SEEK_SET) < 0 ? -errno : 0;
}

int yardlog_add(const char *dir, const char *workdir, enum yardlog_at at, struct err *err)
{
	_cleanup_json_ cJSON *line = make_line(workdir, at);
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int r = path_of(dir, path, err);

	if (r)
		return r;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(err, -errno, "%s", path);
	r = cut_torn(fd);
	if (!r)
		r = jsonl_append(fd, line, NULL);
	return r ? err_sys(err, r, "%s", path) : 0;
}

struct lines {
	cJSON *items[LINES_MAX];
	unsigned n;
};

static void lines_free(struct lines *l)
{
	for (unsigned i = 0; i < l->n; i++)
		cJSON_Delete(l->items[i]);
}

/* However often a session was resumed, its first line says where the drift began. */
static void drop_second(struct lines *l)
{
	cJSON_Delete(l->items[1]);
	l->n--;
	memmove(l->items + 1, l->items + 2, (l->n - 1) * sizeof(*l->items));
}

static int add_line(void *arg, cJSON *line, const char *place, struct err *err)
{
	struct lines *l = arg;

	if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(line, "yardsticks")))
		return err_set(err, -EBADMSG, "%s: no yardsticks", place);
	if (l->n == LINES_MAX)
		drop_second(l);
	l->items[l->n++] = cJSON_Duplicate(line, 1);
	return 0;
}

/* Has every line measured this yardstick, in this version? Then *values are what they say. */
static bool values_of(const struct lines *l, const char *name, double version, double *values)
{
	for (unsigned i = 0; i < l->n; i++) {
		const cJSON *all = cJSON_GetObjectItemCaseSensitive(l->items[i], "yardsticks");
		const cJSON *one = cJSON_GetObjectItemCaseSensitive(all, name);
		const cJSON *ns = cJSON_GetObjectItemCaseSensitive(one, "ns");
		const cJSON *of = cJSON_GetObjectItemCaseSensitive(one, "version");

		if (!cJSON_IsNumber(ns) || ns->valuedouble <= 0 || !cJSON_IsNumber(of) ||
		    of->valuedouble != version)
			return false;
		values[i] = ns->valuedouble;
	}
	return l->n > 0;
}

static cJSON *summarise(const struct lines *l)
{
	const cJSON *first = cJSON_GetObjectItemCaseSensitive(l->items[0], "yardsticks"), *one;
	cJSON *all = cJSON_CreateObject();
	double values[LINES_MAX];

	cJSON_ArrayForEach (one, first) {
		const cJSON *version = cJSON_GetObjectItemCaseSensitive(one, "version");
		double drift;
		cJSON *to;

		if (!cJSON_IsNumber(version) ||
		    !values_of(l, one->string, version->valuedouble, values))
			continue;
		drift = values[l->n - 1] / values[0] - 1;
		order_sort(values, l->n);
		to = cJSON_AddObjectToObject(all, one->string);
		cJSON_AddNumberToObject(to, "version", version->valuedouble);
		cJSON_AddNumberToObject(to, "ns", order_median(values, l->n));
		cJSON_AddNumberToObject(to, "drift", drift);
	}
	return all;
}

int yardlog_read(const char *dir, cJSON **ret, struct err *err)
{
	_cleanup_(lines_free) struct lines l = {.n = 0};
	char path[PATH_MAX];
	int r = path_of(dir, path, err);

	if (!r)
		r = jsonl_each(path, RECORD_SCHEMA, add_line, &l, NULL, err);
	if (!r || r == -ENOENT)
		*ret = l.n ? summarise(&l) : cJSON_CreateObject();
	return r == -ENOENT ? 0 : r;
}

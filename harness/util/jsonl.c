// SPDX-License-Identifier: MIT
/*
 * Reading what was written one object at a time. cJSON does not say where a text goes wrong: where
 * it gives up on a document, json_check looks once more and finds the line and the column. A line
 * is short enough to be looked through by eye.
 */
#include "harness/util/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/json.h"

struct fault {
	const char *text, *path;
	size_t len;
	struct err *err;
};

/* The last fault is the one of syntax, at which the check stops. */
static void name_fault(void *arg, size_t offset, const char *path, const char *text)
{
	const struct fault *f = arg;
	struct json_place place = json_place_of(f->text, f->len, offset);

	(void)path;
	err_set(f->err, 0, "%s:%u:%u: not JSON: %s", f->path, place.line, place.column, text);
}

static int check_schema(const cJSON *o, int schema, const char *place, struct err *err)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, "schema");

	if (!cJSON_IsNumber(item))
		return err_set(err, -EBADMSG, "%s: not a record: it has no schema", place);
	if (item->valuedouble > schema)
		return err_set(err, -EBADMSG,
			       "%s: schema %g, this build reads %d: a newer uhbench wrote it",
			       place, item->valuedouble, schema);
	if (item->valuedouble != schema)
		return err_set(err, -EBADMSG, "%s: schema %g, this build reads %d", place,
			       item->valuedouble, schema);
	return 0;
}

int jsonl_document(const char *path, int schema, cJSON **ret, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ cJSON *o = NULL;
	size_t len;
	int r = fd < 0 ? -errno : fs_read_all(fd, JSONL_DOCUMENT_MAX, &text, &len);

	if (r)
		return err_sys(err, r, "%s", path);
	o = cJSON_ParseWithOpts(text, NULL, 1);
	if (!o) {
		err_set(err, 0, "%s: not JSON", path);
		json_check(text, len, name_fault, &(struct fault){text, path, len, err});
		return -EBADMSG;
	}
	r = check_schema(o, schema, path, err);
	if (!r)
		*ret = take_ptr(o);
	return r;
}

static int take_line(const char *line, int schema, const char *place, jsonl_fn fn, void *arg,
		     struct err *err)
{
	_cleanup_json_ cJSON *o = cJSON_Parse(line);
	int r = o ? check_schema(o, schema, place, err)
		  : err_set(err, -EBADMSG, "%s: not JSON", place);

	return r ? r : fn(arg, o, place, err);
}

int jsonl_each(const char *path, int schema, jsonl_fn fn, void *arg, unsigned *torn,
	       struct err *err)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	char place[PATH_MAX + 16];
	unsigned number = 0;
	size_t size = 0;
	ssize_t len;
	int r = f ? 0 : err_sys(err, -errno, "%s", path);

	if (torn)
		*torn = 0;
	while (!r && (len = getline(&line, &size, f)) > 0) {
		if (line[len - 1] != '\n') {
			if (torn)
				*torn = 1;
			break;
		}
		snprintf(place, sizeof(place), "%s:%u", path, ++number);
		r = take_line(line, schema, place, fn, arg, err);
	}
	if (!r && ferror(f))
		r = err_sys(err, -EIO, "%s", path);
	return r;
}

int jsonl_append(int fd, const cJSON *object, size_t *ret_len)
{
	_cleanup_free_ char *text = cJSON_PrintUnformatted(object);
	size_t len;
	int r;

	if (!text)
		return -ENOMEM;
	len = strlen(text);
	text[len] = '\n'; /* in place of the NUL: write takes a length */
	r = fs_write_all(fd, text, len + 1);
	if (!r && fsync(fd))
		r = -errno;
	if (!r && ret_len)
		*ret_len = len + 1;
	return r;
}

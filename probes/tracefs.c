// SPDX-License-Identifier: MIT
/*
 * A line of a format file is "\tfield:TYPE NAME[N];\toffset:O;\tsize:S;\tsigned:G;" (kernel/trace/
 * trace_events.c, f_show): the name is the last word before the first semicolon, without what
 * stands in brackets.
 */
#include "probes/tracefs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/mount.h"

#define FORMAT_MAX  16384
#define MOUNT_POINT "/sys/kernel/tracing"

int tracefs_mount(void)
{
	struct mount at;

	if (mount_of_type("tracefs", &at) != -ENOENT)
		return 0;
	return mount("tracefs", MOUNT_POINT, "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL)
		       ? -errno
		       : 0;
}

/* Is it the field of this name, in a line that ends at `end`? */
static bool names_field(const char *line, const char *end, const char *name)
{
	const char *stop = memchr(line, ';', (size_t)(end - line)), *p;
	size_t len = strlen(name);

	if (!stop)
		return false;
	p = memchr(line, '[', (size_t)(stop - line));
	stop = p ? p : stop;
	return (size_t)(stop - line) > len && !memcmp(stop - len, name, len) &&
	       stop[-(ptrdiff_t)len - 1] == ' ';
}

static int find_in(const char *text, const char *name, struct tracefs_field *ret)
{
	for (const char *line = strstr(text, "\tfield:"); line; line = strstr(line, "\tfield:")) {
		const char *end = strchrnul(line, '\n');

		if (names_field(line, end, name)) {
			const char *at = strchr(line, ';');

			ret->name = name;
			return sscanf(at, "; offset:%u; size:%u", &ret->offset, &ret->size) == 2
				       ? 0
				       : -EPROTO;
		}
		line = end;
	}
	return -ENOENT;
}

static int read_format(const char *event, char *text, struct err *err)
{
	static const char *const roots[] = {MOUNT_POINT, "/sys/kernel/debug/tracing"};
	char path[256];
	bool mounted = false, refused = false;
	int r;

	for (unsigned i = 0; i < array_size(roots); i++) {
		snprintf(path, sizeof(path), "%s/events/%s/format", roots[i], event);
		r = (int)fs_read(path, text, FORMAT_MAX);
		if (r > 0)
			return 0;
		refused |= r == -EACCES;
		snprintf(path, sizeof(path), "%s/events", roots[i]);
		mounted |= !access(path, R_OK);
	}
	if (refused)
		return err_set(err, -ENOENT,
			       "plain tracepoints need tracefs, which this user may "
			       "not read: run as root");
	return mounted ? err_set(err, -ENOENT, "this kernel has no trace event %s", event)
		       : err_set(err, -ENOENT,
				 "plain tracepoints need tracefs: mount -t tracefs tracefs %s",
				 roots[0]);
}

int tracefs_check_text(const char *event, const char *text, const struct tracefs_field *fields,
		       struct err *err)
{
	for (; fields->name; fields++) {
		struct tracefs_field is = {.name = NULL};

		if (find_in(text, fields->name, &is))
			return err_set(err, -EPROTO, "the trace event %s has no field %s", event,
				       fields->name);
		if (is.offset != fields->offset || is.size != fields->size)
			return err_set(err, -EPROTO,
				       "%s of the trace event %s is at %u (%u bytes) on this "
				       "kernel, and not at %u (%u)",
				       fields->name, event, is.offset, is.size, fields->offset,
				       fields->size);
	}
	return 0;
}

int tracefs_check(const char *event, const struct tracefs_field *fields, struct err *err)
{
	char text[FORMAT_MAX];
	int r = read_format(event, text, err);

	return r ? r : tracefs_check_text(event, text, fields, err);
}

int tracefs_id(const char *event, struct err *err)
{
	char text[FORMAT_MAX];
	int r = read_format(event, text, err), id;
	const char *at;

	if (r)
		return r;
	at = strstr(text, "\nID: ");
	if (!at || sscanf(at, " ID: %d", &id) != 1)
		return err_set(err, -EPROTO, "the trace event %s has no number", event);
	return id;
}

int tracefs_find(const char *event, const char *name, struct tracefs_field *ret, struct err *err)
{
	char text[FORMAT_MAX];
	int r = read_format(event, text, err);

	if (r)
		return r;
	r = find_in(text, name, ret);
	return r ? err_set(err, r, "the trace event %s has no field %s", event, name) : 0;
}

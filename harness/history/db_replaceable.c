// SPDX-License-Identifier: MIT
/*
 * Read from the first page of the file, as sqlite.org/fileformat.html has it, since opening it
 * would already touch its log: what is no database is a damaged store, one without a table is
 * nobody's unless its log holds them (ours has its tables before it has a log), any other has to be
 * ours and of a schema that is known.
 */
#include "harness/history/db_replaceable.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/history/db.h"
#include "harness/util/fs.h"

static uint32_t big_endian(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool has_log(const char *file)
{
	char log[PATH_MAX + 8];
	struct stat st;

	snprintf(log, sizeof(log), "%s-wal", file);
	return !stat(log, &st) && st.st_size > 0;
}

int db_replaceable(const char *file, struct err *err)
{
	enum { VERSION = 60, APPLICATION = 68, PAGE_KIND = 100, ROWS = 103, SIZE = 105 };
	enum { LEAF = 13 };
	unsigned char head[SIZE + 1];
	ssize_t n = fs_read(file, (char *)head, sizeof(head));

	if (n == -ENOENT)
		return 0;
	if (n < 0)
		return err_sys(err, (int)n, "%s", file);
	if (n < SIZE || memcmp(head, "SQLite format 3", 16))
		return 0;
	if (head[PAGE_KIND] == LEAF && !head[ROWS] && !head[ROWS + 1] && !has_log(file))
		return 0;
	if (big_endian(head + APPLICATION) != DB_APPLICATION)
		return err_set(err, -EBADMSG,
			       "%s is a database, but no history of uhbench: it is not replaced",
			       file);
	if (big_endian(head + VERSION) > DB_SCHEMA)
		return err_set(err, -ENOTSUP,
			       "%s has schema %u, this uhbench writes %d: it is not replaced", file,
			       big_endian(head + VERSION), DB_SCHEMA);
	return 0;
}

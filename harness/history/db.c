// SPDX-License-Identifier: MIT
/*
 * Opening is where everything is found out: whose file it is, which schema it has, whether its
 * pages are whole (PRAGMA quick_check reads all of it: some milliseconds for a thousand sessions).
 * What SQLite reports later on is a fault of the disk or of the store, and goes up as it is.
 */
#include "harness/history/db.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "harness/history/db_replaceable.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"

#define LOCK_WAIT_NS (60 * NSEC_PER_SEC)
#define BUSY_WAIT_MS 60000
#define LOCK_POLL_NS (10 * NSEC_PER_MSEC)

struct db {
	sqlite3 *sql;
	sqlite3_stmt *last;
	const char *last_sql;
	int lock_fd;
	char file[PATH_MAX]; /* as people know it */
	char path[PATH_MAX]; /* that is open: DB_ANEW has another */
};

static const char schema[] =
	"CREATE TABLE machine (key TEXT PRIMARY KEY, says TEXT NOT NULL);"
	"CREATE TABLE cell (id TEXT PRIMARY KEY, label TEXT NOT NULL, workload TEXT NOT NULL,"
	" target TEXT NOT NULL, rate REAL NOT NULL);"
	"CREATE TABLE session (id TEXT PRIMARY KEY, kind TEXT NOT NULL, folder TEXT NOT NULL,"
	" started TEXT NOT NULL, uhbench TEXT NOT NULL, revision TEXT NOT NULL,"
	" machine TEXT NOT NULL REFERENCES machine(key), reference TEXT NOT NULL,"
	" warmup_ns REAL NOT NULL, duration_ns REAL NOT NULL, remark TEXT NOT NULL);"
	"CREATE TABLE yardstick (session TEXT NOT NULL REFERENCES session(id) ON DELETE CASCADE,"
	" name TEXT NOT NULL, version INTEGER NOT NULL, ns REAL NOT NULL,"
	" PRIMARY KEY (session, name)) WITHOUT ROWID;"
	"CREATE TABLE value (cell TEXT NOT NULL REFERENCES cell(id), metric TEXT NOT NULL,"
	" session TEXT NOT NULL REFERENCES session(id) ON DELETE CASCADE,"
	" unit TEXT NOT NULL, better TEXT NOT NULL, runs INTEGER NOT NULL,"
	" median REAL NOT NULL, least REAL NOT NULL, most REAL NOT NULL,"
	" PRIMARY KEY (cell, metric, session)) WITHOUT ROWID;"
	"CREATE INDEX value_of_session ON value(session);";

/* What SQLite says, as an errno. */
static int code_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return -EBADMSG;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		return -EACCES;
	default:
		return -EIO;
	}
}

/* "FILE is WHAT (how): and the way out of it" */
static int unusable(const struct db *db, int code, const char *what, const char *how,
		    struct err *err)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", db->file);
	*strrchr(dir, '/') = 0;
	return err_set(err, code,
		       "%s is %s (%s): `uhbench history --rebuild %s` makes it anew from the "
		       "records",
		       db->file, what, how, dir);
}

static int damaged(const struct db *db, const char *how, struct err *err)
{
	return unusable(db, -EBADMSG, "damaged", how, err);
}

/* Tells the failure of the last call. */
static int failed(const struct db *db, int rc, struct err *err)
{
	int code = code_of(rc);

	if (code == -EBADMSG)
		return damaged(db, sqlite3_errmsg(db->sql), err);
	return err_set(err, code, "%s: %s", db->file,
		       db->sql ? sqlite3_errmsg(db->sql) : sqlite3_errstr(rc));
}

static int run(struct db *db, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(db->sql, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : failed(db, rc, err);
}

static int lock_folder(struct db *db, const char *dir, bool shared, struct err *err)
{
	uint64_t until;

	db->lock_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (db->lock_fd < 0)
		return err_sys(err, -errno, "%s", dir);
	until = nsec_now() + LOCK_WAIT_NS;
	while (flock(db->lock_fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(err, -errno, "%s", dir);
		if (nsec_now() > until)
			return err_set(err, -EBUSY, "%s: another uhbench has held it for a minute",
				       db->file);
		nanosleep(&(struct timespec){.tv_nsec = LOCK_POLL_NS}, NULL);
	}
	return 0;
}

static int pragma_number(struct db *db, const char *sql, int64_t *ret, struct err *err)
{
	_cleanup_(db_done) sqlite3_stmt *rows = NULL;
	int r = db_ask(db, &rows, err, sql, "");

	if (!r)
		r = db_next(db, rows, err);
	if (r < 0)
		return r;
	*ret = r ? sqlite3_column_int64(rows, 0) : 0;
	return 0;
}

static int check_whole(struct db *db, struct err *err)
{
	_cleanup_(db_done) sqlite3_stmt *rows = NULL;
	int r = db_ask(db, &rows, err, "PRAGMA quick_check(1)", "");

	if (!r)
		r = db_next(db, rows, err);
	if (r < 0)
		return r;
	return strcmp(db_text(rows, 0), "ok") ? damaged(db, db_text(rows, 0), err) : 0;
}

static int make_schema(struct db *db, struct err *err)
{
	char marks[120];
	int r = run(db, "BEGIN IMMEDIATE", err);

	snprintf(marks, sizeof(marks), "PRAGMA application_id = %d; PRAGMA user_version = %d;",
		 DB_APPLICATION, DB_SCHEMA);
	if (!r)
		r = run(db, schema, err);
	if (!r)
		r = run(db, marks, err);
	return r ? r : run(db, "COMMIT", err);
}

static int check_version(const struct db *db, int64_t version, struct err *err)
{
	char how[80];

	if (version == DB_SCHEMA)
		return 0;
	if (version > DB_SCHEMA)
		return err_set(err, -ENOTSUP, "%s has schema %lld, this uhbench reads %d", db->file,
			       (long long)version, DB_SCHEMA);
	snprintf(how, sizeof(how), "schema %lld, this uhbench reads %d", (long long)version,
		 DB_SCHEMA);
	return unusable(db, -ENOTSUP, "of an older uhbench", how, err);
}

/* A file without any table is new; any other must be ours, and of a schema that is known. */
static int check_identity(struct db *db, enum db_mode mode, struct err *err)
{
	int64_t tables, application, version;
	int r = pragma_number(db, "SELECT count(*) FROM sqlite_schema", &tables, err);

	if (!r)
		r = pragma_number(db, "PRAGMA application_id", &application, err);
	if (!r)
		r = pragma_number(db, "PRAGMA user_version", &version, err);
	if (r)
		return r;
	if (!tables && mode != DB_READ)
		return make_schema(db, err);
	if (!tables)
		return damaged(db, "it is empty", err);
	if (application != DB_APPLICATION)
		return err_set(err, -EBADMSG, "%s is a database, but no history of uhbench",
			       db->file);
	r = check_version(db, version, err);
	return r ? r : check_whole(db, err);
}

/* file:PATH?immutable=1, with all of the path escaped that an URI could take for its own. */
static int immutable_uri(const char *path, char *uri, size_t size)
{
	size_t n = (size_t)snprintf(uri, size, "file:");

	for (; *path && n + 20 < size; path++)
		n += (size_t)snprintf(uri + n, size - n, strchr("%?#", *path) ? "%%%02X" : "%c",
				      (unsigned char)*path);
	snprintf(uri + n, size - n, "?immutable=1");
	return *path ? -ENAMETOOLONG : 0;
}

/*
 * Reading in WAL mode writes, too (the index of the log). Where that is not allowed, a store
 * without a log can be read as a file that does not change, which our lock guarantees.
 */
static int open_file(struct db *db, enum db_mode mode, struct err *err)
{
	char log[PATH_MAX + 8], uri[PATH_MAX + 32];
	int rc;

	snprintf(log, sizeof(log), "%s-wal", db->path);
	if (mode == DB_READ && access(db->path, F_OK))
		return err_set(err, -ENOENT,
			       "there is no %s: `uhbench history --rebuild` makes one from records",
			       db->file);
	if (mode != DB_READ || !access(db->path, W_OK) || !access(log, F_OK)) {
		rc = sqlite3_open_v2(
			db->path, &db->sql,
			SQLITE_OPEN_READWRITE | (mode == DB_READ ? 0 : SQLITE_OPEN_CREATE), NULL);
	} else {
		if (immutable_uri(db->path, uri, sizeof(uri)))
			return err_sys(err, -ENAMETOOLONG, "%s", db->file);
		rc = sqlite3_open_v2(uri, &db->sql, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	}
	return rc == SQLITE_OK ? 0 : failed(db, rc, err);
}

/* The log (WAL) and its index go with their store. */
static void remove_logs(const char *path)
{
	static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
	char log[PATH_MAX + 16];

	for (size_t i = 0; i < array_size(suffixes); i++) {
		snprintf(log, sizeof(log), "%s%s", path, suffixes[i]);
		unlink(log);
	}
}

static int name_files(struct db *db, const char *dir, enum db_mode mode, struct err *err)
{
	size_t size = sizeof(db->file);

	if ((size_t)snprintf(db->file, size, "%s/" DB_FILE, dir) >= size ||
	    (size_t)snprintf(db->path, size, "%s%s", db->file, mode == DB_ANEW ? ".new" : "") >=
		    size)
		return err_sys(err, -ENAMETOOLONG, "%s", dir);
	return 0;
}

static int prepare_store(struct db *db, const char *dir, enum db_mode mode, struct err *err)
{
	int r = name_files(db, dir, mode, err);

	if (!r)
		r = lock_folder(db, dir, mode == DB_READ, err);
	if (!r && mode == DB_ANEW)
		r = db_replaceable(db->file, err);
	if (!r && mode == DB_ANEW) { /* what a rebuild left that was killed */
		unlink(db->path);
		remove_logs(db->path);
	}
	if (!r)
		r = open_file(db, mode, err);
	if (r)
		return r;
	sqlite3_extended_result_codes(db->sql, 1);
	/* Of several readers the last one to close puts the log away, and is alone for it. */
	sqlite3_busy_timeout(db->sql, BUSY_WAIT_MS);
	r = check_identity(db, mode, err);
	if (!r && mode != DB_READ)
		r = run(db, "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON", err);
	return r;
}

int db_open(const char *dir, enum db_mode mode, struct db **ret, struct err *err)
{
	struct db *db = calloc(1, sizeof(*db));
	int r;

	if (!db)
		return err_sys(err, -ENOMEM, "%s", dir);
	db->lock_fd = -1;
	r = prepare_store(db, dir, mode, err);
	if (r) {
		db_close(db);
		return r;
	}
	*ret = db;
	return 0;
}

static int close_sql(struct db *db)
{
	int rc;

	sqlite3_finalize(take_ptr(db->last));
	rc = sqlite3_close(db->sql);
	db->sql = NULL;
	return rc;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	if (db->sql && strcmp(db->path, db->file)) { /* it has taken nobody's place */
		close_sql(db);
		unlink(db->path);
		remove_logs(db->path);
	}
	close_sql(db);
	cleanup_close(&db->lock_fd);
	free(db);
}

int db_begin(struct db *db, struct err *err)
{
	return run(db, "BEGIN IMMEDIATE", err);
}

int db_commit(struct db *db, struct err *err)
{
	return run(db, "COMMIT", err);
}

int db_replace(struct db **db, struct err *err)
{
	_cleanup_(cleanup_db) struct db *own = take_ptr(*db);
	int rc = close_sql(own), r;

	if (rc != SQLITE_OK)
		return err_set(err, code_of(rc), "%s: %s", own->path, sqlite3_errstr(rc));
	remove_logs(own->file);
	if (rename(own->path, own->file))
		return err_sys(err, -errno, "%s", own->file);
	r = fs_sync_dir_of(own->file);
	return r ? err_sys(err, r, "%s", own->file) : 0;
}

static int bind(sqlite3_stmt *statement, const char *types, va_list ap)
{
	int rc = SQLITE_OK;

	for (int i = 1; *types && rc == SQLITE_OK; i++, types++) {
		if (*types == 'i') {
			rc = sqlite3_bind_int64(statement, i, va_arg(ap, int64_t));
		} else if (*types == 'd') {
			rc = sqlite3_bind_double(statement, i, va_arg(ap, double));
		} else {
			const char *text = va_arg(ap, const char *);

			rc = sqlite3_bind_text(statement, i, text, -1, SQLITE_TRANSIENT);
		}
	}
	return rc;
}

int db_put(struct db *db, struct err *err, const char *sql, const char *types, ...)
{
	int rc = SQLITE_OK;
	va_list ap;

	if (sql != db->last_sql) {
		sqlite3_finalize(take_ptr(db->last));
		db->last_sql = NULL;
		rc = sqlite3_prepare_v2(db->sql, sql, -1, &db->last, NULL);
		if (rc != SQLITE_OK)
			return failed(db, rc, err);
		db->last_sql = sql;
	}
	va_start(ap, types);
	rc = bind(db->last, types, ap);
	va_end(ap);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(db->last);
	if (rc == SQLITE_DONE)
		rc = sqlite3_reset(db->last);
	return rc == SQLITE_OK ? 0 : failed(db, rc, err);
}

int db_ask(struct db *db, sqlite3_stmt **ret, struct err *err, const char *sql, const char *types,
	   ...)
{
	int rc = sqlite3_prepare_v2(db->sql, sql, -1, ret, NULL);
	va_list ap;

	if (rc == SQLITE_OK) {
		va_start(ap, types);
		rc = bind(*ret, types, ap);
		va_end(ap);
	}
	return rc == SQLITE_OK ? 0 : failed(db, rc, err);
}

int db_next(struct db *db, sqlite3_stmt *rows, struct err *err)
{
	int rc = sqlite3_step(rows);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : failed(db, rc, err);
}

int db_function(struct db *db, const char *name,
		void (*fn)(sqlite3_context *context, int argc, sqlite3_value **argv),
		const void *arg, struct err *err)
{
	int rc = sqlite3_create_function(db->sql, name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
					 (void *)arg, fn, NULL, NULL);

	return rc == SQLITE_OK ? 0 : failed(db, rc, err);
}

void db_done(sqlite3_stmt **rows)
{
	sqlite3_finalize(*rows);
}

const char *db_text(sqlite3_stmt *rows, int column)
{
	const char *text = (const char *)sqlite3_column_text(rows, column);

	return text ? text : "";
}

double db_number(sqlite3_stmt *rows, int column)
{
	if (sqlite3_column_type(rows, column) == SQLITE_NULL)
		return NAN;
	return sqlite3_column_double(rows, column);
}

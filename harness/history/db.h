/* SPDX-License-Identifier: MIT */
/*
 * The file behind the history: SQLite in WAL mode, `history.sqlite` in a folder of results. It
 * holds nothing that the records do not say, so it can be made anew at any time; but nobody does
 * that unasked, since whoever reads a damaged store wants to know.
 *
 * One writer at a time, and no reader meanwhile: the folder itself is locked (flock(2)), shared by
 * readers, so that a store which is made anew can take the old one's place under everybody's feet.
 * A lock is waited for, and ends with its process.
 */
#pragma once

#include <limits.h>
#include <sqlite3.h>

#include "harness/util/err.h"

#define DB_FILE	       "history.sqlite"
#define DB_SCHEMA      2
#define DB_APPLICATION 0x75686269 /* PRAGMA application_id: "uhbi" */

enum db_mode {
	DB_READ,  /* -ENOENT when there is none */
	DB_WRITE, /* made when there is none */
	/* an empty one, which takes the old one's place in db_replace(): that must be ours, too */
	DB_ANEW,
};

struct db;

/*
 * -EBADMSG: it is damaged, or no history; -ENOTSUP: of an older or newer uhbench; -EBUSY: the lock
 * was held for a minute; others as they come from the system. `err` names the file and what to do.
 */
int db_open(const char *dir, enum db_mode mode, struct db **ret, struct err *err);
void db_close(struct db *db); /* NULL is fine; what was not committed is as if it never was */

int db_begin(struct db *db, struct err *err);
int db_commit(struct db *db, struct err *err);
/* Closes a store that was opened with DB_ANEW, and puts it in the place of the old one. */
int db_replace(struct db **db, struct err *err);

/*
 * Runs a statement without rows. `types` has a letter for each ?: s text (NULL is NULL), d double
 * (NAN is NULL), i int64_t. The last statement is kept: the same `sql` again, by its address, is
 * not parsed again.
 */
int db_put(struct db *db, struct err *err, const char *sql, const char *types, ...);
/* The same for a statement with rows: db_next() until it returns 0; 1 is a row. The statement is
 * db_done()'s. */
int db_ask(struct db *db, sqlite3_stmt **ret, struct err *err, const char *sql, const char *types,
	   ...);
int db_next(struct db *db, sqlite3_stmt *rows, struct err *err);
/* Makes a function of one argument known to statements; `arg` is its user data. */
int db_function(struct db *db, const char *name,
		void (*fn)(sqlite3_context *context, int argc, sqlite3_value **argv),
		const void *arg, struct err *err);
void db_done(sqlite3_stmt **rows);		     /* for _cleanup_ */
const char *db_text(sqlite3_stmt *rows, int column); /* "" for NULL */
double db_number(sqlite3_stmt *rows, int column);    /* NAN for NULL */

static inline void cleanup_db(struct db **db)
{
	db_close(*db);
}

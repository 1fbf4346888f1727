// SPDX-License-Identifier: MIT
/*
 * Writing the history. A session goes in whole or not at all, in one transaction; a rebuild makes a
 * new file and swaps it in. Both write the same rows for the same records, and nothing that the
 * records do not say, such as when it was written.
 */
#include "harness/history/history.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/history/db.h"
#include "harness/history/gather.h"
#include "harness/util/cleanup.h"

static double number(const cJSON *object, const char *key)
{
	return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static int put_session(struct db *db, const cJSON *s, struct err *err)
{
	int r = db_put(db, err, "DELETE FROM session WHERE id = ?", "s", gather_text(s, "id"));

	if (!r)
		r = db_put(db, err, "INSERT OR REPLACE INTO machine VALUES (?, ?)", "ss",
			   gather_text(s, "machine"), gather_text(s, "machine_says"));
	return r ? r
		 : db_put(db, err, "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			  "ssssssssdds", gather_text(s, "id"), gather_text(s, "kind"),
			  gather_text(s, "folder"), gather_text(s, "started"),
			  gather_text(s, "uhbench"), gather_text(s, "revision"),
			  gather_text(s, "machine"), gather_text(s, "reference"),
			  number(s, "warmup_ns"), number(s, "duration_ns"),
			  gather_text(s, "remark"));
}

static int put_yardsticks(struct db *db, const cJSON *s, struct err *err)
{
	const cJSON *y;
	int r = 0;

	cJSON_ArrayForEach (y, cJSON_GetObjectItemCaseSensitive(s, "yardsticks"))
		if (!r)
			r = db_put(db, err, "INSERT INTO yardstick VALUES (?, ?, ?, ?)", "ssid",
				   gather_text(s, "id"), y->string, (int64_t)number(y, "version"),
				   number(y, "ns"));
	return r;
}

static int put_cells(struct db *db, const cJSON *s, struct err *err)
{
	const cJSON *c;
	int r = 0;

	cJSON_ArrayForEach (c, cJSON_GetObjectItemCaseSensitive(s, "cells"))
		if (!r)
			r = db_put(db, err,
				   "INSERT INTO cell VALUES (?, ?, ?, ?, ?)"
				   " ON CONFLICT (id) DO UPDATE SET label = excluded.label",
				   "ssssd", gather_text(c, "id"), gather_text(c, "label"),
				   gather_text(c, "workload"), gather_text(c, "target"),
				   number(c, "rate"));
	return r;
}

static int put_values(struct db *db, const cJSON *s, struct err *err)
{
	const cJSON *v;
	int r = 0;

	cJSON_ArrayForEach (v, cJSON_GetObjectItemCaseSensitive(s, "values"))
		if (!r)
			r = db_put(
				db, err,
				"INSERT OR REPLACE INTO value VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
				"sssssiddd", gather_text(v, "cell"), gather_text(v, "metric"),
				gather_text(s, "id"), gather_text(v, "unit"),
				gather_text(v, "better"), (int64_t)number(v, "runs"),
				number(v, "median"), number(v, "least"), number(v, "most"));
	return r;
}

static int put_all(struct db *db, const cJSON *s, struct err *err)
{
	int r = put_session(db, s, err);

	if (!r)
		r = put_yardsticks(db, s, err);
	if (!r)
		r = put_cells(db, s, err);
	return r ? r : put_values(db, s, err);
}

/* Splits the real path of a folder into the one above and its name. */
static int find_place(const char *folder, char dir[static PATH_MAX], const char **ret_name,
		      struct err *err)
{
	struct stat st;
	char *slash;

	if (!realpath(folder, dir))
		return err_sys(err, -errno, "%s", folder);
	slash = strrchr(dir, '/');
	if (slash == dir)
		return err_set(err, -EPERM, "no history is kept in /");
	*slash = 0;
	*ret_name = slash + 1;
	if (stat(dir, &st))
		return err_sys(err, -errno, "%s", dir);
	if (st.st_mode & S_ISVTX && st.st_mode & S_IWOTH)
		return err_set(err, -EPERM, "no history is kept in %s, which is everybody's", dir);
	return 0;
}

int history_add(const char *folder, struct err *err)
{
	_cleanup_(cleanup_db) struct db *db = NULL;
	_cleanup_json_ cJSON *session = NULL;
	char dir[PATH_MAX];
	const char *name = NULL;
	int r = find_place(folder, dir, &name, err);

	if (!r)
		r = gather(folder, name, &session, err);
	if (!r)
		r = db_open(dir, DB_WRITE, &db, err);
	if (!r)
		r = db_begin(db, err);
	if (!r)
		r = put_all(db, session, err);
	return r ? r : db_commit(db, err);
}

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_folder(struct db *db, const char *dir, const char *name, struct history_rebuilt *sum,
		      bool *unreadable, struct err *err)
{
	_cleanup_json_ cJSON *session = NULL;
	char path[PATH_MAX];
	int r;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return err_sys(err, -ENAMETOOLONG, "%s/%s", dir, name);
	if (!gather_is_one(path))
		return 0;
	r = gather(path, name, &session, err);
	*unreadable = r && r != -ENOMEM;
	if (!r)
		r = put_all(db, session, err);
	if (!r && !strcmp(gather_text(session, "kind"), "gate"))
		sum->gates++;
	else if (!r)
		sum->sessions++;
	return r;
}

static void free_names(struct dirent ***names)
{
	for (size_t i = 0; *names && (*names)[i]; i++)
		free((*names)[i]);
	free(*names);
}

/* The folder's entries, ended by NULL. */
static int list_folder(const char *dir, struct dirent ***ret, struct err *err)
{
	struct dirent **names = NULL, **ended;
	int n = scandir(dir, &names, is_shown, by_bytes);

	if (n < 0)
		return err_sys(err, -errno, "%s", dir);
	ended = realloc(names, ((size_t)n + 1) * sizeof(*names));
	if (!ended) {
		while (n--)
			free(names[n]);
		free(names);
		return err_sys(err, -ENOMEM, "%s", dir);
	}
	ended[n] = NULL;
	*ret = ended;
	return 0;
}

int history_rebuild(const char *dir, void (*left_out)(void *arg, const char *text), void *arg,
		    struct history_rebuilt *ret, struct err *err)
{
	_cleanup_(free_names) struct dirent **names = NULL;
	_cleanup_(cleanup_db) struct db *db = NULL;
	int r;

	*ret = (struct history_rebuilt){0};
	r = db_open(dir, DB_ANEW, &db, err);
	if (!r)
		r = list_folder(dir, &names, err); /* under the lock: who ends now comes later */
	if (!r)
		r = db_begin(db, err);
	for (size_t i = 0; !r && names[i]; i++) {
		bool unreadable = false;

		r = add_folder(db, dir, names[i]->d_name, ret, &unreadable, err);
		if (unreadable) {
			left_out(arg, err->text);
			ret->left_out++;
			r = 0;
		}
	}
	if (!r && !ret->sessions && !ret->gates && !ret->left_out)
		return err_set(err, -ENOENT, "%s has no sessions: no history is made of it", dir);
	if (!r)
		r = db_commit(db, err);
	return r ? r : db_replace(&db, err);
}

// SPDX-License-Identifier: MIT
/*
 * Which sessions there are is what the folder holds, and no list: two people who each add one have
 * nothing to merge. Files appear whole (written aside, renamed). baseline.json has what all
 * sessions share, machine and recipe; a sheet that says otherwise is an error.
 */
#include "harness/stored/baseline.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/host/machine.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/jsonl.h"

#define INFO_FILE      "baseline.json"
#define SHEET_SUFFIX   ".jsonl"
#define SESSION_DIGITS 16

int baseline_check_name(const char *name, struct err *err)
{
	size_t len = strlen(name);

	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			len = 0;
	if (!len || len > BASELINE_NAME || *name == '.' || *name == '-')
		return err_set(err, -EINVAL,
			       "\"%s\" is no name of a baseline: up to %d letters, digits, '.', "
			       "'_' and '-', the first a letter, digit or '_'",
			       name, BASELINE_NAME);
	return 0;
}

void baseline_free(struct baseline *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++)
		sheet_free(&b->sheets[i]);
	free(b->sheets);
	free(b->dir);
	cJSON_Delete(b->info);
	free(b);
}

static bool is_sheet_name(const char *name)
{
	return strspn(name, "0123456789abcdef") == SESSION_DIGITS &&
	       !strcmp(name + SESSION_DIGITS, SHEET_SUFFIX);
}

static int only_sheets(const struct dirent *d)
{
	return is_sheet_name(d->d_name);
}

static void free_names(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* ISO 8601 sorts as text. */
static int compare_started(const void *a, const void *b)
{
	int order = strcmp(sheet_text(a, "started"), sheet_text(b, "started"));

	return order ? order : strcmp(sheet_text(a, "session"), sheet_text(b, "session"));
}

static const cJSON *info_at(const struct baseline *b, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(b->info, key);
}

static int check_sheet(const struct baseline *b, const struct sheet *s, const char *path,
		       struct err *err)
{
	struct err why;

	if (baseline_alike(b->info, s->session, &why))
		return err_set(err, -EBADMSG, "%s:1: it does not belong here: %.300s", path,
			       why.text);
	return 0;
}

static int load_sheets(struct baseline *b, struct dirent **names, int n, struct err *err)
{
	int r = 0;

	b->sheets = calloc((size_t)n + 1, sizeof(*b->sheets));
	if (!b->sheets)
		return err_sys(err, -ENOMEM, "%s", b->dir);
	for (int i = 0; !r && i < n; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%.4000s/%.80s", b->dir, names[i]->d_name);
		r = sheet_read(path, &b->sheets[b->n], err);
		if (!r)
			r = check_sheet(b, &b->sheets[b->n++], path, err);
	}
	qsort(b->sheets, b->n, sizeof(*b->sheets), compare_started);
	return r;
}

static int load_info(struct baseline *b, struct err *err)
{
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%.4000s/" INFO_FILE, b->dir);
	r = jsonl_document(path, SHEET_SCHEMA, &b->info, err);
	if (r == -ENOENT || r == -ENOTDIR)
		return err_set(err, -ENOENT, "there is no baseline %s", b->dir);
	if (!r && (!cJSON_IsObject(info_at(b, "machine")) || !cJSON_IsObject(info_at(b, "recipe"))))
		return err_set(err, -EBADMSG, "%s: no \"machine\" or no \"recipe\"", path);
	return r;
}

static int load(struct baseline *b, struct err *err)
{
	struct dirent **names;
	int r = load_info(b, err), n;

	if (r)
		return r;
	n = scandir(b->dir, &names, only_sheets, alphasort);
	if (n < 0)
		return err_sys(err, -errno, "%s", b->dir);
	r = load_sheets(b, names, n, err);
	free_names(names, n);
	if (!r && !b->n)
		return err_set(err, -ENOENT, "the baseline %s has no sessions", b->dir);
	return r;
}

static struct baseline *new_baseline(const char *root, const char *name)
{
	struct baseline *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	snprintf(b->name, sizeof(b->name), "%s", name);
	if (asprintf(&b->dir, "%s/%s", root, name) < 0) {
		free(b);
		return NULL;
	}
	return b;
}

int baseline_load(const char *root, const char *name, struct baseline **ret, struct err *err)
{
	_cleanup_(cleanup_baseline) struct baseline *b = NULL;
	int r = baseline_check_name(name, err);

	if (r)
		return r;
	b = new_baseline(root, name);
	r = b ? load(b, err) : err_sys(err, -ENOMEM, "%s", name);
	if (!r)
		*ret = take_ptr(b);
	return r;
}

cJSON *baseline_names(const char *root)
{
	cJSON *all = cJSON_CreateArray();
	struct dirent **names;
	int n = scandir(root, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%.3800s/%.255s/" INFO_FILE, root, names[i]->d_name);
		if (names[i]->d_name[0] != '.' && !access(path, F_OK))
			cJSON_AddItemToArray(all, cJSON_CreateString(names[i]->d_name));
	}
	if (n >= 0)
		free_names(names, n);
	return all;
}

bool baseline_pinned(const struct sheet *s)
{
	return cJSON_IsTrue(sheet_item(s, "pinned"));
}

static int write_sheet(const char *dir, const struct sheet *s, bool pinned, struct err *err)
{
	char path[PATH_MAX], name[64];

	snprintf(name, sizeof(name), "%.40s" SHEET_SUFFIX, sheet_text(s, "session"));
	if (!is_sheet_name(name))
		return err_set(err, -EBADMSG, "\"%s\" is not the identity of a session",
			       sheet_text(s, "session"));
	snprintf(path, sizeof(path), "%.4000s/%s", dir, name);
	if (!access(path, F_OK))
		return err_set(err, -EEXIST, "%s: this session is part of it already", path);
	cJSON_DeleteItemFromObjectCaseSensitive(s->session, "pinned");
	cJSON_AddBoolToObject(s->session, "pinned", pinned);
	return sheet_write(s, path, err);
}

static int write_info(const struct baseline *b, const struct sheet *first, struct err *err)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	int r;

	cJSON_AddNumberToObject(o, "schema", SHEET_SCHEMA);
	cJSON_AddStringToObject(o, "baseline", b->name);
	cJSON_AddItemToObject(o, "machine", cJSON_Duplicate(sheet_item(first, "machine"), 1));
	cJSON_AddItemToObject(o, "recipe", cJSON_Duplicate(sheet_item(first, "recipe"), 1));
	text = cJSON_Print(o);
	snprintf(path, sizeof(path), "%.4000s/" INFO_FILE, b->dir);
	r = text ? fs_replace(path, text, strlen(text)) : -ENOMEM;
	return r ? err_sys(err, r, "%s", path) : 0;
}

/* The sheet goes first: what has no baseline.json is no baseline yet, and can be made again. */
int baseline_create(const char *root, const char *name, const struct sheet *first, struct err *err)
{
	_cleanup_(cleanup_baseline) struct baseline *b = NULL;
	char path[PATH_MAX];
	int r = baseline_check_name(name, err);

	if (!r)
		r = sheet_whole(first, err);
	if (r)
		return r;
	b = new_baseline(root, name);
	if (!b)
		return err_sys(err, -ENOMEM, "%s", name);
	snprintf(path, sizeof(path), "%.4000s/" INFO_FILE, b->dir);
	if (!access(path, F_OK))
		return err_set(err, -EEXIST,
			       "the baseline %s is there already: `baseline add` adds a session",
			       b->dir);
	r = fs_mkdir_p(b->dir);
	if (r)
		return err_sys(err, r, "%s", b->dir);
	r = write_sheet(b->dir, first, true, err);
	return r && r != -EEXIST ? r : write_info(b, first, err);
}

static void sheet_path(const struct baseline *b, const struct sheet *s, char ret[static PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%.4000s/%.40s" SHEET_SUFFIX, b->dir, sheet_text(s, "session"));
}

static int remove_sheet(const struct baseline *b, const struct sheet *s, struct err *err)
{
	char path[PATH_MAX];

	sheet_path(b, s, path);
	return unlink(path) ? err_sys(err, -errno, "%s", path) : 0;
}

/* What is older than the newest BASELINE_RECENT, one of which may be what was just added, and not
 * pinned. */
static int drop_old(const struct baseline *b, const struct sheet *added, struct err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < b->n; i++) {
		size_t newer = b->n - 1 - i + (compare_started(added, &b->sheets[i]) > 0);

		if (newer >= BASELINE_RECENT && !baseline_pinned(&b->sheets[i]))
			r = remove_sheet(b, &b->sheets[i], err);
	}
	return r;
}

int baseline_add(const struct baseline *b, const struct sheet *s, bool pinned, struct err *err)
{
	int r = sheet_whole(s, err);

	if (!r)
		r = baseline_alike(b->info, s->session, err);
	if (!r)
		r = write_sheet(b->dir, s, pinned, err);
	return r ? r : drop_old(b, s, err);
}

static int find_session(const struct baseline *b, const char *session, const struct sheet **ret,
			struct err *err)
{
	const struct sheet *found = NULL;

	for (size_t i = 0; i < b->n; i++) {
		if (strncmp(sheet_text(&b->sheets[i], "session"), session, strlen(session)))
			continue;
		if (found)
			return err_set(err, -ENOENT, "%s: more than one session begins with %s",
				       b->dir, session);
		found = &b->sheets[i];
	}
	if (!found || !*session)
		return err_set(err, -ENOENT, "%s has no session %s", b->dir, session);
	*ret = found;
	return 0;
}

static int unpin_sheet(const struct baseline *b, const struct sheet *s, struct err *err)
{
	char path[PATH_MAX];

	sheet_path(b, s, path);
	cJSON_DeleteItemFromObjectCaseSensitive(s->session, "pinned");
	cJSON_AddBoolToObject(s->session, "pinned", false);
	return sheet_write(s, path, err);
}

int baseline_unpin(const struct baseline *b, const char *session, struct err *err)
{
	const struct sheet *one = NULL;
	int r = session ? find_session(b, session, &one, err) : 0;

	for (size_t i = 0; !r && i < b->n; i++)
		if (baseline_pinned(&b->sheets[i]) && (!one || one == &b->sheets[i]))
			r = unpin_sheet(b, &b->sheets[i], err);
	return r;
}

int baseline_remove_session(const struct baseline *b, const char *session, struct err *err)
{
	const struct sheet *found = NULL;
	int r = find_session(b, session, &found, err);

	if (r)
		return r;
	if (b->n == 1)
		return err_set(err, -ENOENT,
			       "%s is the only session of %s: remove the baseline itself", session,
			       b->dir);
	return remove_sheet(b, found, err);
}

int baseline_remove(const struct baseline *b, struct err *err)
{
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; !r && i < b->n; i++)
		r = remove_sheet(b, &b->sheets[i], err);
	if (r)
		return r;
	snprintf(path, sizeof(path), "%.4000s/" INFO_FILE, b->dir);
	if (unlink(path))
		return err_sys(err, -errno, "%s", path);
	return rmdir(b->dir) ? err_sys(err, -errno, "%s", b->dir) : 0;
}

static const char *text_of(const cJSON *row, const char *key, char *buf, size_t size)
{
	_cleanup_free_ char *text =
		cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(row, key));

	snprintf(buf, size, "%s", text ? text : "");
	return buf;
}

static void tell_difference(const cJSON *rows, const char *what, struct err *err)
{
	char a[100], b[100], said[ERR_MAX] = "";
	const cJSON *row;
	size_t n = 0;

	cJSON_ArrayForEach (row, rows)
		if (n < sizeof(said))
			n += (size_t)snprintf(
				said + n, sizeof(said) - n, "%s%s is %s, not %s", n ? "; " : "",
				cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "key")),
				text_of(row, "b", b, sizeof(b)), text_of(row, "a", a, sizeof(a)));
	err_set(err, 0, "another %s: %s", what, said);
}

int baseline_alike(const cJSON *base, const cJSON *other, struct err *err)
{
	static const char *const keys[] = {"machine", "recipe"};

	for (size_t i = 0; i < array_size(keys); i++) {
		_cleanup_json_ cJSON *rows =
			machine_diff(cJSON_GetObjectItemCaseSensitive(base, keys[i]),
				     cJSON_GetObjectItemCaseSensitive(other, keys[i]));

		if (!rows->child)
			continue;
		tell_difference(rows, keys[i], err);
		return -EXDEV;
	}
	return 0;
}

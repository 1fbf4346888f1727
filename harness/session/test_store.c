// SPDX-License-Identifier: MIT
/* Records survive torn lines, a second opening, a full file system and hands that meddled. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <unistd.h>
#include <cmocka.h>

#include "harness/session/store.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

struct box {
	char dir[64], runs[96], manifest_path[96];
	cJSON *manifest;
};

static int make_box(void **state)
{
	struct box *b = calloc(1, sizeof(*b));

	strcpy(b->dir, "/tmp/uhbench-store-XXXXXX");
	if (!b || !mkdtemp(b->dir))
		return -1;
	snprintf(b->runs, sizeof(b->runs), "%s/runs.jsonl", b->dir);
	snprintf(b->manifest_path, sizeof(b->manifest_path), "%s/manifest.json", b->dir);
	b->manifest = cJSON_CreateObject();
	cJSON_AddNumberToObject(b->manifest, "schema", RECORD_SCHEMA);
	*state = b;
	return 0;
}

static int drop_box(void **state)
{
	struct box *b = *state;
	int r = fs_remove_tree(b->dir);

	cJSON_Delete(b->manifest);
	free(b);
	return r;
}

static cJSON *record(int repeat, size_t padding)
{
	cJSON *rec = cJSON_CreateObject();
	char *text = calloc(1, padding + 1);

	memset(text, 'x', padding);
	cJSON_AddNumberToObject(rec, "schema", RECORD_SCHEMA);
	cJSON_AddObjectToObject(rec, "cell");
	cJSON_AddStringToObject(rec, "status", "ok");
	cJSON_AddNumberToObject(rec, "repeat", repeat);
	cJSON_AddStringToObject(rec, "padding", text);
	free(text);
	return rec;
}

static void append(struct store *s, int repeat)
{
	_cleanup_json_ cJSON *rec = record(repeat, 10);
	struct err err = {""};

	assert_int_equal(store_append(s, rec, &err), 0);
}

static int sum_repeats(void *arg, cJSON *rec)
{
	*(int *)arg += cJSON_GetObjectItem(rec, "repeat")->valueint;
	return 0;
}

static void put_raw(const struct box *b, const char *text)
{
	int fd = open(b->runs, O_WRONLY | O_APPEND);

	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static void torn_tail_is_skipped_and_cut_off_on_resume(void **state)
{
	struct box *b = *state;
	struct err err = {""};
	struct store *s;
	unsigned torn;
	int sum = 0;

	assert_int_equal(store_open(b->dir, b->manifest, &s, &err), 0);
	append(s, 1);
	append(s, 2);
	store_close(s);
	put_raw(b, "{\"schema\":1,\"cell\":{");
	assert_int_equal(store_each(b->dir, sum_repeats, &sum, &torn, &err), 0);
	assert_int_equal(sum, 3);
	assert_int_equal(torn, 1);
	assert_int_equal(store_open(b->dir, NULL, &s, &err), 0);
	append(s, 4);
	store_close(s);
	sum = 0;
	assert_int_equal(store_each(b->dir, sum_repeats, &sum, &torn, &err), 0);
	assert_int_equal(sum, 7);
	assert_int_equal(torn, 0);
}

static void second_session_in_a_folder_is_refused(void **state)
{
	struct box *b = *state;
	struct err err = {""};
	struct store *s, *again;

	assert_int_equal(store_open(b->dir, b->manifest, &s, &err), 0);
	assert_int_equal(store_open(b->dir, b->manifest, &again, &err), -EEXIST);
	assert_non_null(strstr(err.text, "--resume"));
	store_close(s);
}

static void two_writers_are_refused(void **state)
{
	struct box *b = *state;
	struct err err = {""};
	struct store *s, *again;

	assert_int_equal(store_open(b->dir, b->manifest, &s, &err), 0);
	assert_int_equal(store_open(b->dir, NULL, &again, &err), -EBUSY);
	store_close(s);
	assert_int_equal(store_open(b->dir, NULL, &again, &err), 0);
	store_close(again);
}

/* A manifest that is no session's is not written over; one without records can be continued. */
static void manifest_alone(void **state)
{
	struct box *b = *state;
	struct err err = {""};
	struct store *s;

	assert_int_equal(fs_replace(b->manifest_path, "mine", 4), 0);
	assert_int_equal(store_prepare(b->dir, &err), -EEXIST);
	assert_int_equal(store_open(b->dir, b->manifest, &s, &err), -EEXIST);
	assert_int_equal(unlink(b->manifest_path), 0);
	assert_int_equal(store_prepare(b->dir, &err), 0);
	assert_int_equal(store_open(b->dir, b->manifest, &s, &err), 0);
	store_close(s);
	assert_int_equal(unlink(b->runs), 0);
	assert_int_equal(store_open(b->dir, NULL, &s, &err), 0);
	append(s, 1);
	store_close(s);
}

static void meddled_lines_are_named(void **state)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{"nonsense\n", ":2: not JSON"},
		{"{}\n", ":2: not a record"},
		{"{\"schema\":99}\n", ":2: schema 99"},
		{"{\"schema\":1,\"cell\":{}}\n", ":2: a record without"},
	};
	struct box *b = *state;

	for (unsigned i = 0; i < array_size(rows); i++) {
		struct err err = {""};
		struct store *s;
		int sum = 0;

		assert_int_equal(store_open(b->dir, b->manifest, &s, &err), 0);
		append(s, 1);
		put_raw(b, rows[i].line);
		assert_int_equal(store_each(b->dir, sum_repeats, &sum, NULL, &err), -EBADMSG);
		assert_non_null(strstr(err.text, rows[i].says));
		assert_int_equal(sum, 1);
		store_close(s);
		assert_int_equal(unlink(b->runs), 0);
		assert_int_equal(unlink(b->manifest_path), 0);
	}
}

/* RLIMIT_FSIZE stands for the full disk: the write goes half through and then fails. */
static void failed_append_loses_no_earlier_record(void **state)
{
	struct rlimit old, small = {.rlim_cur = 4096};
	_cleanup_json_ cJSON *big = record(9, 8192);
	struct box *b = *state;
	struct err err = {""};
	struct store *s;
	int sum = 0;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(store_open(b->dir, b->manifest, &s, &err), 0);
	append(s, 1);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(store_append(s, big, &err), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_non_null(strstr(err.text, "earlier ones are whole"));
	append(s, 2);
	store_close(s);
	assert_int_equal(store_each(b->dir, sum_repeats, &sum, NULL, &err), 0);
	assert_int_equal(sum, 3);
}

static void foreign_folder_is_no_results_folder(void **state)
{
	struct box *b = *state;
	struct err err = {""};
	cJSON *manifest = NULL;

	assert_int_equal(store_manifest(b->dir, &manifest, &err), -ENOENT);
	assert_non_null(strstr(err.text, "not a results folder"));
	assert_null(manifest);
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, make_box, drop_box)
	const struct CMUnitTest tests[] = {
		ROW(torn_tail_is_skipped_and_cut_off_on_resume),
		ROW(second_session_in_a_folder_is_refused),
		ROW(two_writers_are_refused),
		ROW(manifest_alone),
		ROW(meddled_lines_are_named),
		ROW(failed_append_loses_no_earlier_record),
		ROW(foreign_folder_is_no_results_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

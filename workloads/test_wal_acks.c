// SPDX-License-Identifier: MIT
/*
 * The judgement of a dead run by its stream: a model log is written here, and streams that promise
 * what is in it, more than that, or nonsense.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "workloads/wal_acks.h"
#include "workloads/wal_record.h"

#define NONCE 0x00ab00cd12345678ull
#define BYTES 512u
#define SLOTS 64u

static char log_path[] = "wal_acks_test.XXXXXX";

/* Records 0 .. n - 1 of lanes 0 and 1 in turn, in partition 0. */
static int write_log(void **state)
{
	char buf[BYTES];
	int fd = mkstemp(log_path);

	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		struct wal_header h = {
			.length = BYTES, .nonce = NONCE, .seq = i / 2, .lane = i % 2};

		wal_record_fill(buf, BYTES, NONCE);
		wal_record_seal(buf, &h);
		if (pwrite(fd, buf, BYTES, (off_t)i * BYTES) != BYTES)
			return -1;
	}
	return ftruncate(fd, SLOTS * BYTES) | close(fd);
}

static int remove_log(void **state)
{
	(void)state;
	return unlink(log_path);
}

#define RUN(logs)                                                                                        \
	"{\"cell\":\"c\",\"nonce\":\"00ab00cd12345678\",\"record_bytes\":512,\"lanes\":2,\"logs\":" logs \
	"}"
#define LOG "[{\"path\":\"%s\",\"ring_bytes\":32768}]"

static const struct row {
	const char *name, *run, *lines;
	int code;
	const char *says; /* code < 0 */
	int acknowledged, missing, out_of_order;
} rows[] = {
	{"kept", RUN(LOG), "0 0 0\n0 1 0\n0 0 1\n", .acknowledged = 3},
	{"kept, all of it", RUN(LOG),
	 "0 0 0\n0 0 1\n0 0 2\n0 0 3\n0 0 4\n0 0 5\n0 0 6\n0 0 7\n0 0 8\n0 0 9\n",
	 .acknowledged = 10},
	{"lost", RUN(LOG),
	 "0 0 0\n0 0 1\n0 0 2\n0 0 3\n0 0 4\n0 0 5\n0 0 6\n0 0 7\n0 0 8\n0 0 9\n0 0 10\n0 0 11\n",
	 -EBADMSG, "lane 0 sequence 10 was acknowledged and is missing (2 in a row", 12, 2},
	{"nothing", RUN(LOG), "", -ENODATA, "nothing was acknowledged"},
	{"told early", RUN(LOG), "0 0 0\n0 0 2\n0 0 1\n0 0 3\n", .acknowledged = 4,
	 .out_of_order = 1},
	{"told early, with a gap", RUN(LOG), "0 0 0\n0 0 5\n0 1 3\n0 0 4\n0 0 1\n",
	 .acknowledged = 5, .out_of_order = 3},
	{"told early and lost", RUN(LOG), "0 0 0\n0 1 5\n0 1 17\n", -EBADMSG,
	 "lane 1 sequence 17 was acknowledged and is missing", 3, 1, 2},
	{"lost in one log, unknown in another",
	 RUN("[{\"path\":\"%s\",\"ring_bytes\":5120},{\"path\":\"/none/x\",\"ring_bytes\":512}]"),
	 "0 0 0\n1 0 0\n", -EBADMSG, "/none/x: the file is gone, with 1 records", 1, 1},
	{"told twice", RUN(LOG), "0 0 0\n0 0 0\n", -EINVAL, "acknowledgement 2"},
	{"no file", RUN("[{\"path\":\"/none/x\",\"ring_bytes\":32768}]"), "0 0 0\n0 1 0\n",
	 -EBADMSG, "/none/x: the file is gone, with 2 records", 2, 2},
	{"no file and no promise", RUN("[{\"path\":\"/none/x\",\"ring_bytes\":32768}]"), "",
	 -ENODATA, "nothing"},
	{"full", RUN("[{\"path\":\"%s\",\"ring_bytes\":5120}]"), "0 0 0\n", -EOVERFLOW,
	 "cannot be told"},
	{"words", RUN(LOG), "a b c\n", -EINVAL, "acknowledgement 1 is \"a b c\""},
	{"two numbers", RUN(LOG), "0 0 0\n0 0\n", -EINVAL, "acknowledgement 2"},
	{"four numbers", RUN(LOG), "0 0 0 0\n", -EINVAL, "acknowledgement 1"},
	{"empty line", RUN(LOG), "\n", -EINVAL, "acknowledgement 1"},
	{"minus", RUN(LOG), "0 0 -1\n", -EINVAL, "acknowledgement 1"},
	{"no such lane", RUN(LOG), "0 2 0\n", -EINVAL, "2 lanes"},
	{"no such partition", RUN(LOG), "1 0 0\n", -EINVAL, "1 partitions"},
	{"long line", RUN(LOG), "0000000000000000000000000000000000000000000000000 0 0\n", -EINVAL,
	 "acknowledgement 1"},
	{"no logs", RUN("[]"), "", -EINVAL, "logs"},
	{"logs of a wrong kind", RUN("7"), "", -EINVAL, "logs"},
	{"log without a path", RUN("[{\"ring_bytes\":32768}]"), "0 0 0\n", -EINVAL, "logs[0]"},
	{"log without a size", RUN("[{\"path\":\"x\"}]"), "0 0 0\n", -EINVAL, "ring_bytes"},
	{"odd ring", RUN("[{\"path\":\"x\",\"ring_bytes\":1000}]"), "0 0 0\n", -EINVAL, "logs[0]"},
	{"no nonce", "{\"record_bytes\":512,\"lanes\":2}", "", -EINVAL, "nonce"},
	{"bad nonce", "{\"nonce\":\"00ab00cd1234567x\"}", "", -EINVAL, "nonce"},
	{"no size", "{\"nonce\":\"00ab00cd12345678\",\"lanes\":2}", "", -EINVAL, "record_bytes"},
	{"no lanes", "{\"nonce\":\"00ab00cd12345678\",\"record_bytes\":512,\"lanes\":0}", "",
	 -EINVAL, "lanes"},
};

static int count(const cJSON *verdict, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(verdict, key);

	assert_non_null(item);
	return item->valueint;
}

static void run_row(const struct row *row)
{
	_cleanup_json_ cJSON *verdict = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	const char *mark = strstr(row->run, "%s");
	struct acks acks = {.name = "wal", .lines = row->lines, .len = strlen(row->lines)};
	struct err err = {""};
	int r;

	assert_true(asprintf(&text, "%.*s%s%s", (int)(mark ? mark - row->run : 1000), row->run,
			     mark ? log_path : "", mark ? mark + 2 : "") > 0);
	acks.run = cJSON_Parse(text);
	assert_non_null(acks.run);
	r = wal_acks_replay(&acks, verdict, &err);
	acks_free(&acks);
	if (r != row->code || (r < 0 && !strstr(err.text, row->says)))
		fail_msg("%s: %d, %s", row->name, r, err.text);
	if (count(verdict, "acknowledged") != row->acknowledged ||
	    count(verdict, "missing") != row->missing ||
	    count(verdict, "told_out_of_order") != row->out_of_order)
		fail_msg("%s: %s", row->name, cJSON_PrintUnformatted(verdict));
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		run_row(&rows[i]);
}

/* More lines than one write holds; whole lines in each, which lanes that share it depend on. */
static void test_told_lines_come_back(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct wal_header headers[500];
	struct op ops[500], *list[500];
	int fds[2];
	size_t len;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		headers[i] = (struct wal_header){.partition = 1023, .seq = 1000000 + i};
		ops[i] = (struct op){.data = &headers[i]};
		list[i] = &ops[i];
	}
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(wal_acks_tell(fds[1], 7, list, 500), 0);
	close(fds[1]);
	text = calloc(1, 65536);
	for (len = 0;;) {
		ssize_t n = read(fds[0], text + len, 65536 - len);

		assert_true(n >= 0);
		if (!n)
			break;
		len += (size_t)n;
	}
	close(fds[0]);
	assert_int_equal(len, 500 * strlen("1023 7 1000000\n"));
	assert_memory_equal(text, "1023 7 1000000\n1023 7 1000001\n", 30);
	assert_string_equal(text + len - 15, "1023 7 1000499\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_told_lines_come_back),
	};

	return cmocka_run_group_tests(tests, write_log, remove_log);
}

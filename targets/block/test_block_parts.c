// SPDX-License-Identifier: MIT
/* What needs no device: the table of stages, sizes, marks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "targets/block/block_backing.h"
#include "targets/block/block_mark.h"
#include "targets/block/block_stages.h"

static void a_stage_is_found_by_its_address(void **state)
{
	struct block_stages *s = block_stages_new(4);
	struct block_stage got;

	(void)state;
	assert_non_null(s);
	assert_false(block_stages_get(s, 4096, &got));
	for (uint64_t i = 1; i <= 16; i++)
		block_stages_put(s, &(struct block_stage){i * 4096, i, i + 1, i + 2, i + 3});
	for (uint64_t i = 1; i <= 16; i++) {
		/* Two may have met in a slot: then the later one is there, whole. */
		if (!block_stages_get(s, i * 4096, &got))
			continue;
		assert_int_equal(got.arrived_ns, i);
		assert_int_equal(got.committed_ns, i + 3);
	}
	assert_true(block_stages_get(s, 16 * 4096, &got));
	block_stages_free(s);
	block_stages_free(NULL);
}

#define WRITES 200000

static void *writer(void *arg)
{
	struct block_stages *s = arg;

	for (uint64_t i = 1; i <= WRITES; i++)
		block_stages_put(s, &(struct block_stage){4096, i, i, i, i});
	return NULL;
}

/* Two writers at one slot, in threads, and a reader: what is read is of one of them alone. */
static void a_stage_is_never_read_half(void **state)
{
	struct block_stages *s = block_stages_new(1);
	pthread_t threads[2];
	struct block_stage got;
	unsigned seen = 0;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, writer, s), 0);
	while (seen < 1000) {
		if (!block_stages_get(s, 4096, &got))
			continue;
		seen++;
		assert_int_equal(got.arrived_ns, got.started_ns);
		assert_int_equal(got.arrived_ns, got.ended_ns);
		assert_int_equal(got.arrived_ns, got.committed_ns);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_true(block_stages_get(s, 4096, &got));
	block_stages_free(s);
}

static void sizes_follow_the_working_set(void **state)
{
	const struct {
		uint64_t wanted, size, bytes;
	} rows[] = {
		{0, 0, 256u << 20},	  {4096, 0, 1 << 20},	       {3 << 20, 0, 3 << 20},
		{4096, 5 << 20, 5 << 20}, {0, (1 << 20) + 1, 2 << 20},
	};

	(void)state;
	for (unsigned i = 0; i < array_size(rows); i++) {
		struct block_world w = {.wanted_bytes = rows[i].wanted};

		assert_int_equal(block_size_bytes(&w, rows[i].size), rows[i].bytes);
	}
}

static void logical_blocks_fit_the_payload(void **state)
{
	const struct {
		uint64_t block_bytes, payload;
		const char *word; /* NULL: it fits */
	} rows[] = {
		{512, 512, NULL},     {4096, 4096, NULL},
		{4096, 65536, NULL},  {1536, 4608, "power of two"},
		{4096, 6144, "6144"}, {4096, 512, "block_bytes"},
	};

	(void)state;
	for (unsigned i = 0; i < array_size(rows); i++) {
		struct cell cell = {.axes.payload = rows[i].payload};
		struct err err = {""};

		assert_int_equal(block_bytes_check(&cell, rows[i].block_bytes, &err),
				 rows[i].word ? -EINVAL : 0);
		if (rows[i].word)
			assert_non_null(strstr(err.text, rows[i].word));
	}
}

static void marks_tell_the_dead_from_the_living(void **state)
{
	char mine[BLOCK_MARK_NAME_MAX], other[BLOCK_MARK_NAME_MAX];
	int fds[2];
	pid_t pid;

	(void)state;
	block_mark_name(mine);
	assert_false(block_mark_name_is_left(mine));
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		block_mark_name(other);
		_exit(write(fds[1], other, sizeof(other)) != sizeof(other));
	}
	assert_int_equal(read(fds[0], other, sizeof(other)), sizeof(other));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(block_mark_name_is_left(other));
	assert_false(block_mark_name_is_left("nullb0"));
	assert_false(block_mark_name_is_left("uhbench-"));
	assert_false(block_mark_name_is_left("uhbench-0000000000000001"));
	strcat(other, "0");
	assert_false(block_mark_name_is_left(other));
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stage_is_found_by_its_address),
		cmocka_unit_test(a_stage_is_never_read_half),
		cmocka_unit_test(sizes_follow_the_working_set),
		cmocka_unit_test(logical_blocks_fit_the_payload),
		cmocka_unit_test(marks_tell_the_dead_from_the_living),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

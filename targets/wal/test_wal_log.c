// SPDX-License-Identifier: MIT
/* Groups: where extents begin and end, and that short writes are gone on with at the right byte. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "targets/wal/wal_log.h"

#define RECORD 64u

static char memory[2 * 3000 * RECORD];

/* Buffer i of a lane whose buffers are neighbours, or lie apart. */
static char *buffer(unsigned i, bool apart)
{
	return memory + (apart ? 2 * i : i) * RECORD;
}

static void test_extents(void **state)
{
	static const struct {
		const char *name;
		uint64_t ring_records, first;
		unsigned records;
		bool apart;
		unsigned extents, buffers;
		uint64_t last_offset;
	} rows[] = {
		{"one", 10000, 0, 1, false, 1, 1, 0},
		{"neighbours in memory", 10000, 7, 100, false, 1, 1, 7},
		{"apart in memory", 10000, 7, 100, true, 1, 100, 7},
		{"as many as a call takes", 10000, 0, IOV_MAX, true, 1, IOV_MAX, 0},
		{"one more", 10000, 0, IOV_MAX + 1, true, 2, IOV_MAX + 1, IOV_MAX},
		{"up to the end", 100, 90, 10, true, 1, 10, 90},
		{"over the end", 100, 90, 20, true, 2, 20, 0},
		{"neighbours over the end", 100, 90, 20, false, 2, 2, 0},
		{"full calls over the end", 2600, 2500, 1300, true, 3, 1300, IOV_MAX},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct wal_log log = {.ring_bytes = rows[i].ring_records * RECORD,
				      .lsn = rows[i].first * RECORD};
		struct wal_group g;
		uint64_t bytes = 0;

		assert_int_equal(wal_group_init(&g, rows[i].records), 0);
		for (unsigned k = 0; k < rows[i].records; k++)
			wal_group_add(&g, &log, buffer(k, rows[i].apart), RECORD);
		for (unsigned k = 0; k < g.n_extents; k++)
			bytes += g.extents[k].bytes;
		if (g.n_extents != rows[i].extents || g.n_iov != rows[i].buffers ||
		    g.extents[g.n_extents - 1].offset != rows[i].last_offset * RECORD)
			fail_msg("%s: %u extents, %u buffers, the last at record %lu", rows[i].name,
				 g.n_extents, g.n_iov, g.extents[g.n_extents - 1].offset / RECORD);
		assert_true(g.n_extents <= g.max_extents);
		assert_int_equal(bytes, rows[i].records * RECORD);
		wal_group_free(&g);
	}
}

/* Any split into short writes must cover the same bytes of the same buffers. */
static void test_advance(void **state)
{
	static const uint64_t steps[] = {1, RECORD - 1, RECORD, RECORD + 1, 3 * RECORD};

	(void)state;
	for (size_t s = 0; s < array_size(steps); s++) {
		struct wal_log log = {.ring_bytes = 100 * RECORD};
		struct wal_extent *e;
		struct wal_group g;

		assert_int_equal(wal_group_init(&g, 10), 0);
		for (unsigned k = 0; k < 10; k++)
			wal_group_add(&g, &log, buffer(k, true), RECORD);
		e = &g.extents[0];
		for (uint64_t at = 0; at < 10 * RECORD;) {
			uint64_t step = min_of(steps[s], e->bytes);

			assert_int_equal(e->offset, at);
			assert_ptr_equal(e->iov->iov_base,
					 buffer((unsigned)(at / RECORD), true) + at % RECORD);
			assert_int_equal(e->iov->iov_len, RECORD - at % RECORD);
			wal_extent_advance(e, step);
			at += step;
		}
		assert_int_equal(e->bytes, 0);
		assert_int_equal(e->n_iov, 0);
		wal_group_free(&g);
	}
}

static void test_write(void **state)
{
	struct wal_log log = {.ring_bytes = 100 * RECORD, .lsn = 95 * RECORD, .label = "test"};
	_cleanup_fclose_ FILE *file = tmpfile();
	char got[RECORD];
	struct wal_group g;

	(void)state;
	assert_non_null(file);
	log.fd = fileno(file);
	assert_int_equal(wal_group_init(&g, 10), 0);
	for (unsigned k = 0; k < 10; k++) {
		memset(buffer(k, true), 'a' + (int)k, RECORD);
		wal_group_add(&g, &log, buffer(k, true), RECORD);
	}
	assert_int_equal(wal_group_write(&g, &log, 0), 0);
	for (unsigned k = 0; k < 10; k++) {
		assert_int_equal(pread(log.fd, got, RECORD, (95 + k) % 100 * RECORD), RECORD);
		assert_memory_equal(got, buffer(k, true), RECORD);
	}
	log.fd = -1;
	wal_group_clear(&g);
	wal_group_add(&g, &log, memory, RECORD);
	assert_int_equal(wal_group_write(&g, &log, 0), -EBADF);
	wal_group_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extents),
		cmocka_unit_test(test_advance),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

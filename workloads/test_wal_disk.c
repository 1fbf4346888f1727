// SPDX-License-Identifier: MIT
/* How many flushes make records durable, and whether a disk can be asked. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "workloads/wal_disk.h"

static void test_flushes_needed(void **state)
{
	static const struct {
		uint64_t acked, in_flight, most, least;
	} rows[] = {
		{0, 1, 0, 0},	      /* nothing asked, nothing needed */
		{3, 1, 0, 0},	      /* too few to tell */
		{1000, 1, 1000, 970}, /* each record its own */
		{100000, 1, 100000, 98000},
		{128000, 128, 1000, 970}, /* one for each full house */
		{127, 128, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		uint64_t n = wal_disk_flushes_needed(rows[i].acked, rows[i].in_flight);

		if (n > rows[i].most || n < rows[i].least)
			fail_msg("row %zu: %llu flushes", i, (unsigned long long)n);
	}
	/* Half of what is needed is never enough, however short the run that shows anything. */
	for (uint64_t acked = 16; acked < 4096; acked++)
		assert_true(wal_disk_flushes_needed(acked, 1) > acked / 2);
}

static void test_who_cannot_testify(void **state)
{
	static const struct wal_disk nowhere = {.major = 0, .minor = 0xfffff};
	_cleanup_close_ int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err err = {0};

	(void)state;
	assert_true(fd >= 0);
	assert_true(wal_disk_testifies(fd, &nowhere, false, &err) < 0);
	assert_true(err.text[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flushes_needed),
		cmocka_unit_test(test_who_cannot_testify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

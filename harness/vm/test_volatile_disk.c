// SPDX-License-Identifier: MIT
/*
 * What survives a cut, seed after seed: never less than what was flushed, never anything that was
 * not written, sectors whole, and all three fates met.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "harness/vm/volatile_disk.h"

#define SECTORS 64u
#define BYTES	((uint64_t)SECTORS * VOLATILE_SECTOR)
#define SEEDS	200u
#define SHIFT	(1u << 20) /* where the image of a cut begins in its file */

static struct volatile_disk *disk;
static char image[SECTORS][VOLATILE_SECTOR];
static struct volatile_cut fates;

static int open_disk(void **state)
{
	struct err err;

	(void)state;
	return volatile_disk_new(BYTES, &disk, &err);
}

static int close_disk(void **state)
{
	(void)state;
	volatile_disk_free(disk);
	return 0;
}

static void put(unsigned sector, unsigned n, char with, bool fua)
{
	_cleanup_free_ char *buf = malloc((size_t)n * VOLATILE_SECTOR);

	memset(buf, with, (size_t)n * VOLATILE_SECTOR);
	assert_int_equal(volatile_disk_write(disk, buf, (size_t)n * VOLATILE_SECTOR,
					     (uint64_t)sector * VOLATILE_SECTOR, fua),
			 0);
}

static char now(unsigned sector)
{
	char buf[VOLATILE_SECTOR];

	assert_int_equal(
		volatile_disk_read(disk, buf, sizeof(buf), (uint64_t)sector * VOLATILE_SECTOR), 0);
	return buf[0];
}

/* Cuts, and reads the image; whole sectors are of one letter. */
static void cut(uint64_t seed)
{
	struct rng rng;
	struct err err;
	int fd = volatile_file(SHIFT + BYTES, &err);

	assert_true(fd >= 0);
	rng_seed(&rng, seed);
	assert_int_equal(volatile_disk_cut(disk, &rng, fd, SHIFT, &fates), 0);
	assert_int_equal(pread(fd, image, sizeof(image), SHIFT), sizeof(image));
	close(fd);
	for (unsigned i = 0; i < SECTORS; i++)
		for (unsigned k = 1; k < VOLATILE_SECTOR; k++)
			assert_int_equal(image[i][k], image[i][0]);
}

static void test_reads_see_what_is_not_durable(void **state)
{
	(void)state;
	put(3, 2, 'a', false);
	put(4, 1, 'b', false);
	assert_int_equal(now(2), 0);
	assert_int_equal(now(3), 'a');
	assert_int_equal(now(4), 'b');
}

static void test_what_is_flushed_stays(void **state)
{
	(void)state;
	put(0, SECTORS, 'a', false);
	assert_int_equal(volatile_disk_flush(disk), 0);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		cut(seed);
		assert_int_equal(fates.writes, 0);
		for (unsigned i = 0; i < SECTORS; i++)
			assert_int_equal(image[i][0], 'a');
	}
}

static void test_all_three_fates(void **state)
{
	unsigned kept = 0, dropped = 0, torn = 0, half = 0;

	(void)state;
	put(8, 16, 'a', false);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		unsigned there = 0;

		cut(seed);
		for (unsigned i = 0; i < SECTORS; i++) {
			assert_int_equal(image[i][0], i >= 8 && i < 24 && image[i][0] ? 'a' : 0);
			there += image[i][0] == 'a';
		}
		assert_int_equal(fates.kept + fates.dropped + fates.torn, 1);
		assert_int_equal(fates.bytes, 16 * VOLATILE_SECTOR);
		assert_true(fates.torn || there == (fates.kept ? 16 : 0));
		kept += fates.kept;
		dropped += fates.dropped;
		torn += fates.torn;
		half += there > 0 && there < 16;
	}
	/* 1/6, 2/3 and 1/6 of 200, give or take five deviations. */
	assert_in_range(kept, 7, 60);
	assert_in_range(dropped, 100, 167);
	assert_in_range(torn, 7, 60);
	assert_true(half >= torn - 2);
}

static void test_a_seed_repeats_a_cut(void **state)
{
	char first[sizeof(image)];

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		put(i, 4, (char)('a' + i), false);
	for (uint64_t seed = 0; seed < 20; seed++) {
		cut(seed);
		memcpy(first, image, sizeof(image));
		cut(seed);
		assert_memory_equal(first, image, sizeof(image));
	}
}

static void test_fua_is_durable_alone(void **state)
{
	(void)state;
	put(0, 1, 'a', false);
	put(1, 1, 'b', true);
	for (uint64_t seed = 0, lost = 0; seed < SEEDS; seed++) {
		cut(seed);
		assert_int_equal(image[1][0], 'b');
		lost += !image[0][0];
		assert_true(seed < SEEDS - 1 || lost > SEEDS / 4);
	}
}

static void test_older_writes_never_come_out_above_fua(void **state)
{
	(void)state;
	put(0, 8, 'o', false);
	put(2, 2, 'f', true);
	put(3, 1, 'n', false);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		cut(seed);
		assert_int_equal(image[2][0], 'f');
		assert_true(image[3][0] == 'f' || image[3][0] == 'n');
	}
}

static void test_any_version_since_the_flush(void **state)
{
	bool met[128] = {false};

	(void)state;
	put(5, 1, 'a', false);
	assert_int_equal(volatile_disk_flush(disk), 0);
	put(5, 1, 'b', false);
	put(5, 1, 'c', false);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		cut(seed);
		met[(unsigned char)image[5][0] & 127] = true;
		assert_in_range(image[5][0], 'a', 'c');
	}
	assert_true(met['a'] && met['b'] && met['c']);
}

static void test_zeroes(void **state)
{
	bool gone = false, there = false;

	(void)state;
	put(0, SECTORS, 'a', false);
	assert_int_equal(volatile_disk_flush(disk), 0);
	assert_int_equal(volatile_disk_zero(disk, 4 * VOLATILE_SECTOR, 0, false), 0);
	assert_int_equal(volatile_disk_zero(disk, VOLATILE_SECTOR, 9 * VOLATILE_SECTOR, true), 0);
	assert_int_equal(now(0), 0);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		cut(seed);
		assert_int_equal(image[9][0], 0);
		assert_int_equal(image[8][0], 'a');
		gone |= !image[0][0];
		there |= image[0][0] == 'a';
	}
	assert_true(gone && there);
}

static void test_the_disk_goes_on_after_a_cut(void **state)
{
	(void)state;
	put(0, 4, 'a', false);
	cut(1);
	assert_int_equal(now(0), 'a');
	assert_int_equal(volatile_disk_flush(disk), 0);
	cut(2);
	assert_int_equal(image[0][0], 'a');
	assert_int_equal(volatile_disk_stats(disk).flushes, 1);
}

static void test_a_full_cache_makes_room(void **state)
{
	const size_t chunk = 16 << 20;
	_cleanup_free_ char *buf = malloc(chunk);
	struct volatile_disk *d;
	struct volatile_cut c;
	struct err err;
	struct rng rng;
	int fd;

	(void)state;
	memset(buf, 'x', chunk);
	assert_int_equal(volatile_disk_new(8 * chunk, &d, &err), 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(volatile_disk_write(d, buf, chunk, i * chunk, false), 0);
	fd = volatile_file(8 * chunk, &err);
	rng_seed(&rng, 1);
	assert_int_equal(volatile_disk_cut(d, &rng, fd, 0, &c), 0);
	assert_int_equal(c.bytes, VOLATILE_CACHE_BYTES);
	assert_int_equal(pread(fd, buf, 1, 0), 1);
	assert_int_equal(buf[0], 'x');
	close(fd);
	volatile_disk_free(d);
}

static void test_what_was_there_before(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(pwrite(volatile_disk_fd(disk), "hello", 5, 4096), 5);
	assert_int_equal(volatile_disk_settle(disk, &err), 0);
	assert_int_equal(now(8), 'h');
	assert_int_equal(ftruncate(volatile_disk_fd(disk), 100), 0);
	assert_int_equal(volatile_disk_settle(disk, &err), -EIO);
	assert_non_null(strstr(err.text, "size"));
}

#define WITH_DISK(test) cmocka_unit_test_setup_teardown(test, open_disk, close_disk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DISK(test_reads_see_what_is_not_durable),
		WITH_DISK(test_what_is_flushed_stays),
		WITH_DISK(test_all_three_fates),
		WITH_DISK(test_a_seed_repeats_a_cut),
		WITH_DISK(test_fua_is_durable_alone),
		WITH_DISK(test_older_writes_never_come_out_above_fua),
		WITH_DISK(test_any_version_since_the_flush),
		WITH_DISK(test_zeroes),
		WITH_DISK(test_the_disk_goes_on_after_a_cut),
		cmocka_unit_test(test_a_full_cache_makes_room),
		WITH_DISK(test_what_was_there_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

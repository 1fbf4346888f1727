// SPDX-License-Identifier: MIT
/* Every way in which a sector can be wrong has its name, and no flipped bit goes unseen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "workloads/block_stamp.h"

#define LEN 4096

static const struct block_stamp mine = {.nonce = 77, .addr = 8192, .generation = 3};

static enum block_fault check(const void *buf, unsigned may_be, uint32_t *at)
{
	*at = UINT32_MAX;
	return block_stamp_check(buf, LEN, &mine, may_be, at);
}

static void what_was_stamped_is_good(void **state)
{
	uint8_t buf[LEN];
	uint32_t at;

	(void)state;
	block_stamp_fill(buf, LEN, &mine);
	assert_int_equal(check(buf, BLOCK_MAY_BE_STAMPED, &at), BLOCK_GOOD);
	assert_int_equal(check(buf, BLOCK_MAY_BE_STAMPED | BLOCK_MAY_BE_ZERO, &at), BLOCK_GOOD);
	assert_int_equal(check(buf, BLOCK_MAY_BE_ZERO, &at), BLOCK_STALE);
	assert_int_equal(at, 0);
}

static void every_flipped_bit_shows(void **state)
{
	uint8_t buf[LEN];
	uint32_t at;

	(void)state;
	block_stamp_fill(buf, LEN, &mine);
	for (uint32_t bit = 0; bit < LEN * 8; bit++) {
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(check(buf, BLOCK_MAY_BE_STAMPED, &at), BLOCK_CORRUPT);
		assert_int_equal(at, bit / 8 / BLOCK_SECTOR * BLOCK_SECTOR);
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void faults_have_names(void **state)
{
	const struct {
		struct block_stamp other; /* of the last sector */
		enum block_fault fault;
	} rows[] = {
		{{77, 8192, 2}, BLOCK_STALE},	  {{77, 8192, 4}, BLOCK_STALE},
		{{77, 4096, 3}, BLOCK_MISPLACED}, {{77, 8192 + 512, 3}, BLOCK_MISPLACED},
		{{78, 8192, 3}, BLOCK_FOREIGN},
	};
	uint8_t buf[LEN], other[LEN];
	uint32_t at;

	(void)state;
	for (unsigned i = 0; i < array_size(rows); i++) {
		block_stamp_fill(buf, LEN, &mine);
		block_stamp_fill(other, LEN, &rows[i].other);
		memcpy(buf + LEN - BLOCK_SECTOR, other + LEN - BLOCK_SECTOR, BLOCK_SECTOR);
		assert_int_equal(check(buf, BLOCK_MAY_BE_STAMPED, &at), rows[i].fault);
		assert_int_equal(at, LEN - BLOCK_SECTOR);
	}
}

static void zeroes_are_blank_unless_they_may_be(void **state)
{
	uint8_t buf[LEN];
	uint32_t at;

	(void)state;
	block_stamp_fill(buf, LEN, &mine);
	memset(buf + 512, 0, 512);
	assert_int_equal(check(buf, BLOCK_MAY_BE_STAMPED, &at), BLOCK_BLANK);
	assert_int_equal(at, 512);
	assert_int_equal(check(buf, BLOCK_MAY_BE_STAMPED | BLOCK_MAY_BE_ZERO, &at), BLOCK_GOOD);
	memset(buf, 0, LEN);
	assert_int_equal(check(buf, BLOCK_MAY_BE_ZERO, &at), BLOCK_GOOD);
	buf[LEN - 1] = 1;
	assert_int_equal(check(buf, BLOCK_MAY_BE_ZERO, &at), BLOCK_CORRUPT);
	assert_int_equal(at, LEN - 512);
}

/* A read that leaves its buffer as it was must not pass, whatever the slot held before. */
static void a_spoilt_buffer_is_corrupt(void **state)
{
	uint8_t buf[LEN] = {0};
	uint32_t at;

	(void)state;
	block_stamp_spoil(buf, LEN);
	assert_int_equal(check(buf, BLOCK_MAY_BE_ZERO, &at), BLOCK_CORRUPT);
	block_stamp_fill(buf, LEN, &mine);
	block_stamp_spoil(buf, LEN);
	assert_int_equal(check(buf, BLOCK_MAY_BE_STAMPED, &at), BLOCK_CORRUPT);
	block_stamp_fill(buf, LEN - 512, &mine);
	assert_int_equal(check(buf, BLOCK_MAY_BE_STAMPED, &at), BLOCK_CORRUPT);
	assert_int_equal(at, LEN - 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_stamped_is_good),
		cmocka_unit_test(every_flipped_bit_shows),
		cmocka_unit_test(faults_have_names),
		cmocka_unit_test(zeroes_are_blank_unless_they_may_be),
		cmocka_unit_test(a_spoilt_buffer_is_corrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* CRC32C against the vectors of RFC 3720, B.4, and the two implementations against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "harness/util/crc32c.h"

typedef uint32_t (*crc_fn)(uint32_t crc, const void *data, size_t len);

static void fill(uint8_t *buf, size_t len)
{
	uint32_t x = 2463534242u;

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		buf[i] = (uint8_t)x;
	}
}

static void check_vectors(crc_fn fn)
{
	static const uint8_t scsi_read[48] = {
		0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
		0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	};
	uint8_t zeros[32] = {0}, ones[32], up[32], down[32];

	memset(ones, 0xff, sizeof(ones));
	for (unsigned i = 0; i < 32; i++) {
		up[i] = (uint8_t)i;
		down[i] = (uint8_t)(31 - i);
	}
	assert_int_equal(fn(0, "", 0), 0);
	assert_int_equal(fn(0, "123456789", 9), 0xe3069283);
	assert_int_equal(fn(0, zeros, 32), 0x8a9136aa);
	assert_int_equal(fn(0, ones, 32), 0x62a8ab43);
	assert_int_equal(fn(0, up, 32), 0x46dd794e);
	assert_int_equal(fn(0, down, 32), 0x113fdb5c);
	assert_int_equal(fn(0, scsi_read, 48), 0xd9963a56);
}

static void test_portable_vectors(void **state)
{
	(void)state;
	check_vectors(crc32c_portable);
}

static void test_machine_vectors(void **state)
{
	(void)state;
	if (!crc32c_has_machine())
		skip();
	check_vectors(crc32c_machine);
}

/* Every length around the block sizes, from every alignment, whole and in two pieces. */
static void test_machine_equals_portable(void **state)
{
	uint8_t buf[9000];

	(void)state;
	if (!crc32c_has_machine())
		skip();
	fill(buf, sizeof(buf));
	for (size_t len = 0; len < sizeof(buf) - 8; len += len < 600 ? 1 : 61) {
		size_t skew = len % 8, cut = len / 3;
		uint32_t want = crc32c_portable(0, buf + skew, len);

		assert_int_equal(crc32c_machine(0, buf + skew, len), want);
		assert_int_equal(crc32c_machine(crc32c_machine(0, buf + skew, cut),
						buf + skew + cut, len - cut),
				 want);
		assert_int_equal(crc32c(0, buf + skew, len), want);
	}
}

static void test_every_bit_counts(void **state)
{
	uint8_t buf[4096];
	uint32_t whole;

	(void)state;
	fill(buf, sizeof(buf));
	whole = crc32c(0, buf, sizeof(buf));
	for (size_t bit = 0; bit < 8 * sizeof(buf); bit += 37) {
		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(crc32c(0, buf, sizeof(buf)), whole);
		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_portable_vectors),
		cmocka_unit_test(test_machine_vectors),
		cmocka_unit_test(test_machine_equals_portable),
		cmocka_unit_test(test_every_bit_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* A datagram is recognised exactly when every byte of it is right and it is of this run. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "workloads/udp_datagram.h"

#define NONCE 0x1122334455667788ull

static const struct udp_stream stream = {.lane = 3, .destination = 7, .seq = 1ull << 40};

static void make(void *data, size_t len)
{
	udp_header_make(data, len, NONCE, &stream, udp_body_make(data, len, 42));
}

static void test_round_trip(void **state)
{
	static const size_t sizes[] = {32, 33, 39, 40, 64, 1400, 65507};
	static uint8_t data[65507];

	(void)state;
	for (unsigned i = 0; i < array_size(sizes); i++) {
		struct udp_stream at = {0};

		make(data, sizes[i]);
		assert_int_equal(udp_datagram_read(data, sizes[i], NONCE, &at), 0);
		assert_int_equal(at.lane, stream.lane);
		assert_int_equal(at.destination, stream.destination);
		assert_int_equal(at.seq, stream.seq);
	}
}

static void test_every_bit_counts(void **state)
{
	uint8_t data[64];
	struct udp_stream at;

	(void)state;
	for (unsigned bit = 0; bit < sizeof(data) * 8; bit++) {
		make(data, sizeof(data));
		data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (!udp_datagram_read(data, sizeof(data), NONCE, &at))
			fail_msg("bit %u may flip unseen", bit);
	}
}

static void test_length_and_run(void **state)
{
	uint8_t data[80] = {0};
	struct udp_stream at = {.lane = 99};

	(void)state;
	make(data, 64);
	assert_int_equal(udp_datagram_read(data, 63, NONCE, &at), -EBADMSG);
	assert_int_equal(udp_datagram_read(data, 65, NONCE, &at), -EBADMSG);
	assert_int_equal(udp_datagram_read(data, 31, NONCE, &at), -EBADMSG);
	assert_int_equal(udp_datagram_read(data, 0, NONCE, &at), -EBADMSG);
	assert_int_equal(udp_datagram_read(data, 64, NONCE + 1, &at), -EBADMSG);
	assert_int_equal(at.lane, 99);
}

/* The body of a neighbouring slot under our header is noticed. */
static void test_bodies_differ(void **state)
{
	uint8_t one[64], other[64];
	struct udp_stream at;

	(void)state;
	make(one, sizeof(one));
	udp_body_make(other, sizeof(other), 43);
	memcpy(other, one, sizeof(struct udp_header));
	assert_int_equal(udp_datagram_read(other, sizeof(other), NONCE, &at), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_length_and_run),
		cmocka_unit_test(test_bodies_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

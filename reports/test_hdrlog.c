// SPDX-License-Identifier: MIT
/*
 * The encoding, byte for byte, against what npm's hdr-histogram-js 3.0.1 wrote for the same counts.
 * Compared after inflating, since deflate's output belongs to the zlib at hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "harness/hist.h"
#include "harness/util/cleanup.h"
#include "reports/hdrlog.h"

static void test_zigzag(void **state)
{
	static const struct {
		int64_t value;
		size_t n;
		uint8_t bytes[9];
	} rows[] = {
		{0, 1, {0}},
		{1, 1, {2}},
		{-1, 1, {1}},
		{63, 1, {126}},
		{64, 2, {0x80, 0x01}},
		{-251, 2, {0xf5, 0x03}},
		{70000, 3, {0xe0, 0xc5, 0x08}},
		{INT64_MAX, 9, {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		{INT64_MIN, 9, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
	};
	uint8_t got[9];

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		assert_int_equal(hdrlog_zigzag(got, rows[i].value), rows[i].n);
		assert_memory_equal(got, rows[i].bytes, rows[i].n);
	}
}

/* RFC 4648, strict enough for what we write. Returns the length. */
static size_t decode_base64(const char *text, uint8_t *to)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = 0, bits = 0;
	uint32_t v = 0;

	assert_int_equal(strlen(text) % 4, 0);
	for (; *text && *text != '='; text++) {
		const char *at = strchr(digits, *text);

		assert_non_null(at);
		v = v << 6 | (uint32_t)(at - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			to[n++] = (uint8_t)(v >> bits);
		}
	}
	assert_true(strlen(text) <= 2);
	return n;
}

static void check_encoding(const uint16_t *index, const uint64_t *counts, unsigned n,
			   const char *want_hex)
{
	_cleanup_free_ char *text = NULL;
	uint8_t packed[512], plain[512];
	char hex[1025] = "";
	uLongf len = sizeof(plain);
	size_t packed_len;

	assert_int_equal(hdrlog_encode(index, counts, n, &text), 0);
	packed_len = decode_base64(text, packed);
	assert_memory_equal(packed, "\x1c\x84\x93\x14", 4);
	assert_int_equal(packed[6] << 8 | packed[7], packed_len - 8);
	assert_int_equal(uncompress(plain, &len, packed + 8, packed_len - 8), Z_OK);
	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", plain[i]);
	assert_string_equal(hex, want_hex);
}

static void test_known(void **state)
{
	const uint16_t index[] = {
		0, 1, 3, 255, 256, (uint16_t)hist_index(1000000), HIST_BUCKETS - 1};
	const uint64_t counts[] = {1, 2, 200, 1, 70000, 3, 1ull << 40};

	(void)state;
	check_encoding(
		index, counts, array_size(index),
		"1c849313000000160000000000000002000000000000000100"
		"0003ffffffffff3ff00000000000000204009003f50302e0c508e51706932c808080808040");
}

static void test_empty(void **state)
{
	(void)state;
	check_encoding(
		NULL, NULL, 0,
		"1c8493130000000000000000000000020000000000000001000003ffffffffff3ff0000000000000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zigzag),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

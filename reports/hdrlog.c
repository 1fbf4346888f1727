// SPDX-License-Identifier: MIT
/*
 * Our buckets are HdrHistogram's with two significant digits, lowest value 1 and highest 2^42 - 1
 * (harness/hist.h), so encoding is a copy of the counts: no value is rounded a second time.
 */
#include "reports/hdrlog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "harness/hist.h"
#include "harness/util/cleanup.h"

#define COOKIE_V2	     0x1c849313u /* base 0x1c849303, word size 0x10 */
#define COOKIE_V2_COMPRESSED 0x1c849314u
#define HEADER_BYTES	     40
#define LEB_MAX		     9

static void put_be(uint8_t *to, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

size_t hdrlog_zigzag(uint8_t *to, int64_t value)
{
	uint64_t v = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
	size_t n = 0;

	for (; n < LEB_MAX - 1 && v >= 0x80; v >>= 7)
		to[n++] = (uint8_t)(v | 0x80);
	to[n++] = (uint8_t)v; /* the ninth byte holds eight bits */
	return n;
}

static void put_header(uint8_t *to, size_t payload)
{
	const double ratio = 1.0;
	uint64_t bits;

	memcpy(&bits, &ratio, sizeof(bits));
	put_be(to, COOKIE_V2, 4);
	put_be(to + 4, payload, 4);
	put_be(to + 8, 0, 4);  /* normalizing index offset */
	put_be(to + 12, 2, 4); /* significant digits */
	put_be(to + 16, 1, 8); /* lowest discernible value */
	put_be(to + 24, HIST_MAX, 8);
	put_be(to + 32, bits, 8); /* integer to double conversion */
}

static size_t put_counts(uint8_t *to, const uint16_t *index, const uint64_t *counts, unsigned n)
{
	size_t len = 0;
	unsigned next = 0;

	for (unsigned i = 0; i < n; i++) {
		if (!counts[i])
			continue;
		if (index[i] > next + 1)
			len += hdrlog_zigzag(to + len, -(int64_t)(index[i] - next));
		else if (index[i] > next)
			to[len++] = 0; /* one zero is a plain zero */
		len += hdrlog_zigzag(to + len, (int64_t)counts[i]);
		next = index[i] + 1u;
	}
	return len;
}

static char *base64(const uint8_t *from, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = malloc((n + 2) / 3 * 4 + 1);
	char *to = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)from[i] << 16;

		v |= i + 1 < n ? (uint32_t)from[i + 1] << 8 : 0;
		v |= i + 2 < n ? from[i + 2] : 0u;
		*to++ = digits[v >> 18];
		*to++ = digits[v >> 12 & 63];
		*to++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
		*to++ = i + 2 < n ? digits[v & 63] : '=';
	}
	*to = '\0';
	return text;
}

int hdrlog_encode(const uint16_t *index, const uint64_t *counts, unsigned n, char **ret)
{
	size_t room = HEADER_BYTES + (size_t)n * 2 * LEB_MAX, len;
	_cleanup_free_ uint8_t *plain = malloc(room);
	_cleanup_free_ uint8_t *packed = malloc(8 + compressBound(room));
	uLongf packed_len = compressBound(room);
	char *text;

	if (!plain || !packed)
		return -ENOMEM;
	len = put_counts(plain + HEADER_BYTES, index, counts, n);
	put_header(plain, len);
	if (compress2(packed + 8, &packed_len, plain, HEADER_BYTES + len, Z_BEST_COMPRESSION) !=
	    Z_OK)
		return -ENOMEM; /* the only way to fail with room for compressBound() */
	put_be(packed, COOKIE_V2_COMPRESSED, 4);
	put_be(packed + 4, packed_len, 4);
	text = base64(packed, 8 + packed_len);
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

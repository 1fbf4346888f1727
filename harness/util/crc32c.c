// SPDX-License-Identifier: MIT
/*
 * CRC32C by the crc32 instruction of SSE4.2, picked at run time, and by a table of 16 entries.
 *
 * The instruction has a latency of three cycles and a throughput of one, so a long buffer is summed
 * as three neighbouring blocks at once. To join them, the sum of a block is moved over the n bytes
 * that follow it, which is a multiplication by x^8n modulo P. A carry-less product of two reflected
 * values is shifted by one bit, and crc32 of eight bytes multiplies by x^32 while it reduces, hence
 * the constants are x^(8n - 33) mod P (Gopal et al., "Fast CRC Computation for iSCSI Polynomial
 * Using CRC32 Instruction", Intel 2011). The test compares all lengths with the portable sum.
 */
#include "harness/util/crc32c.h"

#include <string.h>

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const uint8_t *p = data;

	crc = ~crc;
	while (len--) {
		crc ^= *p++;
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return ~crc;
}

#if defined(__x86_64__)

#include <immintrin.h>

#define MACHINE __attribute__((target("sse4.2,pclmul")))

#define LONG_BLOCK   1360 /* three of them fit into a record of 4 KiB */
#define LONG_OVER_1  0x3f70cc6f
#define LONG_OVER_2  0x5aa1f3cf
#define SHORT_BLOCK  168
#define SHORT_OVER_1 0x1b3d8f29
#define SHORT_OVER_2 0xa60ce07b

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

MACHINE static inline uint64_t shift_product(uint64_t crc, uint32_t by)
{
	__m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc),
					       _mm_cvtsi64_si128((long long)by), 0);

	return (uint64_t)_mm_cvtsi128_si64(product);
}

/* Sums 3 * block bytes: a continues the sum so far, b and c start from nothing. */
MACHINE static inline uint64_t sum_three(uint64_t a, const uint8_t *p, size_t block,
					 uint32_t over_1, uint32_t over_2)
{
	uint64_t b = 0, c = 0;

	for (const uint8_t *end = p + block; p < end; p += 8) {
		a = _mm_crc32_u64(a, load64(p));
		b = _mm_crc32_u64(b, load64(p + block));
		c = _mm_crc32_u64(c, load64(p + 2 * block));
	}
	return _mm_crc32_u64(0, shift_product(a, over_2) ^ shift_product(b, over_1)) ^ c;
}

MACHINE uint32_t crc32c_machine(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t sum = (uint32_t)~crc;

	for (; len >= 3 * LONG_BLOCK; p += 3 * LONG_BLOCK, len -= 3 * LONG_BLOCK)
		sum = sum_three(sum, p, LONG_BLOCK, LONG_OVER_1, LONG_OVER_2);
	for (; len >= 3 * SHORT_BLOCK; p += 3 * SHORT_BLOCK, len -= 3 * SHORT_BLOCK)
		sum = sum_three(sum, p, SHORT_BLOCK, SHORT_OVER_1, SHORT_OVER_2);
	for (; len >= 8; p += 8, len -= 8)
		sum = _mm_crc32_u64(sum, load64(p));
	for (; len; p++, len--)
		sum = _mm_crc32_u8((uint32_t)sum, *p);
	return ~(uint32_t)sum;
}

bool crc32c_has_machine(void)
{
	return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

#else

bool crc32c_has_machine(void)
{
	return false;
}

uint32_t crc32c_machine(uint32_t crc, const void *data, size_t len)
{
	return crc32c_portable(crc, data, len);
}

#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	return crc32c_has_machine() ? crc32c_machine(crc, data, len)
				    : crc32c_portable(crc, data, len);
}

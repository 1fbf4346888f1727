// SPDX-License-Identifier: MIT
/* What the driver describes, as the server takes it; and what it tells of it afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "targets/ublk/ublk_request.h"

#define SIZE (1ull << 20)

static void test_read(void **state)
{
	static const struct {
		struct ublksrv_io_desc desc;
		bool legal;
		struct ublk_request request;
	} rows[] = {
		{{UBLK_IO_OP_READ, 8, 16, 0}, true, {8192, 4096, UBLK_IO_OP_READ}},
		{{UBLK_IO_OP_WRITE | UBLK_IO_F_FUA, 1, 0, 0}, true, {0, 512, UBLK_IO_OP_WRITE}},
		{{UBLK_IO_OP_READ, 1, 2047, 0}, true, {SIZE - 512, 512, UBLK_IO_OP_READ}},
		{{UBLK_IO_OP_WRITE_ZEROES | UBLK_IO_F_NOUNMAP, 2048, 0, 0},
		 true,
		 {0, SIZE, UBLK_IO_OP_WRITE_ZEROES}},
		{{UBLK_IO_OP_DISCARD, 2, 4, 0}, true, {2048, 1024, UBLK_IO_OP_DISCARD}},
		{{UBLK_IO_OP_FLUSH, 0, UINT64_MAX, 0},
		 true,
		 {UINT64_MAX << 9, 0, UBLK_IO_OP_FLUSH}},
		/* beyond the end, by one sector, by far, and by an overflow of either figure */
		{{UBLK_IO_OP_READ, 2, 2047, 0}, false, {SIZE - 512, 1024, UBLK_IO_OP_READ}},
		{{UBLK_IO_OP_WRITE, 1, 2048, 0}, false, {SIZE, 512, UBLK_IO_OP_WRITE}},
		{{UBLK_IO_OP_DISCARD, 1u << 23, 0, 0}, false, {0, 0, UBLK_IO_OP_DISCARD}},
		{{UBLK_IO_OP_WRITE, 8, UINT64_MAX >> 9, 0},
		 false,
		 {UINT64_MAX >> 9 << 9, 4096, UBLK_IO_OP_WRITE}},
		/* operations that no device of ours has */
		{{UBLK_IO_OP_WRITE_SAME, 1, 0, 0}, false, {0, 512, UBLK_IO_OP_WRITE_SAME}},
		{{13, 1, 0, 0}, false, {0, 512, UBLK_IO_OP_WRITE_SAME}},
		{{0xff, 1, 0, 0}, false, {0, 512, UBLK_IO_OP_WRITE_SAME}},
	};

	(void)state;
	for (unsigned i = 0; i < array_size(rows); i++) {
		struct ublk_request r;

		assert_int_equal(ublk_request_read(&r, &rows[i].desc, SIZE), rows[i].legal);
		assert_int_equal(r.op, rows[i].request.op);
		assert_int_equal(r.offset, rows[i].request.offset);
		assert_int_equal(r.bytes, rows[i].request.bytes);
	}
}

static unsigned count_told(const struct block_stages *s, uint64_t offset, uint64_t bytes,
			   uint32_t each, uint64_t committed)
{
	struct block_stage stage;
	unsigned n = 0;

	for (uint64_t at = offset; at < offset + bytes; at += each)
		n += block_stages_get(s, at, &stage) && stage.committed_ns == committed;
	return n;
}

static void test_tell(void **state)
{
	struct block_stages *s = block_stages_new(64);
	struct ublk_request merged = {8192, 4 * 4096, UBLK_IO_OP_WRITE},
			    one = {1 << 20, 4096, UBLK_IO_OP_READ},
			    discard = {0, 1 << 30, UBLK_IO_OP_DISCARD};
	struct block_stage stage;

	(void)state;
	assert_non_null(s);
	ublk_request_tell(&merged, s, (struct block_stage){.committed_ns = 7}, 4096);
	assert_int_equal(count_told(s, 8192, 4 * 4096, 4096, 7), 4);
	assert_false(block_stages_get(s, 8192 + 512, &stage));
	ublk_request_tell(&one, s, (struct block_stage){.arrived_ns = 1, .committed_ns = 9}, 4096);
	assert_true(block_stages_get(s, 1 << 20, &stage));
	assert_int_equal(stage.arrived_ns, 1);
	/* A discard is one operation however large: it must not fill the table. */
	ublk_request_tell(&discard, s, (struct block_stage){.committed_ns = 11}, 4096);
	assert_int_equal(count_told(s, 0, 1 << 24, 4096, 11), 1);
	block_stages_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

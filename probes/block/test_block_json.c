// SPDX-License-Identifier: MIT
/* What `block` says of requests: names, and a short histogram that agrees with the full one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "probes/block/block_json.h"

static const cJSON *at(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItem(o, key);
}

static void test_row(void **state)
{
	static const uint64_t values[] = {0, 1, 127, 128, 255, 256, 65535, 65536, 1ull << 41};
	static const unsigned slots[] = {0, 0, 6, 7, 7, 8, 15, 16, 31};
	_cleanup_free_ struct block_requests *r = calloc(1, sizeof(*r));
	unsigned expected[SLOTS32] = {0};
	_cleanup_json_ cJSON *o = NULL;

	(void)state;
	assert_non_null(r);
	*r = (struct block_requests){
		.device = "vda", .op = BLOCK_FLUSH, .by = BLOCK_OTHERS, .bytes = 7, .failed = 2};
	hist_init(&r->hist);
	for (unsigned i = 0; i < array_size(values); i++) {
		hist_record_n(&r->hist, values[i], i + 1);
		expected[slots[i]] += i + 1;
	}
	o = block_json(r);
	assert_string_equal(cJSON_GetStringValue(at(o, "device")), "vda");
	assert_string_equal(cJSON_GetStringValue(at(o, "operation")), "flush");
	assert_string_equal(cJSON_GetStringValue(at(o, "by")), "others");
	assert_int_equal(at(o, "count")->valuedouble, 45);
	assert_true(at(o, "max_ns")->valuedouble == (double)(1ull << 41));
	assert_int_equal(at(o, "bytes")->valuedouble, 7);
	assert_int_equal(at(o, "failed")->valuedouble, 2);
	for (int i = 0; i < SLOTS32; i++)
		assert_int_equal(cJSON_GetArrayItem(at(o, "slots"), i)->valuedouble, expected[i]);
	assert_int_equal(at(at(o, "histogram"), "count")->valuedouble, 45);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

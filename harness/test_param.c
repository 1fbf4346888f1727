// SPDX-License-Identifier: MIT
/* Values of every type: accepted, refused with which words, written back, compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "harness/param.h"
#include "harness/util/cleanup.h"

struct config {
	uint64_t count, bytes, ns, rate;
	int mode;
	bool on;
	char text[PARAM_STRING_MAX];
};

static const char *const modes[] = {"fdatasync", "dsync", NULL};

static const struct param rows[] = {
	{"count", PARAM_INT, offsetof(struct config, count), "3", 1, 100, NULL, NULL, "h", false},
	{"bytes", PARAM_SIZE, offsetof(struct config, bytes), "64k", 512, 0, NULL, NULL, "h",
	 false},
	{"ns", PARAM_TIME, offsetof(struct config, ns), "1ms", 1000, 2000000000, NULL, NULL, "h",
	 false},
	{"mode", PARAM_ENUM, offsetof(struct config, mode), "dsync", 0, 0, modes, NULL, "h", false},
	{"on", PARAM_BOOL, offsetof(struct config, on), "true", 0, 0, NULL, NULL, "h", false},
	{"text", PARAM_STRING, offsetof(struct config, text), NULL, 0, 0, NULL, NULL, "h", false},
	{"rate", PARAM_RATE, offsetof(struct config, rate), "0", 0, 1000000, NULL, NULL, "h",
	 false},
	PARAM_END,
};

static void test_defaults(void **state)
{
	struct config c = {0};

	(void)state;
	assert_int_equal(param_defaults(rows, &c), 0);
	assert_int_equal(c.count, 3);
	assert_int_equal(c.bytes, 65536);
	assert_int_equal(c.ns, 1000000);
	assert_int_equal(c.mode, 1);
	assert_true(c.on);
	assert_string_equal(c.text, "");
	for (const struct param *row = rows; row->name; row++)
		assert_true(param_is_default(row, &c));
	assert_int_equal(param_defaults(NULL, NULL), 0);
}

static void test_bad_default(void **state)
{
	const struct param bad[] = {
		{"count", PARAM_INT, offsetof(struct config, count), "0", 1, 9, NULL, NULL, "h",
		 false},
		PARAM_END,
	};
	struct config c = {0};

	(void)state;
	assert_int_equal(param_defaults(bad, &c), -EINVAL);
}

/* Value in JSON -> the value as plain text, or the message. */
static const struct {
	const char *name, *json, *plain, *human, *message;
} values[] = {
	{"count", "7", "7", "7", NULL},
	{"count", "7.0", "7", "7", NULL},
	{"count", "1e2", "100", "100", NULL},
	{"count", "0", NULL, NULL, "0 is below 1"},
	{"count", "-1", NULL, NULL, "-1 is below 1"},
	{"count", "101", NULL, NULL, "101 is above 100"},
	{"count", "1.5", NULL, NULL, "1.5 is not a whole number"},
	{"count", "\"7\"", NULL, NULL, "found \"7\", expected a whole number"},
	{"count", "true", NULL, NULL, "found true, expected a whole number"},
	{"count", "null", NULL, NULL, "found null, expected a whole number"},
	{"count", "[1]", NULL, NULL, "found a list, expected a whole number"},
	{"count", "1e300", NULL, NULL, "1e+300 is above 2^53"},
	{"bytes", "512", "512", "512", NULL},
	{"bytes", "\"4k\"", "4096", "4k", NULL},
	{"bytes", "9007199254740992", "9007199254740992", "8192T", NULL},
	{"bytes", "511", NULL, NULL, "511 is below 512"},
	{"bytes", "\"0.1k\"", NULL, NULL, "\"0.1k\" is not a whole number of bytes up to 2^53"},
	{"bytes", "\"4q\"", NULL, NULL,
	 "\"4q\" is not a size (4096, \"64k\", \"1MiB\"; units: B, k, M, G, T)"},
	{"bytes", "{}", NULL, NULL,
	 "found an object, expected a size (4096, \"64k\", \"1MiB\"; units: B, k, M, G, T)"},
	{"ns", "\"20us\"", "20000", "20us", NULL},
	{"ns", "5", NULL, NULL, "5 has no unit; write a time as \"500ms\""},
	{"ns", "0", NULL, NULL, "0 is below 1us"},
	{"ns", "\"3s\"", NULL, NULL, "\"3s\" is above 2s"},
	{"ns", "\"5\"", NULL, NULL,
	 "\"5\" is not a time with a unit (\"500ms\"; units: ns, us, ms, s, min or m, h)"},
	{"mode", "\"fdatasync\"", "fdatasync", "fdatasync", NULL},
	{"mode", "\"fdatasnyc\"", NULL, NULL,
	 "\"fdatasnyc\" is unknown; the nearest is \"fdatasync\""},
	{"mode", "\"sometimes\"", NULL, NULL,
	 "\"sometimes\" is unknown; there are fdatasync, dsync"},
	{"rate", "5000", "5000", "5k", NULL},
	{"rate", "\"10k\"", "10000", "10k", NULL},
	{"rate", "\"0.5M\"", "500000", "500k", NULL},
	{"rate", "\"2M\"", NULL, NULL, "\"2M\" is above 1M"},
	{"rate", "\"0.5\"", NULL, NULL, "\"0.5\" is not a whole number of 1/s up to 2^53"},
	{"rate", "\"1KiB\"", NULL, NULL,
	 "\"1KiB\" is not a rate (5000, \"10k\", \"1.5M\"; units: k, M, G)"},
	{"mode", "1", NULL, NULL, "found 1, expected a word"},
	{"on", "false", "false", "false", NULL},
	{"on", "\"yes\"", NULL, NULL, "found \"yes\", expected true or false"},
	{"on", "1", NULL, NULL, "found 1, expected true or false"},
	{"text", "\"/tmp/x\"", "/tmp/x", "/tmp/x", NULL},
	{"text", "4", NULL, NULL, "found 4, expected a text"},
};

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(values); i++) {
		const struct param *row = param_find(rows, values[i].name);
		_cleanup_json_ cJSON *json = cJSON_Parse(values[i].json);
		char text[PARAM_STRING_MAX];
		struct err err = {""};
		struct config c = {0};
		int rc = param_set_json(row, json, &c, &err);

		assert_int_equal(rc, values[i].message ? -EINVAL : 0);
		assert_int_equal(param_check_json(row, json, NULL), rc);
		if (rc) {
			assert_string_equal(err.text, values[i].message);
			continue;
		}
		assert_string_equal(param_text(row, &c, true, text), values[i].plain);
		assert_string_equal(param_text(row, &c, false, text), values[i].human);
		assert_true(param_is_json(row, &c, json));
		assert_false(param_is_default(row, &c));
	}
}

static void test_long_text(void **state)
{
	char text[PARAM_STRING_MAX + 1];
	struct config c = {0};

	(void)state;
	memset(text, 'a', PARAM_STRING_MAX);
	text[PARAM_STRING_MAX] = 0;
	assert_int_equal(param_set_text(&rows[5], text, &c, NULL), -EINVAL);
	text[PARAM_STRING_MAX - 1] = 0;
	assert_int_equal(param_set_text(&rows[5], text, &c, NULL), 0);
	assert_string_equal(c.text, text);
}

static void test_json_out(void **state)
{
	static const char *const plain[] = {"3", "65536", "1000000", "\"dsync\"", "true", "\"\""};
	struct config c = {0};

	(void)state;
	assert_int_equal(param_defaults(rows, &c), 0);
	for (size_t i = 0; i < array_size(plain); i++) {
		_cleanup_json_ cJSON *json = param_get_json(&rows[i], &c);
		_cleanup_free_ char *text = cJSON_PrintUnformatted(json);

		assert_string_equal(text, plain[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_bad_default),
		cmocka_unit_test(test_values),	 cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_json_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

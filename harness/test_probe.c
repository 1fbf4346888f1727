// SPDX-License-Identifier: MIT
/* Sets of probes from names: what is needed comes along, and a wrong name gets the right one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "harness/probe.h"
#include "harness/test_prober.h"
#include "harness/util/cleanup.h"

enum { CALLS = 1, WAITS = 2, BLAME = 4, UNTOUCHED = 64 };

static const struct {
	const char *list;
	int result;
	unsigned set;
	const char *says;
} lists[] = {
	{"calls", 0, CALLS, ""},
	{"blame", 0, BLAME | WAITS, ""},
	{"blame,calls", 0, BLAME | WAITS | CALLS, ""},
	{"calls,calls", 0, CALLS, ""},
	{"all", 0, BLAME | WAITS | CALLS, ""},
	{"none", 0, 0, ""},
	{"", -ENOENT, UNTOUCHED, "probe \"\" is unknown"},
	{"calls,", -ENOENT, UNTOUCHED, "probe \"\" is unknown"},
	{"calls,wiats", -ENOENT, UNTOUCHED, "probe \"wiats\" is unknown; the nearest is \"waits\""},
	{"al", -ENOENT, UNTOUCHED, "probe \"al\" is unknown; the nearest is \"all\""},
	{"procstat", -ENOENT, UNTOUCHED, "\"procstat\" is always on and no choice"},
	{"none,calls", -EINVAL, UNTOUCHED, "\"none\" stands alone, not in a list"},
	{"calls,all", -EINVAL, UNTOUCHED, "\"all\" stands alone, not in a list"},
};

static void test_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(lists); i++) {
		unsigned set = UNTOUCHED;
		struct err err = {""};
		int r = probe_set_parse(&test_prober_ops, lists[i].list, &set, &err);

		assert_int_equal(r, lists[i].result);
		assert_int_equal(set, lists[i].set);
		assert_string_equal(err.text, lists[i].says);
	}
}

static void test_build_without_probes(void **state)
{
	unsigned set = 0;
	struct err err = {""};

	(void)state;
	assert_int_equal(probe_set_parse(NULL, "none", &set, &err), 0);
	assert_int_equal(probe_set_parse(NULL, "all", &set, &err), -ENOENT);
	assert_string_equal(err.text, "this build has no probes");
	assert_int_equal(set, 0);
}

static void test_names(void **state)
{
	_cleanup_json_ cJSON *two = probe_set_json(&test_prober_ops, CALLS | BLAME);
	_cleanup_json_ cJSON *none = probe_set_json(NULL, 0);
	_cleanup_free_ char *text = cJSON_PrintUnformatted(two);

	(void)state;
	assert_string_equal(text, "[\"calls\",\"blame\"]");
	assert_int_equal(cJSON_GetArraySize(none), 0);
	assert_true(cJSON_IsArray(none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_build_without_probes),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

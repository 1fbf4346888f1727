// SPDX-License-Identifier: MIT
/* Texts that are JSON and texts that nearly are; every fault with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/json.h"

struct faults {
	const char *text;
	size_t len, n;
	char first[1024]; /* "line:column path: text" */
};

static void note_fault(void *arg, size_t offset, const char *path, const char *text)
{
	struct json_place place;
	struct faults *f = arg;

	if (f->n++)
		return;
	place = json_place_of(f->text, f->len, offset);
	snprintf(f->first, sizeof(f->first), "%u:%u %s: %s", place.line, place.column, path, text);
}

static int check(const char *text, size_t len, struct faults *f)
{
	*f = (struct faults){.text = text, .len = len};
	return json_check(text, len, note_fault, f);
}

static void test_sound(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		" \t\r\n null ",
		"\"\"",
		"{\"a\":[1,-2,3.5,1e3,1E+2,0.25e-2],\"b\":{\"a\":true,\"\":false}}",
		"9007199254740992",
		"-9007199254740992",
		"\"\\u00e9 \\ud83d\\ude00 \\\" \\\\ \\/ \\b\\f\\n\\r\\t\"",
		"\"\xc3\xa9 \xf0\x9f\x98\x80\"",
		"0.30000000000000",
		"[{\"a\":1},{\"a\":1}]",
	};
	struct faults f;

	(void)state;
	for (size_t i = 0; i < array_size(texts); i++) {
		int rc = check(texts[i], strlen(texts[i]), &f);

		if (rc)
			print_message("%s -> %s\n", texts[i], f.first);
		assert_int_equal(rc, 0);
		assert_int_equal(f.n, 0);
	}
}

/* The first fault of each: what json_check returns and tells. */
static const struct {
	const char *text;
	int rc;
	const char *first;
} faulty[] = {
	{"", -EILSEQ, "1:1 : the text ends here: expected a value"},
	{"{\"a\": [1, 2", -EILSEQ,
	 "1:12 a: the text ends here: expected ',' or ']' (inside what began at 1:7)"},
	{"{\"a\": \"x", -EILSEQ, "1:9 a: the text ends here: expected a closing quote"},
	{"{\n \"a\": 1,\n}", -EILSEQ, "3:1 : trailing comma: nothing follows it, found '}'"},
	{"[1, 2,]", -EILSEQ, "1:7 [2]: trailing comma: nothing follows it, found ']'"},
	{"[1 2]", -EILSEQ, "1:4 : expected ',' or ']', found '2'"},
	{"{\"a\" 1}", -EILSEQ, "1:6 a: expected ':' after the key, found '1'"},
	{"{a: 1}", -EILSEQ, "1:2 : expected a key in quotes, found 'a'"},
	{"{} x", -EILSEQ, "1:4 : nothing may follow the value, found 'x'"},
	{"{}{}", -EILSEQ, "1:3 : nothing may follow the value, found '{'"},
	{"[01]", -EILSEQ, "1:3 [0]: not a number (with a unit it needs quotes), found '1'"},
	{"[4k]", -EILSEQ, "1:3 [0]: not a number (with a unit it needs quotes), found 'k'"},
	{"[+1]", -EILSEQ, "1:2 [0]: expected a value, found '+'"},
	{"[.5]", -EILSEQ, "1:2 [0]: expected a value, found '.'"},
	{"[1.]", -EILSEQ, "1:4 [0]: expected a digit, found ']'"},
	{"[1e]", -EILSEQ, "1:4 [0]: expected a digit, found ']'"},
	{"[-]", -EILSEQ, "1:3 [0]: expected a digit, found ']'"},
	{"[NaN]", -EILSEQ, "1:2 [0]: expected a value, found 'N'"},
	{"[nul]", -EILSEQ, "1:5 [0]: expected true, false or null, found ']'"},
	{"['a']", -EILSEQ, "1:2 [0]: strings take double quotes, found '''"},
	{"// c\n{}", -EILSEQ, "1:1 : JSON has no comments, found '/'"},
	{"[1 /* one */]", -EILSEQ, "1:4 : JSON has no comments, found '/'"},
	{"[1, # one\n 2]", -EILSEQ, "1:5 [1]: JSON has no comments, found '#'"},
	{"{}\n// end", -EILSEQ, "2:1 : JSON has no comments, found '/'"},
	{"{'a': 1}", -EILSEQ, "1:2 : strings take double quotes, found '''"},
	{"{\"a\": ]", -EILSEQ, "1:7 a: expected a value, found ']'"},
	{"[\"a\nb\"]", -EILSEQ, "1:4 [0]: expected a closing quote, found byte 0x0a"},
	{"[\"\\x\"]", -EILSEQ, "1:4 [0]: no such escape after \\, found 'x'"},
	{"[\"\\u12g4\"]", -EILSEQ, "1:5 [0]: expected four hex digits after \\u, found '1'"},
	{"[\"\\u0000\"]", -EILSEQ, "1:5 [0]: a NUL character in a text, found '0'"},
	{"[\"\\ud800\"]", -EILSEQ, "1:9 [0]: half of a surrogate pair, found '\"'"},
	{"[\"\\udc00\"]", -EILSEQ, "1:5 [0]: half of a surrogate pair, found 'd'"},
	{"[\"\xff\"]", -EILSEQ, "1:3 [0]: expected UTF-8, found byte 0xff"},
	{"[\"\xc0\xaf\"]", -EILSEQ, "1:3 [0]: expected UTF-8, found byte 0xc0"},
	{"[\"\xed\xa0\x80\"]", -EILSEQ, "1:3 [0]: expected UTF-8, found byte 0xed"},
	{"[\"\xf4\x90\x80\x80\"]", -EILSEQ, "1:3 [0]: expected UTF-8, found byte 0xf4"},
	{"\xef\xbb\xbf{}", -EILSEQ, "1:1 : the text starts with a byte order mark"},
	{"\x7f"
	 "ELF\x02\x01",
	 -EILSEQ, "1:1 : expected a value, found byte 0x7f"},
	{"{\"\xc3\xa9\": x}", -EILSEQ, "1:7 \xc3\xa9: expected a value, found 'x'"},
	{"{\"a\":1,\n \"b\":2, \"a\":3}", -EBADMSG, "2:9 a: this key was given before, at 1:2"},
	{"{\"a\":1,\"\\u0061\":3}", -EBADMSG, "1:8 a: this key was given before, at 1:2"},
	{"[9007199254740993]", -EBADMSG, "1:2 [0]: 9007199254740993 is beyond 2^53"},
	{"[-9007199254740993]", -EBADMSG, "1:2 [0]: -9007199254740993 is beyond 2^53"},
	{"[99999999999999999999999]", -EBADMSG, "1:2 [0]: 99999999999999999999999 is beyond"},
	{"[1e20]", -EBADMSG, "1:2 [0]: 1e20 is beyond 2^53"},
	{"[1e400]", -EBADMSG, "1:2 [0]: 1e400 is out of range"},
	{"[-1e400]", -EBADMSG, "1:2 [0]: -1e400 is out of range"},
	{"[1e-400]", -EBADMSG, "1:2 [0]: 1e-400 is out of range"},
	{"[0.99999999999999999]", -EBADMSG, "1:2 [0]: 0.99999999999999999 has more than 15"},
};

static void test_faults(void **state)
{
	struct faults f;

	(void)state;
	for (size_t i = 0; i < array_size(faulty); i++) {
		int rc = check(faulty[i].text, strlen(faulty[i].text), &f);

		if (rc != faulty[i].rc ||
		    strncmp(f.first, faulty[i].first, strlen(faulty[i].first)))
			print_message("%s\n got      %d %s\n expected %d %s\n", faulty[i].text, rc,
				      f.first, faulty[i].rc, faulty[i].first);
		assert_int_equal(rc, faulty[i].rc);
		assert_memory_equal(f.first, faulty[i].first, strlen(faulty[i].first));
	}
}

static void test_nul_byte(void **state)
{
	struct faults f;

	(void)state;
	assert_int_equal(check("{}\0{}", 5, &f), -EILSEQ);
	assert_string_equal(f.first, "1:3 : nothing may follow the value, found byte 0x00");
}

static void test_depth(void **state)
{
	char text[2 * 100000 + 1];
	struct faults f;

	(void)state;
	memset(text, '[', 100000);
	memset(text + 100000, ']', 100000);
	text[200000] = 0;
	assert_int_equal(check(text, 200000, &f), -EILSEQ);
	assert_non_null(strstr(f.first, "1:33 [0][0]"));
	assert_non_null(strstr(f.first, "nested too deeply (32 levels are the limit)"));
	assert_int_equal(check(text + 100000 - 32, 64, &f), 0);
}

/* Every prefix of a sound text is refused, at its end, and none is read beyond it. */
static void test_truncated(void **state)
{
	static const char text[] = "{\"a\": [1.5e3, \"\\u00e9\xc3\xa9\", true, null], \"b\": {}}";
	struct faults f;

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *copy = calloc(1, len + 1);

		memcpy(copy, text, len);
		assert_int_equal(check(copy, len, &f), -EILSEQ);
		assert_int_equal(f.n, 1);
		free(copy);
	}
	assert_int_equal(check(text, sizeof(text) - 1, &f), 0);
}

static void test_locate(void **state)
{
	static const char text[] =
		"{\"a\": 1,\n \"cells\": [{}, {\"with\":\n  {\"dir\" : \"x\"}}]}";
	static const struct {
		const char *path;
		bool key;
		unsigned line, column;
	} rows[] = {
		{"", false, 1, 1},
		{"a", false, 1, 7},
		{"a", true, 1, 2},
		{"cells", false, 2, 11},
		{"cells[1]", false, 2, 16},
		{"cells[1].with.dir", false, 3, 12},
		{"cells[1].with.dir", true, 3, 4},
	};
	size_t offset;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct json_place place;

		assert_true(json_locate(text, strlen(text), rows[i].path, rows[i].key, &offset));
		place = json_place_of(text, strlen(text), offset);
		assert_int_equal(place.line, rows[i].line);
		assert_int_equal(place.column, rows[i].column);
	}
	assert_false(json_locate(text, strlen(text), "cells[2]", false, &offset));
}

static void test_show(void **state)
{
	static const struct {
		const char *json, *shown;
	} rows[] = {
		{"\"a\\u001b[31m\"", "\"a\\u001b[31m\""},
		{"12", "12"},
		{"0.1", "0.1"},
		{"9007199254740991", "9007199254740991"},
		{"[1]", "a list"},
		{"{}", "an object"},
		{"null", "null"},
		{"true", "true"},
		{"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
		 "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\""},
	};
	char buf[JSON_SHOW_MAX];

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_json_ cJSON *value = cJSON_Parse(rows[i].json);

		assert_string_equal(json_show(value, buf), rows[i].shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),	  cmocka_unit_test(test_faults),
		cmocka_unit_test(test_nul_byte),  cmocka_unit_test(test_depth),
		cmocka_unit_test(test_truncated), cmocka_unit_test(test_locate),
		cmocka_unit_test(test_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

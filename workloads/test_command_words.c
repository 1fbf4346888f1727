// SPDX-License-Identifier: MIT
/* A text becomes the words that a shell would make of it, with values that are never looked at
 * again; and what is wrong is said with its place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "workloads/command_ready.h"
#include "workloads/command_words.h"

static int value(void *arg, const char *name, char text[static COMMAND_VALUE_MAX], struct err *err)
{
	(void)arg;
	if (!strcmp(name, "threads"))
		strcpy(text, "8");
	else if (!strcmp(name, "dir"))
		strcpy(text, "/a b/\"c\" ${threads}'");
	else
		return err_set(err, -EINVAL, "no %s", name);
	return 0;
}

/* Words joined by "|", each in brackets. */
static void assert_words(const char *text, const char *expected)
{
	char joined[1024] = "";
	struct err err = {""};
	char **words;

	if (command_words(text, value, NULL, &words, &err))
		fail_msg("%s: %s", text, err.text);
	for (size_t i = 0; words[i]; i++) {
		strcat(joined, i ? "|" : "");
		strcat(joined, words[i]);
	}
	assert_string_equal(joined, expected);
	command_words_free(words);
}

static void test_words(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{"", ""},
		{"  a  b\t\nc ", "a|b|c"},
		{"'a b' \"c d\"", "a b|c d"},
		{"a'b'\"c\"d", "abcd"},
		{"a '' \"\" b", "a|||b"},
		{"a\\ b \\'c", "a b|'c"},
		{"'a\\b'", "a\\b"},
		{"\"a\\b \\\" \\$ \\\\\"", "a\\b \" $ \\"},
		{"-t ${threads} x${threads}y", "-t|8|x8y"},
		{"\"${threads} \" '${other} $threads'", "8 |${other} $threads"},
		{"\"\\${threads}\"", "${threads}"},
		{"\\${threads}", "${threads}"},
		{"$5 $HOME a$", "$5|$HOME|a$"},
		{"${dir}/x", "/a b/\"c\" ${threads}'/x"},
		{"sh -c 'while :; do x; done'", "sh|-c|while :; do x; done"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_words(rows[i].text, rows[i].words);
}

static void test_empty_words_count(void **state)
{
	struct err err;
	char **words;

	(void)state;
	assert_int_equal(command_words("'' \"\"", value, NULL, &words, &err), 0);
	assert_string_equal(words[0], "");
	assert_string_equal(words[1], "");
	assert_null(words[2]);
	command_words_free(words);
}

static void test_what_is_wrong_has_a_place(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"ab 'c", "character 4: this ' is never closed"},
		{"ab \"c'", "character 4: this \" is never closed"},
		{"a \\", "character 3: nothing follows this \\"},
		{"a ${threads", "character 3: this ${ has no }"},
		{"a ${}", "character 3: no name of a value stands in this ${}"},
		{"a ${x", "character 3: this ${ has no }"},
		{"ab ${depht}", "character 4: no depht"},
		{"a '${x} ${threads}'",
		 "character 9: ${threads} is not filled in inside of '': use \"\", and write "
		 "\\${threads} there if it is meant as it stands"},
		{"\"${0123456789012345678901234567890123}\"",
		 "character 2: no name of a value stands in this ${}"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct err err = {""};
		char **words = NULL;

		assert_int_equal(command_words(rows[i].text, value, NULL, &words, &err), -EINVAL);
		assert_string_equal(err.text, rows[i].says);
		assert_null(words);
	}
}

static void test_fill_does_nothing_else(void **state)
{
	struct err err = {""};
	char text[16];

	(void)state;
	assert_int_equal(
		command_fill("'a' \"${threads}\" \\", value, NULL, text, sizeof(text), &err), 0);
	assert_string_equal(text, "'a' \"8\" \\");
	assert_int_equal(command_fill("0123456789abcdef", value, NULL, text, sizeof(text), &err),
			 -EINVAL);
	assert_string_equal(err.text, "filled in, it is longer than 15 bytes");
	assert_int_equal(command_fill("${no}", value, NULL, text, sizeof(text), &err), -EINVAL);
}

static void test_ready_reads(void **state)
{
	static const struct {
		const char *text, *host, *port;
		enum command_ready_kind kind;
	} rows[] = {
		{"", "", "", READY_AT_ONCE},
		{"path:sock", "", "", READY_PATH},
		{"tcp::80", "127.0.0.1", "80", READY_TCP},
		{"tcp:localhost:65535", "localhost", "65535", READY_TCP},
		{"udp:[::1]:0053", "::1", "53", READY_UDP},
		{"line:^listening on [0-9]+$", "", "", READY_LINE},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct command_ready ready;
		struct err err = {""};

		if (command_ready_read(rows[i].text, &ready, &err))
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_int_equal(ready.kind, rows[i].kind);
		assert_string_equal(ready.host, rows[i].host);
		assert_string_equal(ready.port, rows[i].port);
		command_ready_clear(&ready);
	}
}

static void test_ready_refuses(void **state)
{
	static const char *const rows[] = {
		"soon",	      "tcp:",  "tcp:80", "tcp:host:0", "tcp:h:x",  "tcp:h:65536",
		"udp:::1:53", "path:", "line:",	 "line:([",    "TCP:h:80", "tcp:h:-1"};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct command_ready ready;
		struct err err = {""};

		if (command_ready_read(rows[i], &ready, &err) != -EINVAL)
			fail_msg("%s was taken", rows[i]);
		assert_true(err.text[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_empty_words_count),
		cmocka_unit_test(test_what_is_wrong_has_a_place),
		cmocka_unit_test(test_fill_does_nothing_else),
		cmocka_unit_test(test_ready_reads),
		cmocka_unit_test(test_ready_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

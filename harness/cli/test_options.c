// SPDX-License-Identifier: MIT
/* Command lines, right and wrong, against a table of options of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "harness/cli/options.h"
#include "harness/util/cleanup.h"

struct config {
	bool json;
	const char *dir, *format;
	uint64_t seed, every_ns;
};

static const char *const formats[] = {"text", "json", "html", NULL};

static const struct option_row rows[] = {
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct config, json),
	 .help = "json"},
	{.name = "output",
	 .letter = 'o',
	 .arg = "DIR",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct config, dir),
	 .help = "where"},
	{.name = "seed",
	 .arg = "N",
	 .kind = OPTION_UINT,
	 .offset = offsetof(struct config, seed),
	 .min = 1,
	 .max = 100,
	 .help = "seed"},
	{.name = "every",
	 .arg = "TIME",
	 .kind = OPTION_TIME,
	 .offset = offsetof(struct config, every_ns),
	 .help = "how often"},
	{.name = "format",
	 .arg = "FORMAT",
	 .kind = OPTION_CHOICE,
	 .offset = offsetof(struct config, format),
	 .choices = formats,
	 .help = "one of"},
	OPTION_END,
};

#define WORDS_MAX 8

static int parse(const char *const *words, struct config *config, const char **operands,
		 struct options_outcome *outcome, struct err *err)
{
	char *argv[WORDS_MAX + 1];
	int argc = 1;

	argv[0] = (char *)"verb";
	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	return options_parse(rows, argc, argv, config, operands, 2, outcome, err);
}

static void test_right(void **state)
{
	const char *const words[] = {"a",   "--json",	     "-oX", "--seed=7", "--every",
				     "2ms", "--format=html", "b",   NULL};
	struct options_outcome outcome;
	struct config c = {0};
	const char *operands[2];
	struct err err = {""};

	(void)state;
	assert_int_equal(parse(words, &c, operands, &outcome, &err), 0);
	assert_false(outcome.help);
	assert_int_equal(outcome.n_operands, 2);
	assert_string_equal(operands[0], "a");
	assert_string_equal(operands[1], "b");
	assert_true(c.json);
	assert_string_equal(c.dir, "X");
	assert_string_equal(c.format, "html");
	assert_int_equal(c.seed, 7);
	assert_int_equal(c.every_ns, 2000000);
}

static void test_dashes(void **state)
{
	const char *const words[] = {"-", "--", "--json", NULL};
	struct options_outcome outcome;
	struct config c = {0};
	const char *operands[2];
	struct err err;

	(void)state;
	assert_int_equal(parse(words, &c, operands, &outcome, &err), 0);
	assert_string_equal(operands[0], "-");
	assert_string_equal(operands[1], "--json");
	assert_false(c.json);
}

static void test_wrong(void **state)
{
	static const struct {
		const char *words[4];
		const char *text;
	} wrong[] = {
		{{"--jsno"}, "unknown option \"--jsno\"; the nearest is --json"},
		{{"--ouput=x"}, "unknown option \"--ouput=x\"; the nearest is --output"},
		{{"-x"}, "unknown option \"-x\"; --help shows them all"},
		{{"--seed", "seven"}, "--seed: \"seven\" is not a whole number"},
		{{"--seed", "0"}, "--seed: 0 is below 1"},
		{{"--seed", "101"}, "--seed: 101 is above 100"},
		{{"--format", "xyzzy"}, "--format: unknown format \"xyzzy\""},
		{{"--seed"}, "--seed needs a value: N"},
		{{"--every", "5"}, "--every: \"5\" is not a time with a unit (500ms, 2s;"},
		{{"--json=yes"}, "\"--json=yes\": --json takes no value"},
		{{"--format", "htlm"},
		 "--format: unknown format \"htlm\"; the nearest is \"html\""},
		{{"a", "b", "c"}, "\"c\" is one word too many"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(wrong); i++) {
		struct options_outcome outcome;
		struct config c = {0};
		const char *operands[2];
		struct err err = {""};

		assert_int_equal(parse(wrong[i].words, &c, operands, &outcome, &err), -EINVAL);
		assert_non_null(strstr(err.text, wrong[i].text));
	}
}

static void test_help(void **state)
{
	const char *const words[] = {"--help", "--nonsense", NULL};
	struct options_outcome outcome;
	struct config c = {0};
	const char *operands[2];
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct err err;

	(void)state;
	assert_int_equal(parse(words, &c, operands, &outcome, &err), 0);
	assert_true(outcome.help);
	options_help(out, rows);
	fclose(out);
	assert_non_null(strstr(text, "  -o, --output DIR        where\n"));
	assert_non_null(strstr(text, "one of: text, json, html\n"));
	assert_non_null(strstr(text, "  -h, --help              show this help\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_dashes),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

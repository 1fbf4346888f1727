// SPDX-License-Identifier: MIT
/*
 * Golden files of the gates in testdata/ (made by make_gate.py); to renew them after a change that
 * is meant, take what a failed test leaves in the build folder. The page is checked for what it
 * must and must never hold, and every format for what a label could do to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "reports/escape.h"
#include "reports/verdict.h"

static char *made(const char *kind, const char *format)
{
	char dir[512];
	const struct report_options o = {.dir = dir};
	const struct report_writer *w = verdict_find(format);
	char *text = NULL;
	size_t size;
	FILE *mem = open_memstream(&text, &size);
	struct err err = {""};

	snprintf(dir, sizeof(dir), "%s/%s", TESTDATA, kind);
	assert_non_null(mem);
	assert_non_null(w);
	if (w->write(&o, mem, &err))
		fail_msg("%s: %s", format, err.text);
	fclose(mem);
	return text;
}

static char *contents(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char *text = NULL;

	if (!f)
		fail_msg("%s is missing", path);
	assert_int_equal(fs_read_all(fileno(f), 1 << 20, &text, NULL), 0);
	return text;
}

static void check_golden(const char *kind, const char *const *formats)
{
	for (; *formats; formats++) {
		_cleanup_free_ char *got = made(kind, *formats), *want = NULL;
		char name[64], path[512];

		snprintf(name, sizeof(name), "%s.%s", kind, *formats);
		snprintf(path, sizeof(path), "%s/%s", TESTDATA, name);
		if (!access(path, F_OK))
			want = contents(path);
		if (!want || strcmp(got, want)) {
			/* for a look */
			assert_int_equal(fs_replace(name, got, strlen(got)), 0);
			fail_msg("%s differs; what was made is in the build folder", name);
		}
	}
}

static void golden(void **state)
{
	(void)state;
	check_golden("gate", (const char *const[]){"text", "csv", "markdown", "annotations",
						   "junit", "openmetrics", NULL});
	check_golden("contaminated",
		     (const char *const[]){"text", "markdown", "annotations", "junit", NULL});
	check_golden("stored", (const char *const[]){"text", "markdown", "junit", NULL});
}

static void json_is_the_document(void **state)
{
	_cleanup_free_ char *got = made("gate", "json");
	_cleanup_free_ char *want = contents(TESTDATA "/gate/verdicts.json");

	(void)state;
	assert_string_equal(got, want);
}

static unsigned occurrences(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

static void page(void **state)
{
	static const char *const never[] = {"https:", "<script>alert", "<img",	"onclick",
					    "src=\"", "nan",	       "inf\"", "inf "};
	_cleanup_free_ char *text = made("gate", "html");
	const char *body = strstr(text, "<body>");

	(void)state;
	assert_non_null(body);
	assert_non_null(strstr(text, "default-src 'none'"));
	assert_non_null(strstr(body, "&lt;script&gt;alert(1)&lt;/script&gt;"));
	assert_non_null(strstr(body, "head stalled: no end within 12 s: &lt;driver&gt;"));
	assert_non_null(strstr(body, "fresh from 11"));
	/* nine cells; a picture for each metric that has pairs, and one of the control */
	assert_int_equal(occurrences(body, "<details class=\"cell\""), 9);
	assert_int_equal(occurrences(body, "role=\"img\""), 13 + 1);
	assert_int_equal(occurrences(body, "<script>"), 1);
	for (size_t i = 0; i < array_size(never); i++)
		if (strstr(body, never[i]) && strstr(body, never[i]) < strstr(body, "<script>"))
			fail_msg("the page holds %s", never[i]);
}

static void page_without_pairs(void **state)
{
	_cleanup_free_ char *text = made("stored", "html");

	(void)state;
	assert_non_null(strstr(text, "baseline main, 7 sessions"));
	assert_null(strstr(text, "role=\"img\""));
	assert_null(strstr(text, "#pairs"));
	assert_null(strstr(text, "href=\"#c-"));
}

typedef void (*escape_fn)(FILE *out, const char *text);

static void as_property(FILE *out, const char *text)
{
	escape_annotation(out, text, true);
}

static void as_message(FILE *out, const char *text)
{
	escape_annotation(out, text, false);
}

static void escapes(void **state)
{
	static const struct {
		escape_fn escape;
		const char *text, *want;
	} rows[] = {
		{escape_xml, "a<b>&\"'\n", "a&lt;b&gt;&amp;&quot;&apos; "},
		{escape_xml, "]]>\x01\x1b\x7f", "]]&gt;   "},
		{escape_xml, "\xef\xbf\xbf", "\xef\xbf\xbd"}, /* U+FFFF */
		{escape_xml, "\xff\xc3", "\xef\xbf\xbd\xef\xbf\xbd"},
		{escape_xml, "\xed\xa0\x80", "\xef\xbf\xbd"}, /* half a surrogate pair */
		{escape_xml, "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
		{escape_xml, "\xf0\x9f\x98\x80\xc2\xb5", "\xf0\x9f\x98\x80\xc2\xb5"},
		{escape_openmetrics, "a\\b\"c\nd{}", "a\\\\b\\\"c\\nd{}"},
		{as_message, "100%\r\n::error::x,y:z\x1b", "100%25%0D%0A::error::x,y:z "},
		{as_message, "%0A", "%250A"},
		{as_property, "a:b,c%\n", "a%3Ab%2Cc%25%0A"},
		{escape_markdown, "a|b\nc", "a&#124;b c"},
		{escape_markdown, "`<b>*_[x](y)",
		 "&#96;&#60;b&#62;&#42;&#95;&#91;x&#93;&#40;y&#41;"},
		{escape_markdown, "@all #7 http://",
		 "&#64;&#8203;all &#35;&#8203;7 http&#58;&#8203;//"},
		{escape_markdown, "x www.evil.example", "x www&#46;evil.example"},
		{escape_markdown, "!1 ~x %1 $1 &1 5 % !",
		 "&#33;&#8203;1 &#126;&#8203;x %&#8203;1 &#36;&#8203;1 &#38;&#8203;1 5 % &#33;"},
		{escape_markdown, "- x - y", "&#45; x - y"},
		{escape_markdown, "---", "&#45;--"},
		{escape_markdown, "+\t1", "&#43; 1"},
		{escape_markdown, "12. x. y", "12&#46; x. y"},
		{escape_markdown, "===", "&#61;=="},
		{escape_markdown, "    x  y", "&#32;   x  y"},
		{escape_markdown, "-3.1 .. +7.2 %", "-3.1 .. +7.2 %"},
		{escape_markdown, "&amp; 6.2 %", "&#38;&#8203;amp; 6.2 %"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_free_ char *got = NULL;
		size_t size;
		FILE *mem = open_memstream(&got, &size);

		assert_non_null(mem);
		rows[i].escape(mem, rows[i].text);
		fclose(mem);
		assert_string_equal(got, rows[i].want);
	}
}

static void shortened(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(escape_shorten(buf, sizeof(buf), "abcdefgh", 8, 0), "abcdefgh");
	assert_string_equal(escape_shorten(buf, sizeof(buf), "abcdefghi", 8, 0), "abcdefg\u2026");
	assert_string_equal(escape_shorten(buf, sizeof(buf), "abcdefghij", 8, 3), "abcd\u2026hij");
	assert_string_equal(escape_shorten(buf, sizeof(buf), "\u00b5\u00b5\u00b5\u00b5", 3, 1),
			    "\u00b5\u2026\u00b5");
	assert_string_equal(escape_shorten(buf, 16, "abcdefgh", 100, 0), "ab\u2026");
	assert_string_equal(escape_shorten(buf, sizeof(buf), "a\nb", 8, 0), "a b");
}

/* A forge is told by what its runner reads; without one nothing happens. */
static void published(void **state)
{
	char summary[] = "test_verdict.XXXXXX";
	_cleanup_free_ char *markdown = made("gate", "markdown"), *twice = NULL, *said = NULL;
	_cleanup_free_ char *annotations = made("gate", "annotations");
	struct err err = {""};
	size_t size;
	FILE *mem = open_memstream(&said, &size);
	int fd = mkstemp(summary);

	(void)state;
	assert_true(fd >= 0 && mem);
	close(fd);
	unsetenv("GITHUB_ACTIONS");
	unsetenv("GITHUB_STEP_SUMMARY");
	assert_int_equal(verdict_publish(TESTDATA "/gate", mem, &err), 0);
	fflush(mem);
	assert_int_equal(size, 0);

	setenv("GITHUB_ACTIONS", "true", 1);
	setenv("GITHUB_STEP_SUMMARY", summary, 1);
	assert_int_equal(verdict_publish(TESTDATA "/gate", mem, &err), 0);
	assert_int_equal(verdict_publish(TESTDATA "/gate", mem, &err), 0);
	fclose(mem);
	twice = contents(summary);
	unlink(summary);
	assert_int_equal(strlen(twice), 2 * strlen(markdown)); /* appended to what others wrote */
	assert_int_equal(strncmp(twice, markdown, strlen(markdown)), 0);
	assert_int_equal(strlen(said), 2 * strlen(annotations));

	setenv("GITHUB_STEP_SUMMARY", "/nowhere/summary", 1);
	assert_int_equal(verdict_publish(TESTDATA "/gate", stderr, &err), -ENOENT);
	assert_non_null(strstr(err.text, "GITHUB_STEP_SUMMARY: /nowhere/summary"));
	unsetenv("GITHUB_ACTIONS");
	unsetenv("GITHUB_STEP_SUMMARY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),    cmocka_unit_test(json_is_the_document),
		cmocka_unit_test(page),	     cmocka_unit_test(page_without_pairs),
		cmocka_unit_test(escapes),   cmocka_unit_test(shortened),
		cmocka_unit_test(published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

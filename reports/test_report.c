// SPDX-License-Identifier: MIT
/*
 * Golden files: what each writer makes of the session in testdata/ is committed beside it. To renew
 * them after a change that is meant, take what a failed test leaves in the build folder. The HTML
 * page is checked for what it must and must never hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "reports/report.h"

#define SESSION TESTDATA "/session"

static char *made_of(const char *dir, const char *format, bool plots)
{
	const struct report_options o = {.dir = dir, .plots = plots};
	const struct report_writer *w = report_find(format);
	char *text = NULL;
	size_t size;
	FILE *mem = open_memstream(&text, &size);
	struct err err = {""};

	assert_non_null(mem);
	assert_non_null(w);
	if (w->write(&o, mem, &err))
		fail_msg("%s: %s", format, err.text);
	fclose(mem);
	return text;
}

static char *made(const char *format, bool plots)
{
	return made_of(SESSION, format, plots);
}

static char *golden(const char *name)
{
	char path[512], *text = NULL;
	_cleanup_fclose_ FILE *f = NULL;

	snprintf(path, sizeof(path), "%s/%s", TESTDATA, name);
	f = fopen(path, "re");
	if (!f)
		fail_msg("%s is missing", path);
	assert_int_equal(fs_read_all(fileno(f), 1 << 20, &text, NULL), 0);
	return text;
}

static void check_golden(const char *session)
{
	static const char *const formats[] = {"text", "csv", "json"};
	char dir[512], name[64];

	snprintf(dir, sizeof(dir), "%s/%s", TESTDATA, session);
	for (size_t i = 0; i < array_size(formats); i++) {
		_cleanup_free_ char *got = made_of(dir, formats[i], false), *want = NULL;

		snprintf(name, sizeof(name), "%s.%s", session, formats[i]);
		want = golden(name);
		if (strcmp(got, want)) {
			FILE *f = fopen(name, "we"); /* in the build folder, for a look */

			assert_non_null(f);
			fputs(got, f);
			fclose(f);
			fail_msg("%s differs; what was made is in the build folder", name);
		}
	}
}

static void test_golden(void **state)
{
	(void)state;
	check_golden("session");
}

static void test_golden_probed(void **state)
{
	(void)state;
	check_golden("probed");
}

static void test_golden_block(void **state)
{
	(void)state;
	check_golden("block");
}

static void test_json_is_json(void **state)
{
	_cleanup_free_ char *text = made("json", false);
	_cleanup_json_ cJSON *document = cJSON_Parse(text);

	(void)state;
	assert_non_null(document);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(document, "cells")), 7);
	assert_true(cJSON_IsFalse(cJSON_GetObjectItem(document, "complete")));
}

static void test_narrow(void **state)
{
	const struct report_options o = {.dir = SESSION, .width = 70};
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *mem = open_memstream(&text, &size);
	struct err err;

	(void)state;
	assert_int_equal(report_text(&o, mem, &err), 0);
	fclose(mem);
	assert_null(strstr(text, "p999  "));
	assert_non_null(strstr(text, "p99"));
	assert_non_null(strstr(text, "do not fit into 70"));
}

static void test_page(void **state)
{
	static const char *const never[] = {"http:", "https:",	"//",	 "<script>alert",
					    "<img",  "onclick", "src=\""};
	_cleanup_free_ char *page = made("html", false);
	const char *script = strstr(page, "<script>"), *style = strstr(page, "<style>");
	const char *style_end = strstr(page, "</style>");

	(void)state;
	assert_non_null(strstr(page, "default-src 'none'"));
	assert_non_null(strstr(page, "10 of 14 runs ok"));
	assert_non_null(strstr(page, "without pictures"));
	assert_non_null(strstr(page, "Test &lt;script&gt;alert(1)&lt;/script&gt;"));
	assert_non_null(strstr(page, "odd,&quot;name&quot; &lt;b&gt;"));
	assert_non_null(strstr(page, "futex_wait+0x6d/0xe0"));
	assert_true(style && style_end && script);
	for (size_t i = 0; i < array_size(never); i++)
		if (strstr(style_end, never[i]))
			fail_msg("the page holds %s", never[i]);
	assert_null(memmem(style, (size_t)(style_end - style), "url(", 4));
}

/* What targets tell is drawn, and as foreign as anything else in a record. */
static void test_page_detail(void **state)
{
	_cleanup_free_ char *page = made_of(TESTDATA "/block", "html", false);
	const char *body = strstr(page, "<body>");

	(void)state;
	assert_non_null(body);
	assert_non_null(strstr(body, "emulated processor"));
	assert_non_null(strstr(body, "requests per enter"));
	assert_non_null(strstr(body, "<h3>stages of a request"));
	assert_non_null(strstr(body, "not joined: 5.00 % of the time, 5.00 % of the operations"));
	assert_non_null(strstr(body, "queue 3: 19.5k"));
	assert_non_null(strstr(body, "each &lt;queue&gt;"));
	assert_non_null(strstr(body, "title=\"too few &lt;writes&gt;\""));
	assert_null(strstr(body, "<queue>"));
	assert_null(strstr(body, "cpu <"));
}

static void test_pictures(void **state)
{
	_cleanup_free_ char *page = NULL;

	(void)state;
	if (system("command -v gnuplot >/dev/null")) {
		print_message("gnuplot is not installed\n");
		skip();
	}
	page = made("html", true);
	assert_non_null(strstr(page, "by depth"));
	assert_non_null(strstr(page, "<svg viewBox=\"0 0 460 290\" role=\"img\""));
	assert_non_null(strstr(page, "var(--axis)"));
	assert_non_null(strstr(page, "var(--s0)"));
	assert_null(strstr(page, "rgb(254"));
	assert_null(strstr(page, "id='gpPt"));
}

static void test_no_gnuplot(void **state)
{
	const struct report_options o = {.dir = SESSION, .plots = true};
	_cleanup_free_ char *path = strdup(getenv("PATH"));
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *mem = open_memstream(&text, &size);
	struct err err;

	(void)state;
	setenv("PATH", "/nonexistent", 1);
	assert_true(report_html(&o, mem, &err) < 0);
	setenv("PATH", path, 1);
	fclose(mem);
	assert_non_null(strstr(err.text, "gnuplot-nox"));
	assert_non_null(strstr(err.text, "--no-plots"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),	     cmocka_unit_test(test_golden_probed),
		cmocka_unit_test(test_golden_block), cmocka_unit_test(test_json_is_json),
		cmocka_unit_test(test_narrow),	     cmocka_unit_test(test_page),
		cmocka_unit_test(test_page_detail),  cmocka_unit_test(test_pictures),
		cmocka_unit_test(test_no_gnuplot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

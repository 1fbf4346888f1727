// SPDX-License-Identifier: MIT
/* What a command line takes into a guest and brings back, in a folder of the test's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/cli/vm_command.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

static char folder[] = "/tmp/uhbench-command-XXXXXX";

static int set_up(void **state)
{
	static const char *const files[][2] = {
		{"m.json", "{\"cells\": []}"},
		{"p.json", "{\"probes\" : \"all\", \"cells\": []}"},
		{"word.json", "{\"cells\": [\"probes\"]}"},
		{"prev/runs.jsonl", ""},
		{"full/manifest.json", "{}"},
	};

	(void)state;
	if (!mkdtemp(folder) || chdir(folder) || fs_mkdir_p("prev") || fs_mkdir_p("full") ||
	    fs_mkdir_p("build"))
		return -1;
	for (size_t i = 0; i < array_size(files); i++)
		if (fs_replace(files[i][0], files[i][1], strlen(files[i][1])))
			return -1;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return chdir("/") || fs_remove_tree(folder);
}

static const struct row {
	const char *words;
	const char *add, *back; /* joined by blanks */
	bool probes;
	int code;
	const char *says;
} rows[] = {
	{"run m.json", "m.json", "results"},
	{"run m.json -o out", "m.json", "out"},
	{"run m.json -oout", "m.json", "out"},
	{"run m.json --out out", "m.json", "out"},
	{"run m.json --out=out", "m.json", "out"},
	{"run m.json build", "m.json", "results"},
	{"run --resume prev", "", "prev"},
	{"run --resume full", "full", "full"},
	/* brings nothing back, so nothing is missed */
	{"run m.json --dry-run", "m.json", ""},
	{"run --help", "", ""},
	{"report full", "full", ""},
	{"report full -o page.html", "full", "page.html"},
	/* a session is not written over, however it is named */
	{"run m.json -o full", .code = -EEXIST, .says = "full holds a session already"},
	{"run m.json -ofull", .code = -EEXIST, .says = "full holds a session already"},
	{"run m.json --out=prev", .code = -EEXIST, .says = "prev holds a session already"},
	{"run m.json -o full/", .code = -EEXIST, .says = "holds a session already"},
	{"run p.json", "p.json", "results", true},
	{"run word.json", "word.json", "results"},
	{"run m.json --probes all", "m.json", "results", true},
	{"run m.json --probes=all", "m.json", "results", true},
	{"run m.json --probes none", "m.json", "results"},
	{"run m.json --probes=none", "m.json", "results"},
	{"run -", .code = -EINVAL, .says = "stdin is empty"},
	{"vm -- true", .code = -EINVAL, .says = "vm does not run in a guest"},
};

static void join(const char *const *words, unsigned n, char *text, size_t size)
{
	size_t len = 0;

	text[0] = 0;
	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%s", i ? " " : "", words[i]);
}

static void run_row(const struct row *row)
{
	_cleanup_free_ struct vm_command *c = calloc(1, sizeof(*c));
	_cleanup_free_ char *text = strdup(row->words);
	struct option_words none = {.n = 0};
	char *words[16] = {NULL}, *rest, add[256], back[256];
	struct err err = {""};
	unsigned n = 0;
	int r;

	for (char *w = strtok_r(text, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
		words[n++] = w;
	r = vm_command_make(words, &none, &none, c, &err);
	if (r != row->code || (r && !strstr(err.text, row->says)))
		fail_msg("%s: %d, %s", row->words, r, err.text);
	if (r)
		return;
	join(c->add, c->n_add, add, sizeof(add));
	join(c->back, c->n_back, back, sizeof(back));
	if (strcmp(add, row->add) || strcmp(back, row->back) || c->probes != row->probes)
		fail_msg("%s: in %s, back %s, probes %d", row->words, add, back, c->probes);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		run_row(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests_name("vm_command", tests, set_up, tear_down);
}

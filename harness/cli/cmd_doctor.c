// SPDX-License-Identifier: MIT
/*
 * uhbench doctor: what this host offers, for people (wrapped to the terminal, what is missing with
 * its cost and its remedy below it) or as the JSON that harness/host/doctor.h describes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/cli/verbs.h"
#include "harness/host/doctor.h"
#include "harness/session/leftover.h"
#include "harness/util/cleanup.h"

#define WIDTH_DEFAULT 100
#define WIDTH_MIN     60
#define STATE_WIDTH   9 /* the longest state and two blanks */

struct doctor_options {
	bool json, fix;
	const char *dir;
};

static int page_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return WIDTH_DEFAULT;
	return max_of(WIDTH_MIN, (int)size.ws_col);
}

/* Prints words from column `indent` on, in as many lines as they need. The cursor is there. */
static void print_wrapped(const char *text, int indent, int width)
{
	int column = indent;

	while (*text) {
		int word = (int)strcspn(text, " ");

		if (column > indent && column + 1 + word > width) {
			printf("\n%*s", indent, "");
			column = indent;
		}
		column += printf("%s%.*s", column > indent ? " " : "", word, text);
		text += word;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static const char *text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
}

static void print_finding(const cJSON *finding, int name_width, int width)
{
	static const struct {
		const char *key, *label;
	} advice[] = {{"cost", "costs:  "}, {"remedy", "remedy: "}};
	int indent = 2 + STATE_WIDTH + name_width + 2;

	printf("  %-*s%-*s  ", STATE_WIDTH, text_of(finding, "state"), name_width,
	       text_of(finding, "name"));
	print_wrapped(text_of(finding, "value"), indent, width);
	for (size_t i = 0; i < array_size(advice); i++) {
		const char *text = text_of(finding, advice[i].key);

		if (!text)
			continue;
		printf("%*s", indent, "");
		print_wrapped(text, indent + printf("%s", advice[i].label), width);
	}
}

static void print_group(const cJSON *group, int width)
{
	const cJSON *finding, *findings = cJSON_GetObjectItem(group, "findings");
	int name_width = 0;

	cJSON_ArrayForEach (finding, findings)
		name_width = max_of(name_width, (int)strlen(text_of(finding, "name")));
	printf("%s\n", text_of(group, "name"));
	cJSON_ArrayForEach (finding, findings)
		print_finding(finding, name_width, width);
	putchar('\n');
}

static void print_report(const cJSON *report)
{
	int width = page_width();
	const cJSON *group;

	cJSON_ArrayForEach (group, cJSON_GetObjectItem(report, "groups"))
		print_group(group, width);
}

static const struct option_row doctor_rows[] = {
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct doctor_options, json),
	 .help = "print JSON instead of text"},
	{.name = "dir",
	 .arg = "DIR",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct doctor_options, dir),
	 .help = "look at the filesystem of DIR (default: the current folder)"},
	{.name = "fix",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct doctor_options, fix),
	 .help = "remove what killed runs left behind: only what carries uhbench's own mark"},
	OPTION_END,
};

/* What the next session would remove when it starts. */
static int sweep(struct err *err)
{
	unsigned n = 0;
	int r = leftover_sweep(&n, err);

	if (n)
		fprintf(stderr, "removed %u work folder%s or cgroup%s of dead sessions\n", n,
			n == 1 ? "" : "s", n == 1 ? "" : "s");
	return r;
}

static int doctor_run(const struct registry *reg, int argc, char **argv)
{
	struct doctor_options o = {.dir = "."};
	_cleanup_json_ cJSON *report = NULL;
	_cleanup_free_ char *text = NULL;
	struct err err = {""};
	struct stat dir;
	int r = 0, rc = verb_parse(&cmd_doctor, argc, argv, &o, NULL);

	if (rc != VERB_GO_ON)
		return rc;
	if (stat(o.dir, &dir))
		return verb_fail(EXITCODE_USAGE, "doctor: --dir %s: %s", o.dir, strerror(errno));
	if (!S_ISDIR(dir.st_mode))
		return verb_fail(EXITCODE_USAGE, "doctor: --dir %s: %s", o.dir, strerror(ENOTDIR));
	if (o.fix)
		r = sweep(&err);
	report = doctor_examine(o.dir, reg, o.fix);
	text = report ? cJSON_Print(report) : NULL;
	if (!text)
		return verb_fail(EXITCODE_FAILURE, "doctor: out of memory");
	if (o.json)
		puts(text);
	else
		print_report(report);
	if (doctor_not_fixed(report))
		return verb_fail(EXITCODE_FAILURE, "doctor: %s", doctor_not_fixed(report));
	return r ? verb_fail(EXITCODE_FAILURE, "doctor: %s", err.text) : EXITCODE_OK;
}

const struct verb cmd_doctor = {
	.name = "doctor",
	.help = "show what this host offers, what is missing, and how to get it",
	.options = doctor_rows,
	.run = doctor_run,
};

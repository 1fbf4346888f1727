// SPDX-License-Identifier: MIT
/*
 * uhbench history: how what was measured went over time, from the stores beside the results; and
 * how sessions come into them. Nothing is made anew unless it is asked for.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "harness/cli/history_write.h"
#include "harness/cli/verbs.h"
#include "harness/history/history.h"
#include "harness/history/trend.h"
#include "harness/util/cleanup.h"
#include "reports/fmt.h"

#define DIRS_MAX 64

struct history_args {
	struct trend_filter filter;
	const char *svg;
	bool rebuild, json;
};

static const struct option_row history_rows[] = {
	{.name = "cell",
	 .arg = "GLOB",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct history_args, filter.cell),
	 .help = "only cells whose workload/target, label or id matches"},
	{.name = "metric",
	 .arg = "NAME",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct history_args, filter.metric),
	 .help = "this one (default: throughput, and under a rate intended_p99)"},
	{.name = "rebuild",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct history_args, rebuild),
	 .help = "first make the history anew from the records of the folders in DIR"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct history_args, json),
	 .help = "print every point and step as JSON"},
	{.name = "svg",
	 .arg = "FILE",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct history_args, svg),
	 .help = "draw the series into FILE as well (needs gnuplot)"},
	OPTION_END,
};

static void say_left_out(void *arg, const char *text)
{
	char safe[ERR_MAX];

	(void)arg;
	fprintf(stderr, "uhbench: left out: %s\n", fmt_safe(safe, sizeof(safe), text));
}

/* The names in it are those of folders and databases, which are anybody's. */
static int fail(enum exitcode code, const struct err *err)
{
	char safe[ERR_MAX];

	return verb_fail(code, "%s", fmt_safe(safe, sizeof(safe), err->text));
}

static enum exitcode exit_code_of(int r)
{
	switch (-r) {
	case ENOENT: /* no such folder, cell or metric */
	case ENOTDIR:
	case ENAMETOOLONG:
	case ENOTSUP:
		return EXITCODE_USAGE;
	default:
		return EXITCODE_FAILURE;
	}
}

/* Whatever can be read goes in; what cannot makes the exit code. */
static int rebuild(const char *dir, size_t *left_out)
{
	struct history_rebuilt sum;
	struct err err = {""};
	int r = history_rebuild(dir, say_left_out, NULL, &sum, &err);

	if (r)
		return fail(exit_code_of(r), &err);
	fprintf(stderr, "history of %s: %zu sessions, %zu gates, %zu left out\n", dir, sum.sessions,
		sum.gates, sum.left_out);
	*left_out += sum.left_out;
	return VERB_GO_ON;
}

static int draw(const struct trends *t, const char *path)
{
	struct err err = {""};
	size_t left_out;
	int r = history_svg(t, path, &left_out, &err);

	if (r)
		return fail(EXITCODE_FAILURE, &err);
	if (left_out)
		fprintf(stderr,
			"%s: pictures of %d series, %zu more have none; --cell chooses others\n",
			path, HISTORY_PICTURES, left_out);
	return VERB_GO_ON;
}

static int show(const struct registry *reg, const struct history_args *args,
		const char *const *dirs, size_t n)
{
	_cleanup_(trends_free) struct trends t = {0};
	struct err err = {""};
	int r = trends_load(reg, dirs, n, &args->filter, &t, &err);

	if (r)
		return fail(exit_code_of(r), &err);
	if (!args->json)
		history_text(&t, stdout);
	else if (history_json(&t, stdout))
		return verb_fail(EXITCODE_FAILURE, "out of memory");
	return args->svg ? draw(&t, args->svg) : VERB_GO_ON;
}

static int history_run(const struct registry *reg, int argc, char **argv)
{
	struct history_args args = {.svg = NULL};
	const char *dirs[DIRS_MAX];
	size_t n = 0, left_out = 0;
	int rc = verb_parse(&cmd_history, argc, argv, &args, dirs);

	if (rc != VERB_GO_ON)
		return rc;
	if (!dirs[0])
		dirs[0] = "results";
	while (n < DIRS_MAX && dirs[n])
		n++;
	for (size_t i = 0; args.rebuild && i < n; i++) {
		rc = rebuild(dirs[i], &left_out);
		if (rc != VERB_GO_ON)
			return rc;
	}
	rc = show(reg, &args, dirs, n);
	if (rc != VERB_GO_ON)
		return rc;
	return left_out ? EXITCODE_FAILURE : EXITCODE_OK;
}

const struct verb cmd_history = {
	.name = "history",
	.help = "show how cells went over all sessions, and where they changed",
	.operands = "[DIR...]",
	.operands_min = 0,
	.operands_max = DIRS_MAX,
	.options = history_rows,
	.run = history_run,
};

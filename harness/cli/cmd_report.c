// SPDX-License-Identifier: MIT
/*
 * uhbench report DIR: one format of a stored session. A file appears under its name only when it is
 * whole: it is written beside it and renamed.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/verbs.h"
#include "harness/util/cleanup.h"
#include "reports/report.h"

struct report_args {
	const char *format, *output;
	bool no_plots;
};

static const char *const formats[] = {"text", "json", "csv", "hdr", "html", NULL};

static const struct option_row report_rows[] = {
	{.name = "format",
	 .letter = 'f',
	 .arg = "FORMAT",
	 .kind = OPTION_CHOICE,
	 .offset = offsetof(struct report_args, format),
	 .choices = formats,
	 .help = "text (default), json, csv, hdr or html"},
	{.name = "output",
	 .letter = 'o',
	 .arg = "FILE",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct report_args, output),
	 .help = "write to FILE, - for stdout (default; html: DIR/report.html)"},
	{.name = "no-plots",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct report_args, no_plots),
	 .help = "html without pictures: needs no gnuplot"},
	OPTION_END,
};

static int to_stdout(const struct report_writer *w, const struct report_options *o, struct err *err)
{
	int code;

	if (w->write == report_text)
		code = report_table(o->dir, stdout, err);
	else
		code = w->write(o, stdout, err);
	if (!code && (fflush(stdout) || ferror(stdout)))
		code = err_sys(err, errno ? -errno : -EIO, "stdout");
	return code;
}

static int to_file(const struct report_writer *w, const struct report_options *o, const char *path,
		   struct err *err)
{
	char part[PATH_MAX];
	FILE *out;
	int code;

	if ((size_t)snprintf(part, sizeof(part), "%s.part", path) >= sizeof(part))
		return err_sys(err, -ENAMETOOLONG, "%s", path);
	out = fopen(part, "we");
	if (!out)
		return err_sys(err, -errno, "%s", part);
	code = w->write(o, out, err);
	if (!code && fflush(out))
		code = err_sys(err, -errno, "%s", part);
	if (fclose(out) && !code)
		code = err_sys(err, -errno, "%s", part);
	if (!code && rename(part, path))
		code = err_sys(err, -errno, "%s", path);
	if (code)
		unlink(part);
	return code;
}

static int report_run(const struct registry *reg, int argc, char **argv)
{
	struct report_args args = {.format = "text"};
	struct report_options o = {.plots = true};
	const struct report_writer *w;
	char path[PATH_MAX];
	const char *dir, *file;
	struct err err;
	int code = verb_parse(&cmd_report, argc, argv, &args, &dir);

	(void)reg;
	if (code != VERB_GO_ON)
		return code;
	w = report_find(args.format);
	o.dir = dir;
	o.plots = !args.no_plots;
	snprintf(path, sizeof(path), "%s/%s", dir, w->file ? w->file : "");
	file = args.output ? args.output : w->file ? path : "-";
	code = strcmp(file, "-") ? to_file(w, &o, file, &err) : to_stdout(w, &o, &err);
	if (code)
		return verb_fail(EXITCODE_USAGE, "%s", err.text);
	if (!args.output && w->file)
		fprintf(stderr, "%s\n", file);
	return EXITCODE_OK;
}

const struct verb cmd_report = {
	.name = "report",
	.help = "show the results of a session as a table, JSON, CSV, HdrHistogram log or HTML",
	.operands = "DIR",
	.operands_min = 1,
	.operands_max = 1,
	.options = report_rows,
	.run = report_run,
};

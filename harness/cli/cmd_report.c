// SPDX-License-Identifier: MIT
/*
 * uhbench report DIR: one format of a stored session or of a gate. A regular file appears under its
 * name only when it is whole: it is written beside it and renamed. Anything else of that name (a
 * pipe, a device) is written to as it stands: replacing it would destroy it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/verbs.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "reports/report.h"
#include "reports/verdict.h"

struct report_args {
	const char *format, *output;
	bool no_plots, session;
};

/* Of sessions, of gates, and of both. */
static const char *const formats[] = {"text",	     "json",  "csv",	     "hdr",  "markdown",
				      "annotations", "junit", "openmetrics", "html", NULL};

static const struct option_row report_rows[] = {
	{.name = "format",
	 .letter = 'f',
	 .arg = "FORMAT",
	 .kind = OPTION_CHOICE,
	 .offset = offsetof(struct report_args, format),
	 .choices = formats,
	 .help = "what to write (default: text)"},
	{.name = "output",
	 .letter = 'o',
	 .arg = "FILE",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct report_args, output),
	 .help = "write to FILE, - for stdout (default; html: DIR/report.html or DIR/gate.html)"},
	{.name = "session",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct report_args, session),
	 .help = "of a session that was compared with a baseline: its runs, not the verdicts"},
	{.name = "no-plots",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct report_args, no_plots),
	 .help = "html without pictures: needs no gnuplot"},
	OPTION_END,
};

/* Which error a stream had that is past: what cannot be written now tells. */
static int past_error(FILE *out)
{
	clearerr(out);
	errno = 0;
	return fputc('\n', out) == EOF || fflush(out) ? -errno : -EIO;
}

/* Flushes, and says what was lost; `failed` is what writing has returned so far. */
static int finish(FILE *out, const char *name, int failed, int *exitcode, struct err *err)
{
	if (failed)
		return failed;
	if (!fflush(out) && !ferror(out))
		return 0;
	*exitcode = EXITCODE_FAILURE;
	return err_sys(err, past_error(out), "%s", name);
}

static int to_stdout(const struct report_writer *w, const struct report_options *o, int *exitcode,
		     struct err *err)
{
	int code;

	if (w->write == report_text)
		code = report_table(o->dir, o->reg, stdout, err);
	else if (w->write == verdict_text)
		code = verdict_table(o->dir, stdout, err);
	else
		code = w->write(o, stdout, err);
	return finish(stdout, "stdout", code, exitcode, err);
}

/* Writes `path`, which stands for `name` in what is said of it. */
static int write_file(const struct report_writer *w, const struct report_options *o,
		      const char *path, const char *name, int *exitcode, struct err *err)
{
	FILE *out = fopen(path, "we");
	int code;

	if (!out)
		return err_sys(err, -errno, "%s", name);
	code = finish(out, name, w->write(o, out, err), exitcode, err);
	if (fclose(out) && !code) {
		*exitcode = EXITCODE_FAILURE;
		code = err_sys(err, -errno, "%s", name);
	}
	return code;
}

static int replace_file(const struct report_writer *w, const struct report_options *o,
			const char *path, const char *name, int *exitcode, struct err *err)
{
	char part[PATH_MAX];
	int code;

	if ((size_t)snprintf(part, sizeof(part), "%s.part", path) >= sizeof(part))
		return err_sys(err, -ENAMETOOLONG, "%s", name);
	code = write_file(w, o, part, name, exitcode, err);
	if (!code && rename(part, path)) {
		*exitcode = EXITCODE_FAILURE;
		code = err_sys(err, -errno, "%s", name);
	}
	if (code)
		unlink(part);
	return code;
}

static int to_file(const struct report_writer *w, const struct report_options *o, const char *name,
		   int *exitcode, struct err *err)
{
	char real[PATH_MAX];

	if (fs_is_replaceable(name, real))
		return replace_file(w, o, real, name, exitcode, err);
	return write_file(w, o, name, name, exitcode, err);
}

static const struct report_writer *find_writer(const struct report_args *args, const char *dir,
					       struct err *err)
{
	bool gate = !args->session && verdict_here(dir);
	const struct report_writer *w =
		gate ? verdict_find(args->format) : report_find(args->format);

	if (!w && gate)
		err_set(err, 0, "--format %s is of sessions, and %s is the folder of a gate",
			args->format, dir);
	else if (!w)
		err_set(err, 0, "--format %s is of gates, and %s", args->format,
			args->session ? "--session asks for the session"
				      : "this folder has no verdicts.json");
	return w;
}

static int report_run(const struct registry *reg, int argc, char **argv)
{
	struct report_args args = {.format = "text"};
	struct report_options o = {.plots = true, .reg = reg};
	const struct report_writer *w;
	char path[PATH_MAX];
	const char *dir, *file;
	struct err err;
	int exitcode = EXITCODE_USAGE; /* unless what was asked for could not be written */
	int code = verb_parse(&cmd_report, argc, argv, &args, &dir);

	if (code != VERB_GO_ON)
		return code;
	w = find_writer(&args, dir, &err);
	if (!w)
		return verb_fail(EXITCODE_USAGE, "%s", err.text);
	o.dir = dir;
	o.plots = !args.no_plots;
	snprintf(path, sizeof(path), "%s/%s", dir, w->file ? w->file : "");
	file = args.output ? args.output : w->file ? path : "-";
	if (strcmp(file, "-"))
		code = to_file(w, &o, file, &exitcode, &err);
	else
		code = to_stdout(w, &o, &exitcode, &err);
	if (code)
		return verb_fail(exitcode, "%s", err.text);
	if (!args.output && w->file)
		fprintf(stderr, "%s\n", file);
	return EXITCODE_OK;
}

const struct verb cmd_report = {
	.name = "report",
	.help = "show the results of a session or a gate: text, JSON, CSV, HTML, what a forge reads",
	.operands = "DIR",
	.operands_min = 1,
	.operands_max = 1,
	.options = report_rows,
	.run = report_run,
};

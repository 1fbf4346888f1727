// SPDX-License-Identifier: MIT
/*
 * Annotations, and telling the forge. GitHub's runner takes lines that begin with `::` as commands
 * and shows ten annotations of a kind for each step: the gate's own verdict comes first, then the
 * worst rows, and the last one of a kind says how many there is no place for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/escape.h"
#include "reports/get.h"
#include "reports/verdict.h"
#include "reports/verdict_words.h"

#define SHOWN_MAX 8 /* rows of a kind; with the verdict and the rest that makes ten */

enum level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_NOTICE, LEVELS };
static const char *const level_names[LEVELS] = {"error", "warning", "notice"};

static enum level regressed_level(const struct verdicts *v)
{
	return v->regressions_fail ? LEVEL_ERROR : LEVEL_WARNING;
}

/* What is not worth a word is LEVELS. */
static enum level level_of(const struct verdicts *v, const struct verdict_row *row)
{
	if (!v->judged)
		return LEVELS;
	switch (row->what) {
	case VERDICT_FAILED:
		return row->gated ? LEVEL_ERROR : LEVEL_NOTICE;
	case VERDICT_REGRESSED:
		return row->gated ? regressed_level(v) : LEVEL_NOTICE;
	case VERDICT_INCONCLUSIVE:
		return row->gated ? LEVEL_WARNING : LEVELS;
	case VERDICT_SKIPPED:
	case VERDICT_IMPROVED:
		return row->gated ? LEVEL_NOTICE : LEVELS;
	default:
		return LEVELS;
	}
}

static void put(FILE *out, enum level level, const char *title, const char *message)
{
	fprintf(out, "::%s title=", level_names[level]);
	escape_annotation(out, title, true);
	fputs("::", out);
	escape_annotation(out, message, false);
	fputc('\n', out);
}

static void put_row(FILE *out, const struct verdicts *v, const struct verdict_row *row,
		    enum level level)
{
	char label[LABEL_SIZE], change[WORDS_MAX], remark[WORDS_MAX];
	char title[64], message[LABEL_SIZE + 2 * WORDS_MAX + 80];

	words_remark(remark, v, row);
	snprintf(title, sizeof(title), "uhbench: %s", verdict_names[row->what]);
	snprintf(message, sizeof(message), "%s %s %s%s%s",
		 words_label(label, verdict_cell_of(v, row), LABEL_MAX), words_metric(row),
		 words_change(change, row), *remark ? ": " : "", remark);
	put(out, level, title, message);
}

static void put_level(FILE *out, const struct verdicts *v, enum level level)
{
	unsigned n = 0;
	char text[80];

	for (unsigned i = 0; i < v->n_rows; i++)
		if (level_of(v, v->order[i]) == level && n++ < SHOWN_MAX)
			put_row(out, v, v->order[i], level);
	if (n <= SHOWN_MAX)
		return;
	snprintf(text, sizeof(text), "%u more are in the job's summary", n - SHOWN_MAX);
	put(out, level, "uhbench", text);
}

static enum level gate_level(const struct verdicts *v)
{
	if (!strcmp(v->verdict, "regressed"))
		return regressed_level(v);
	if (verdict_good(v))
		return LEVEL_NOTICE;
	return verdict_bad(v) ? LEVEL_ERROR : LEVEL_WARNING;
}

static void put_all(FILE *out, const struct verdicts *v)
{
	char title[64], line[WORDS_MAX];

	snprintf(title, sizeof(title), "uhbench: %.40s", v->verdict);
	put(out, gate_level(v), title, words_headline(line, v));
	for (int level = 0; level < LEVELS; level++)
		put_level(out, v, (enum level)level);
}

int verdict_annotations(const struct report_options *options, FILE *out, struct err *err)
{
	_cleanup_(cleanup_verdicts) struct verdicts *v = NULL;
	int code = verdicts_load(options->dir, &v, err);

	if (!code)
		put_all(out, v);
	return code;
}

static int append_summary(const struct report_options *o, const char *path, struct err *err)
{
	FILE *f = fopen(path, "ae");
	int code;

	if (!f)
		return err_sys(err, -errno, "GITHUB_STEP_SUMMARY: %s", path);
	code = verdict_markdown(o, f, err);
	if (fclose(f) && !code)
		code = err_sys(err, -errno, "GITHUB_STEP_SUMMARY: %s", path);
	return code;
}

int verdict_publish(const char *dir, FILE *out, struct err *err)
{
	const struct report_options o = {.dir = dir};
	const char *summary = getenv("GITHUB_STEP_SUMMARY"), *actions = getenv("GITHUB_ACTIONS");
	int code = summary && *summary ? append_summary(&o, summary, err) : 0;

	if (!code && actions && !strcmp(actions, "true"))
		code = verdict_annotations(&o, out, err);
	return code;
}

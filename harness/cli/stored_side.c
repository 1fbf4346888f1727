// SPDX-License-Identifier: MIT
/*
 * The two sides of a stored comparison. What cannot be read is an error of what was given (2), what
 * is not there or of another machine is no comparable baseline (6): nothing of this is a verdict.
 */
#include "harness/cli/stored_side.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "harness/host/machine.h"
#include "harness/util/cleanup.h"
#include "reports/fmt.h"

void stored_side_close(struct stored_side *s)
{
	baseline_free(s->baseline);
	sheet_free(&s->session);
	*s = (struct stored_side){.baseline = NULL};
}

static bool is_session(const char *word)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.4000s/manifest.json", word);
	return !access(path, F_OK);
}

int stored_session_open(const char *dir, struct stored_side *ret)
{
	struct err err = {""};

	*ret = (struct stored_side){.baseline = NULL};
	if (sheet_of_session(dir, &ret->session, &err))
		return verb_fail(EXITCODE_USAGE, "%s", err.text);
	ret->side = (struct judge_side){.name = dir, .sheets = &ret->session, .n = 1};
	return VERB_GO_ON;
}

int stored_baseline_open(const char *root, const char *name, struct stored_side *ret)
{
	struct err err = {""};
	int r;

	*ret = (struct stored_side){.baseline = NULL};
	r = baseline_load(root, name, &ret->baseline, &err);
	if (r)
		return verb_fail(r == -ENOENT ? EXITCODE_NO_BASELINE : EXITCODE_USAGE, "%s",
				 err.text);
	ret->side = (struct judge_side){.name = ret->baseline->name,
					.sheets = ret->baseline->sheets,
					.n = ret->baseline->n};
	return VERB_GO_ON;
}

int stored_side_open(const char *root, const char *word, struct stored_side *ret)
{
	struct err err;

	if (is_session(word))
		return stored_session_open(word, ret);
	if (baseline_check_name(word, &err))
		return verb_fail(EXITCODE_NO_BASELINE,
				 "%s is neither a results folder nor the name of a baseline", word);
	return stored_baseline_open(root, word, ret);
}

const cJSON *stored_side_what(const struct stored_side *s)
{
	return s->side.sheets[s->side.n - 1].session;
}

/* A value in a line: without quotes, and cut to fit. */
static void print_value(FILE *out, const cJSON *value)
{
	_cleanup_free_ char *text = cJSON_PrintUnformatted(value);
	char safe[80];

	if (cJSON_IsString(value))
		fputs(fmt_safe(safe, sizeof(safe), value->valuestring), out);
	else
		fputs(fmt_safe(safe, sizeof(safe), text ? text : ""), out);
}

void stored_print_diff(FILE *out, const cJSON *rows, const char *a, const char *b)
{
	const cJSON *row;

	if (rows->child)
		fprintf(out, "  %-34s %s -> %s\n", "", a, b);
	cJSON_ArrayForEach (row, rows) {
		fprintf(out, "  %-34s ",
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "key")));
		print_value(out, cJSON_GetObjectItemCaseSensitive(row, "a"));
		fputs(" -> ", out);
		print_value(out, cJSON_GetObjectItemCaseSensitive(row, "b"));
		fputc('\n', out);
	}
}

/* The full descriptions, too: a coarse key names the difference, but not always the reason. */
static void show_difference(const cJSON *base, const cJSON *head)
{
	_cleanup_json_ cJSON *rows = machine_diff(cJSON_GetObjectItemCaseSensitive(base, "host"),
						  cJSON_GetObjectItemCaseSensitive(head, "host"));

	fputs("all that differs between the two machines:\n", stderr);
	stored_print_diff(stderr, rows, "base", "head");
}

int stored_compare_check(const cJSON *base, const cJSON *head, bool anyway,
			 char ret_advice[static ERR_MAX])
{
	struct err err = {""};

	ret_advice[0] = '\0';
	if (!baseline_alike(base, head, &err))
		return VERB_GO_ON;
	show_difference(base, head);
	if (!anyway)
		return verb_fail(EXITCODE_NO_BASELINE,
				 "not comparable: %s (--other-machine compares all the same, as "
				 "advice)",
				 err.text);
	snprintf(ret_advice, ERR_MAX, "%s", err.text);
	return VERB_GO_ON;
}

static const char *text_at(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return text ? text : "";
}

static const char *percent(const cJSON *o, const char *key, char buf[16])
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);

	if (cJSON_IsNumber(item))
		snprintf(buf, 16, "%+.1f %%", 100 * item->valuedouble);
	else
		snprintf(buf, 16, "-");
	return buf;
}

static void print_metric(const char *label, const cJSON *m)
{
	const char *unit = text_at(m, "unit"), *why = text_at(m, "why");
	char estimate[16], low[16], high[16], base[FMT_MAX], head[FMT_MAX];

	printf("  %-13s %s, %s%s: %s of what was predicted", text_at(m, "verdict"), label,
	       text_at(m, "metric"),
	       cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(m, "gated")) ? "" : " (advice)",
	       percent(m, "estimate", estimate));
	if (cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(m, "low")))
		printf(" (%s to %s)", percent(m, "low", low), percent(m, "high", high));
	fmt_value(base, cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(m, "base")), unit,
		  false);
	fmt_value(head, cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(m, "head")), unit,
		  false);
	printf(", %s -> %s%s%s\n", base, head, *why ? ": " : "", why);
}

/* What is gated, and of the rest what is not as it was. */
static void print_cells(const cJSON *verdicts)
{
	const cJSON *cell, *m;

	cJSON_ArrayForEach (cell, cJSON_GetObjectItemCaseSensitive(verdicts, "cells"))
		cJSON_ArrayForEach (m, cJSON_GetObjectItemCaseSensitive(cell, "metrics"))
			if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(m, "gated")) ||
			    !strcmp(text_at(m, "verdict"), "regressed") ||
			    !strcmp(text_at(m, "verdict"), "improved"))
				print_metric(text_at(cell, "label"), m);
}

int stored_print_verdicts(const cJSON *verdicts, bool json)
{
	_cleanup_free_ char *text = json ? cJSON_Print(verdicts) : NULL;

	if (json && !text)
		return verb_fail(EXITCODE_FAILURE, "out of memory");
	if (json) {
		puts(text);
		return VERB_GO_ON;
	}
	puts(text_at(verdicts, "line"));
	print_cells(verdicts);
	return VERB_GO_ON;
}

static const char *const failing[] = {"regressed", "inconclusive", "none", NULL};

/* Is `word` one of the comma-separated words of the list? */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; p; p = strchr(p, ','), p = p ? p + 1 : NULL)
		if (!strncmp(p, word, len) && (p[len] == ',' || !p[len]))
			return true;
	return false;
}

static bool is_known(const char *word, size_t len)
{
	for (size_t i = 0; failing[i]; i++)
		if (strlen(failing[i]) == len && !strncmp(failing[i], word, len))
			return true;
	return false;
}

int stored_check_fail_on(const char *fail_on)
{
	for (const char *p = fail_on; p;) {
		size_t len = strcspn(p, ",");

		if (!is_known(p, len))
			return verb_fail(EXITCODE_USAGE,
					 "--fail-on: \"%.*s\" is none of regressed, inconclusive, "
					 "none",
					 (int)len, p);
		p = p[len] ? p + len + 1 : NULL;
	}
	return VERB_GO_ON;
}

int stored_exit_code(const cJSON *verdicts, const char *fail_on)
{
	const char *verdict = text_at(verdicts, "verdict");
	int code =
		(int)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(verdicts, "exit_code"));
	bool chosen = !strcmp(verdict, "regressed") || !strcmp(verdict, "inconclusive");

	if (fail_on && chosen && !has_word(fail_on, verdict))
		return EXITCODE_OK;
	return code;
}

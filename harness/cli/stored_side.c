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
#include "harness/util/fs.h"
#include "reports/fmt.h"
#include "reports/verdict.h"

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

static bool is_baseline(const char *root, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.3000s/%.900s", root, name);
	return !access(path, F_OK);
}

int stored_session_open(const char *dir, struct stored_side *ret)
{
	struct err err = {""};

	*ret = (struct stored_side){.baseline = NULL};
	if (sheet_of_session(dir, &ret->session, &err))
		return verb_fail(EXITCODE_USAGE, "%s", err.text);
	ret->side = (struct assess_side){.name = dir, .sheets = &ret->session, .n = 1};
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
	ret->side = (struct assess_side){.name = ret->baseline->name,
					 .baseline = true,
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
	if (!is_baseline(root, word))
		return verb_fail(EXITCODE_NO_BASELINE,
				 "%s: there is neither such a results folder nor a baseline %s/%s",
				 word, root, word);
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

	if (rows->child)
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

/* The writers read folders: the verdicts of a comparison get one for as long as that takes. */
static int print_through(const cJSON *verdicts, const char *dir)
{
	struct err err = {""};
	int rc = stored_write_verdicts(verdicts, dir);

	if (rc != VERB_GO_ON)
		return rc;
	return verdict_table(dir, stdout, &err) ? verb_fail(EXITCODE_FAILURE, "%s", err.text)
						: VERB_GO_ON;
}

int stored_write_verdicts(const cJSON *verdicts, const char *dir)
{
	_cleanup_free_ char *text = cJSON_Print(verdicts);
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%.4000s/verdicts.json", dir);
	r = text ? fs_replace(path, text, strlen(text)) : -ENOMEM;
	return r ? verb_fail(EXITCODE_FAILURE, "%s: %s", path, strerror(-r)) : VERB_GO_ON;
}

int stored_print_verdicts(const cJSON *verdicts, const char *dir, bool json)
{
	char folder[] = "/tmp/uhbench-compare-XXXXXX";
	int rc;

	if (json) {
		rc = verb_print_json(verdicts);
		return rc == EXITCODE_OK ? VERB_GO_ON : rc;
	}
	if (dir)
		return print_through(verdicts, dir);
	if (!mkdtemp(folder))
		return verb_fail(EXITCODE_FAILURE, "%s: %s", folder, strerror(errno));
	rc = print_through(verdicts, folder);
	fs_remove_tree(folder);
	return rc;
}

int stored_exit_code(const cJSON *verdicts)
{
	return (int)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(verdicts, "exit_code"));
}

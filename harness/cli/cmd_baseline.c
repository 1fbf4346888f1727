// SPDX-License-Identifier: MIT
/*
 * uhbench baseline ACTION: the sessions that later ones are judged by. save and add take a session
 * as it is, pinned: somebody has looked at it. promote takes one that the gate has passed, so that
 * a baseline moves forward with the program, and the pinned sessions stay behind to show slow
 * leaks.
 */
#include "harness/cli/baseline_show.h"
#include "harness/cli/stored_side.h"
#include "harness/cli/verbs.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "harness/gate/predict.h"
#include "harness/util/cleanup.h"
#include "harness/util/jsonl.h"
#include "harness/util/nearest.h"

struct baseline_options {
	const char *root;
	bool json;
};

static const struct option_row baseline_rows[] = {
	{.name = "baselines",
	 .arg = "DIR",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct baseline_options, root),
	 .help = "where baselines are (default results/baselines)"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct baseline_options, json),
	 .help = "list, show, diff: print JSON"},
	OPTION_END,
};

/* What an action is given: NULL where the command line has no such word. */
struct request {
	const struct registry *registry;
	const struct baseline_options *options;
	const char *name, *word;
};

static int error_code(int r)
{
	switch (-r) {
	case ENOENT:
	case EXDEV:
		return EXITCODE_NO_BASELINE;
	case EINVAL:
	case EEXIST:
	case EBADMSG:
	case ECANCELED:
		return EXITCODE_USAGE;
	default:
		return EXITCODE_FAILURE;
	}
}

static int end(int r, const struct err *err)
{
	return r ? verb_fail(error_code(r), "%s", err->text) : EXITCODE_OK;
}

#define DAY_CHARS 10 /* of 2026-05-02T10:00:00Z */

/* The sessions are in the order of their time. */
static unsigned count_days(const struct baseline *b)
{
	unsigned n = b->n > 0;

	for (size_t i = 1; i < b->n; i++)
		n += strncmp(sheet_text(&b->sheets[i], "started"),
			     sheet_text(&b->sheets[i - 1], "started"), DAY_CHARS) != 0;
	return n;
}

/* What it is good for now, since nobody should learn that from a verdict minutes later. */
static void tell_state(const struct request *q)
{
	_cleanup_(stored_side_close) struct stored_side s = {.baseline = NULL};
	unsigned n, days;

	if (stored_baseline_open(q->options->root, q->name, &s) != VERB_GO_ON)
		return; /* the session is in it all the same */
	n = (unsigned)s.baseline->n;
	days = count_days(s.baseline);
	fprintf(stderr, "baseline %s: %u session%s of %u day%s", q->name, n, n == 1 ? "" : "s",
		days, days == 1 ? "" : "s");
	if (n < PREDICT_LEAST)
		fprintf(stderr, "; %u more until it can judge\n", PREDICT_LEAST - n);
	else if (days == 1)
		fputs("; what differs from day to day is not in it yet\n", stderr);
	else
		fputc('\n', stderr);
}

static int save(const struct request *q)
{
	_cleanup_(stored_side_close) struct stored_side s = {.baseline = NULL};
	struct err err = {""};
	int rc = stored_session_open(q->word, &s);

	if (rc != VERB_GO_ON)
		return rc;
	rc = end(baseline_create(q->options->root, q->name, &s.session, &err), &err);
	if (rc == EXITCODE_OK)
		tell_state(q);
	return rc;
}

/* `judged`: the session that a verdict is about; NULL: there is none. */
static int add_session(const struct request *q, const char *judged)
{
	_cleanup_(stored_side_close) struct stored_side b = {.baseline = NULL};
	_cleanup_(stored_side_close) struct stored_side s = {.baseline = NULL};
	struct err err = {""};
	char advice[ERR_MAX];
	int rc = stored_baseline_open(q->options->root, q->name, &b);

	if (rc == VERB_GO_ON)
		rc = stored_session_open(q->word, &s);
	if (rc == VERB_GO_ON && judged && strcmp(judged, sheet_text(&s.session, "session")))
		return verb_fail(EXITCODE_USAGE,
				 "%s: verdicts.json is about session %s, the records are of %s",
				 q->word, judged, sheet_text(&s.session, "session"));
	if (rc == VERB_GO_ON)
		rc = stored_compare_check(stored_side_what(&b), stored_side_what(&s), false,
					  advice);
	if (rc != VERB_GO_ON)
		return rc;
	rc = end(baseline_add(b.baseline, &s.session, !judged, &err), &err);
	if (rc == EXITCODE_OK)
		tell_state(q);
	return rc;
}

static int add(const struct request *q)
{
	return add_session(q, NULL);
}

static const char *text_at(const cJSON *o, const char *key, const char *key2)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
	const char *text;

	if (key2)
		item = cJSON_GetObjectItemCaseSensitive(item, key2);
	text = cJSON_GetStringValue(item);
	return text ? text : "";
}

static double number_at(const cJSON *o, const char *key)
{
	return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(o, key));
}

/* A gated metric that is worse by more than its target. Where sessions lie far apart a gate cannot
 * call that a regression; a baseline that moved along with it would be worse at every step. */
static const cJSON *find_drifted(const cJSON *verdicts, const char **ret_label)
{
	const cJSON *cells = cJSON_GetObjectItemCaseSensitive(verdicts, "cells"), *cell, *m;

	cJSON_ArrayForEach (cell, cells) {
		*ret_label = text_at(cell, "label", NULL);
		cJSON_ArrayForEach (m, cJSON_GetObjectItemCaseSensitive(cell, "metrics"))
			if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(m, "gated")) &&
			    number_at(m, "estimate") > number_at(m, "effect"))
				return m;
	}
	return NULL;
}

/* Only what this very baseline's gate has let through. */
static int promote(const struct request *q)
{
	_cleanup_json_ cJSON *verdicts = NULL;
	char path[PATH_MAX];
	const char *verdict, *label;
	const cJSON *drifted;
	struct err err;
	int r;

	snprintf(path, sizeof(path), "%.4000s/verdicts.json", q->word);
	r = jsonl_document(path, 1, &verdicts, &err);
	if (r == -ENOENT)
		return verb_fail(EXITCODE_USAGE,
				 "%s was not judged: measure with `uhbench run MATRIX --baseline "
				 "%s`, or take it as it is by `baseline add`",
				 q->word, q->name);
	if (r)
		return verb_fail(EXITCODE_USAGE, "%s", err.text);
	verdict = text_at(verdicts, "verdict", NULL);
	if (strcmp(text_at(verdicts, "kind", NULL), "stored") ||
	    strcmp(text_at(verdicts, "base_sessions", "baseline"), q->name))
		return verb_fail(EXITCODE_USAGE, "%s: it was not judged by the baseline %s", path,
				 q->name);
	if (strcmp(verdict, "passed") && strcmp(verdict, "improved"))
		return verb_fail(EXITCODE_USAGE, "%s: it did not pass: %s", path,
				 text_at(verdicts, "line", NULL));
	drifted = find_drifted(verdicts, &label);
	if (drifted)
		return verb_fail(
			EXITCODE_USAGE,
			"%s: %s, %s is %+.1f %% off, and passes only since the sessions differ so "
			"much: look at it, then take it by `baseline add`",
			path, label, text_at(drifted, "metric", NULL),
			100 * number_at(drifted, "estimate"));
	return add_session(q, text_at(verdicts, "gate", NULL));
}

static int list(const struct request *q)
{
	return baseline_list(q->options->root, q->options->json);
}

static int show(const struct request *q)
{
	_cleanup_(stored_side_close) struct stored_side b = {.baseline = NULL};
	int rc = stored_baseline_open(q->options->root, q->name, &b);

	return rc == VERB_GO_ON ? baseline_show(q->registry, &b, q->options->json) : rc;
}

static int diff(const struct request *q)
{
	_cleanup_(stored_side_close) struct stored_side a = {.baseline = NULL};
	_cleanup_(stored_side_close) struct stored_side b = {.baseline = NULL};
	int rc = stored_baseline_open(q->options->root, q->name, &a);

	if (rc == VERB_GO_ON && q->word)
		rc = stored_side_open(q->options->root, q->word, &b);
	return rc == VERB_GO_ON ? baseline_diff(&a, q->word ? &b : NULL, q->options->json) : rc;
}

static int rm(const struct request *q)
{
	_cleanup_(stored_side_close) struct stored_side b = {.baseline = NULL};
	struct err err = {""};
	int rc = stored_baseline_open(q->options->root, q->name, &b);

	if (rc != VERB_GO_ON)
		return rc;
	return end(q->word ? baseline_remove_session(b.baseline, q->word, &err)
			   : baseline_remove(b.baseline, &err),
		   &err);
}

static int unpin(const struct request *q)
{
	_cleanup_(stored_side_close) struct stored_side b = {.baseline = NULL};
	struct err err = {""};
	int rc = stored_baseline_open(q->options->root, q->name, &b);

	return rc == VERB_GO_ON ? end(baseline_unpin(b.baseline, q->word, &err), &err) : rc;
}

static const struct {
	const char *name;
	unsigned least, most; /* words behind it */
	const char *usage;
	int (*run)(const struct request *q);
} actions[] = {
	{"save", 2, 2, "save NAME SESSION_DIR", save},
	{"add", 2, 2, "add NAME SESSION_DIR", add},
	{"promote", 2, 2, "promote NAME SESSION_DIR", promote},
	{"list", 0, 0, "list", list},
	{"show", 1, 1, "show NAME", show},
	{"diff", 1, 2, "diff NAME [NAME|SESSION_DIR]", diff},
	{"unpin", 1, 2, "unpin NAME [SESSION]", unpin},
	{"rm", 1, 2, "rm NAME [SESSION]", rm},
};

static int unknown_action(const char *word)
{
	struct nearest n = nearest_to(word);
	char hint[NEAREST_HINT_MAX];

	for (size_t i = 0; i < array_size(actions); i++)
		nearest_offer(&n, actions[i].name);
	return verb_fail(EXITCODE_USAGE,
			 "baseline: there is no action \"%s\"%s; there are save, add, promote, "
			 "list, show, diff, unpin, rm",
			 word, nearest_hint(&n, hint));
}

static int baseline_run(const struct registry *reg, int argc, char **argv)
{
	struct baseline_options o = {.root = BASELINE_ROOT};
	const char *words[3];
	struct request q = {.registry = reg, .options = &o};
	int rc = verb_parse(&cmd_baseline, argc, argv, &o, words);
	unsigned n;

	if (rc != VERB_GO_ON)
		return rc;
	q.name = words[1];
	q.word = words[2];
	n = q.word ? 2 : q.name ? 1 : 0;
	for (size_t i = 0; i < array_size(actions); i++) {
		if (strcmp(actions[i].name, words[0]))
			continue;
		if (n < actions[i].least || n > actions[i].most)
			return verb_fail(EXITCODE_USAGE, "usage: uhbench baseline %s",
					 actions[i].usage);
		return actions[i].run(&q);
	}
	return unknown_action(words[0]);
}

const struct verb cmd_baseline = {
	.name = "baseline",
	.help = "keep sessions to judge later ones by: save, add, promote, list, show, diff, unpin, "
		"rm",
	.operands = "ACTION [NAME [SESSION_DIR|OTHER]]",
	.operands_min = 1,
	.operands_max = 3,
	.options = baseline_rows,
	.run = baseline_run,
};

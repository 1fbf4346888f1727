// SPDX-License-Identifier: MIT
/*
 * uhbench compare A B: is B, a session or a baseline, what the sessions of A let one expect? The
 * stored gate without a run. With fewer than five sessions in A there is no verdict, and what is
 * printed is for people.
 */
#include "harness/cli/fail_on.h"
#include "harness/cli/stored_side.h"
#include "harness/cli/verbs.h"
#include "harness/util/cleanup.h"

struct compare_options {
	const char *root;
	struct option_words fail_on;
	bool json, other_machine;
};

static const struct option_row compare_rows[] = {
	{.name = "baselines",
	 .arg = "DIR",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct compare_options, root),
	 .help = "where baselines are (default results/baselines)"},
	{.name = "fail-on",
	 .arg = "VERDICT",
	 .kind = OPTION_WORDS,
	 .offset = offsetof(struct compare_options, fail_on),
	 .help = FAIL_ON_HELP},
	{.name = "other-machine",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct compare_options, other_machine),
	 .help = "compare what was measured on another machine or by another recipe, as advice"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct compare_options, json),
	 .help = "print verdicts.json (results/README.md)"},
	OPTION_END,
};

static int compare(const struct registry *reg, const struct stored_side *a,
		   const struct stored_side *b, const struct compare_options *o)
{
	_cleanup_json_ cJSON *verdicts = NULL;
	struct assess j = {
		.registry = reg, .base = a->side, .head = b->side, .alpha = STORED_ALPHA};
	char advice[ERR_MAX];
	bool regressed, inconclusive;
	struct err err;
	int rc = fail_on_read(&o->fail_on, &regressed, &inconclusive);

	if (rc == VERB_GO_ON)
		rc = stored_compare_check(stored_side_what(a), stored_side_what(b),
					  o->other_machine, advice);
	if (rc != VERB_GO_ON)
		return rc;
	j.forgive_regressed = !regressed;
	j.forgive_inconclusive = !inconclusive;
	j.advice = advice[0] ? advice : NULL;
	if (assess_verdicts(&j, &verdicts, &err))
		return verb_fail(EXITCODE_FAILURE, "%s", err.text);
	rc = stored_print_verdicts(verdicts, NULL, o->json);
	return rc != VERB_GO_ON ? rc : stored_exit_code(verdicts);
}

/* A session to judge, or to judge by. What was not measured is no result: a cell without its runs
 * would look as if nobody had asked for it. */
static int open_side(const char *root, const char *word, struct stored_side *ret)
{
	int rc = stored_side_open(root, word, ret);
	struct err err;

	if (rc == VERB_GO_ON && !ret->baseline && sheet_finished(&ret->session, &err))
		return verb_fail(EXITCODE_USAGE, "%s", err.text);
	return rc;
}

/* The likeliest mistake: then a whole baseline is judged by one session, which tells nothing. */
static void note_order(const struct stored_side *base, const struct stored_side *head,
		       const char *const *words)
{
	if (!base->baseline && head->baseline)
		fprintf(stderr,
			"note: the baseline %s is judged by the one session %s; `uhbench compare %s "
			"%s` judges the session by the baseline\n",
			words[1], words[0], words[1], words[0]);
}

static int compare_run(const struct registry *reg, int argc, char **argv)
{
	struct compare_options o = {.root = BASELINE_ROOT};
	_cleanup_(stored_side_close) struct stored_side a = {.baseline = NULL};
	_cleanup_(stored_side_close) struct stored_side b = {.baseline = NULL};
	const char *operands[2];
	int rc = verb_parse(&cmd_compare, argc, argv, &o, operands);

	if (rc == VERB_GO_ON)
		rc = open_side(o.root, operands[0], &a);
	if (rc == VERB_GO_ON)
		rc = open_side(o.root, operands[1], &b);
	if (rc != VERB_GO_ON)
		return rc;
	note_order(&a, &b, operands);
	return compare(reg, &a, &b, &o);
}

const struct verb cmd_compare = {
	.name = "compare",
	.help = "judge a session, HEAD, by a baseline, BASE; each a results folder or a baseline's name",
	.operands = "BASE HEAD",
	.operands_min = 2,
	.operands_max = 2,
	.options = compare_rows,
	.run = compare_run,
};

/* SPDX-License-Identifier: MIT */
/* What the verbs of the stored gate have in common: where figures come from, what is said of
 * machines that differ, and verdicts on their way to people. */
#pragma once

#include "harness/cli/verb.h"
#include "harness/stored/baseline.h"
#include "harness/stored/assess.h"

/* A baseline, or a session by its results folder. */
struct stored_side {
	struct baseline *baseline; /* NULL: a session */
	struct sheet session;
	struct assess_side side; /* of either */
};

/* VERB_GO_ON, or the exit code to leave with: a word that is no session and no baseline is
 * EXITCODE_NO_BASELINE, one that cannot be read EXITCODE_USAGE. */
int stored_side_open(const char *root, const char *word, struct stored_side *ret);
int stored_session_open(const char *dir, struct stored_side *ret);
int stored_baseline_open(const char *root, const char *name, struct stored_side *ret);
void stored_side_close(struct stored_side *s);

/* {machine, recipe, host}: of a baseline those of its newest session. */
const cJSON *stored_side_what(const struct stored_side *s);

/* Refuses what cannot be compared, unless `anyway`, and shows what differs on stderr.
 * *ret_advice: why the figures can only advise; "" if they can do more. */
int stored_compare_check(const cJSON *base, const cJSON *head, bool anyway,
			 char ret_advice[static ERR_MAX]);
/* One line for each row of machine_diff. */
void stored_print_diff(FILE *out, const cJSON *rows, const char *a, const char *b);

/* Writes DIR/verdicts.json, durably; `dir` must be there. */
int stored_write_verdicts(const cJSON *verdicts, const char *dir);
/* For people, or as JSON. With `dir` (may be NULL) they are written there, too, unless as JSON.
 * VERB_GO_ON, or the exit code to leave with, as stored_write_verdicts. */
int stored_print_verdicts(const cJSON *verdicts, const char *dir, bool json);
int stored_exit_code(const cJSON *verdicts);

/* SPDX-License-Identifier: MIT */
/*
 * Reports of a gate: what `uhbench ab`, `run --baseline` or `compare` left in a folder, in the
 * formats that people and forges read. All of it is in the folder (results/README.md, "Gates"):
 * verdicts.json, for pictures also gate.json and pairs.jsonl.
 */
#pragma once

#include <stdbool.h>

#include "harness/util/err.h"
#include "reports/report.h"

/* Is the folder that of a gate, judged or not yet? */
bool verdict_here(const char *dir);

extern const struct report_writer verdict_writers[]; /* ended by a NULL name */
const struct report_writer *verdict_find(const char *name);

int verdict_text(const struct report_options *options, FILE *out, struct err *err);
int verdict_json(const struct report_options *options, FILE *out, struct err *err);
int verdict_csv(const struct report_options *options, FILE *out, struct err *err);
int verdict_markdown(const struct report_options *options, FILE *out, struct err *err);
int verdict_annotations(const struct report_options *options, FILE *out, struct err *err);
int verdict_junit(const struct report_options *options, FILE *out, struct err *err);
int verdict_openmetrics(const struct report_options *options, FILE *out, struct err *err);
int verdict_html(const struct report_options *options, FILE *out, struct err *err);

/* The text as `uhbench ab` prints it at its end: width and colour as `out` allows. */
int verdict_table(const char *dir, FILE *out, struct err *err);

/*
 * Tells the forge that runs us, if one does: with GITHUB_STEP_SUMMARY the Markdown is appended to
 * that file, with GITHUB_ACTIONS=true annotations go to `out` (the runner reads stdout and stderr
 * alike: stderr keeps stdout for data). Elsewhere nothing happens.
 */
int verdict_publish(const char *dir, FILE *out, struct err *err);

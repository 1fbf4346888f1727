/* SPDX-License-Identifier: MIT */
/*
 * yardsticks.jsonl in the results folder: how fast the machine was when the session began and when
 * it ended, a line each time (results/README.md); a session that was resumed has more of them.
 */
#pragma once

#include <cjson/cJSON.h>

#include "harness/util/err.h"

enum yardlog_at { YARDLOG_BEGIN, YARDLOG_END };

/* Measures, with files below `workdir`, and appends a line to the one in `dir`. */
int yardlog_add(const char *dir, const char *workdir, enum yardlog_at at, struct err *err);

/* What stands for the session: {name: {version, ns, drift}}, the median over its lines, and the
 * last over the first, less 1. What was not measured in every line is left out, as is a yardstick
 * whose version changed. Of very many lines it is the first and the last 999. {} for a session
 * without the file. -EBADMSG with the line. */
int yardlog_read(const char *dir, cJSON **ret, struct err *err);

/* SPDX-License-Identifier: MIT */
/* Judged rows as verdicts.json (results/README.md). Belongs to judge.c. */
#pragma once

#include "harness/stored/judge_rows.h"

cJSON *judge_json(const struct judge *j, const struct judge_rows *rows);

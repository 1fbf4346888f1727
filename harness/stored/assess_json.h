/* SPDX-License-Identifier: MIT */
/* Judged rows as verdicts.json (results/README.md). Belongs to assess.c. */
#pragma once

#include "harness/stored/assess_rows.h"

cJSON *assess_json(const struct assess *j, const struct assess_rows *rows);

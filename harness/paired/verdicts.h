/* SPDX-License-Identifier: MIT */
/* What a judge that has ended says: verdicts.json (results/README.md). */
#pragma once

#include "harness/paired/judge.h"

/* NULL: no memory. */
cJSON *verdicts_make(const struct judge *j);
